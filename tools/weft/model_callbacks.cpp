// `weft models`: the work written with callbacks: each step passes the function for the next one.
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <weft/on_complete.hpp>
#include <weft/semaphore.hpp>

#include "model_connections.hpp"

namespace weft::tool {

namespace {

/// Held by the pending callback. Its destructor reports the end by a permit.
class Fetch : public std::enable_shared_from_this<Fetch> {
 public:
  Fetch(Connections& connections, ModelTally& tally, std::size_t number, Semaphore& ended)
      : connections_(connections),
        tally_(tally),
        ended_(ended),
        exchange_(connections.work(), number) {}
  ~Fetch() {
    lease_.reset();
    ended_.release();
  }
  Fetch(const Fetch&) = delete;
  Fetch& operator=(const Fetch&) = delete;

  auto on_error() {
    return [self = shared_from_this()](std::exception_ptr error) {
      try {
        std::rethrow_exception(std::move(error));
      } catch (const std::exception& failure) {
        self->tally_.fail(failure.what());
      }
    };
  }
  void acquire() {
    on_complete(
        connections_.free().acquire(),
        [self = shared_from_this()](Permit permit) { self->write(std::move(permit)); }, on_error());
  }

 private:
  void write(Permit permit) {
    lease_.emplace(connections_, std::move(permit));
    on_complete(
        lease_->stream().write_all(exchange_.request()),
        [self = shared_from_this()] { self->read(); }, on_error());
  }
  void read() {
    on_complete(
        lease_->stream().read(exchange_.room()),
        [self = shared_from_this()](std::size_t size) { self->has_read(size); }, on_error());
  }
  void has_read(std::size_t size) {
    if (!exchange_.add(size)) return read();
    tally_.note(exchange_);
  }
  Connections& connections_;
  ModelTally& tally_;
  Semaphore& ended_;
  Exchange exchange_;
  std::optional<Lease> lease_;
};

Task<void> fetch_all(Connections& connections, ModelTally& tally) {
  const std::size_t count = connections.work().count;
  Semaphore ended(0);
  for (std::size_t number = 0; number < count; ++number) {
    std::make_shared<Fetch>(connections, tally, number, ended)->acquire();
  }
  Permit all = co_await ended.acquire(count);
  all.forget();
}

}  // namespace

void run_with_callbacks(const ModelWork& work, ModelTally& tally) {
  run_on_one_worker(work, tally, fetch_all);
}

}  // namespace weft::tool
