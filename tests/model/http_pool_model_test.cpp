// Pool: an object is leased to one holder at a time, and none is lost.
#include "http/pool.hpp"

#include "model/model_test.hpp"

namespace weft::model::http_pool_model_test {
namespace {

using http::Limits;
using http::Pool;

struct Object {
  explicit Object(const Limits&) noexcept {}
  void recycle() noexcept {}
  Atomic<int> holders{0};
};

void use(Pool<Object>& pool) {
  std::unique_ptr<Object> object = pool.take();
  require(object->holders.fetch_add(1, std::memory_order_relaxed) == 0, "one holder");
  object->holders.fetch_sub(1, std::memory_order_relaxed);
  pool.give_back(std::move(object));
}

void three_leases(Execution& execution) {
  Pool<Object> pool{Limits()};
  execution.thread([&] {
    use(pool);
    use(pool);
  });
  execution.thread([&] { use(pool); });
  execution.join_all();
  use(pool);
}

TEST(HttpPoolModel, OneHolderAtATime) {
  expect_holds_exhaustively(2, three_leases);
  expect_holds_randomly(20000, three_leases);
}

}  // namespace
}  // namespace weft::model::http_pool_model_test
