// The fiber-local objects of the running fiber; the key of each FiberLocal. On the fiber's worker.
#include "fiber/locals.hpp"

#include <weft/atomic.hpp>

#include <stdexcept>

#include "fiber/scheduler.hpp"

namespace weft::inline v0_1 {

namespace {

detail::FiberLocalNode*& list_of_running_fiber() {
  const detail::FiberScheduler* const scheduler = detail::FiberScheduler::current();
  detail::FiberCore* const fiber = scheduler != nullptr ? scheduler->running() : nullptr;
  if (fiber == nullptr || !fiber->may_await()) {
    throw std::logic_error("weft::FiberLocal: no fiber runs here");
  }
  return fiber->locals();
}

}  // namespace

std::uint64_t next_fiber_local_key() noexcept {
  static constinit Atomic<std::uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;  // relaxed: it only has to be unique
}

detail::FiberLocalNode* find_fiber_local(std::uint64_t key) {
  detail::FiberLocalNode* node = list_of_running_fiber();
  while (node != nullptr && node->key != key) node = node->next;
  return node;
}

void add_fiber_local(detail::FiberLocalNode& node) noexcept {
  detail::FiberLocalNode*& first = list_of_running_fiber();
  node.next = first;
  first = &node;
}

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

void destroy_fiber_locals(FiberLocalNode*& first) noexcept {
  while (FiberLocalNode* const node = first) {
    first = node->next;
    node->destroy(*node);
  }
}

}  // namespace weft::inline v0_1::detail
