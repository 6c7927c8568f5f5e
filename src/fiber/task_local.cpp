// TaskLocal: the key of each one, and the error of an unbound one. Any thread.
#include <weft/task_local.hpp>

#include <weft/atomic.hpp>

#include <stdexcept>

namespace weft::inline v0_1::detail {

std::uint64_t next_task_local_key() noexcept {
  static constinit Atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;  // relaxed: it only has to be unique
}

void throw_not_bound() {
  throw std::logic_error("weft::TaskLocal: no value is bound here; see TaskLocal::with");
}

}  // namespace weft::inline v0_1::detail
