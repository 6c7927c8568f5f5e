#include "base/runtime_hold.hpp"

#include <utility>

#include "base/thread_context.hpp"

namespace weft::inline v0_1::detail {

// Never inlined: see thread_context().
[[gnu::noinline]] void set_joined_by(const void* owner) noexcept {
  thread_context().joined_by = owner;
}

[[gnu::noinline]] bool is_joined_by(const void* owner) noexcept {
  return thread_context().joined_by == owner;
}

[[gnu::noinline]] RuntimeHold::RuntimeHold(const OwnedTasks* runtime) noexcept
    : runtime_(runtime), outer_(std::exchange(thread_context().hold, this)) {}

[[gnu::noinline]] RuntimeHold::~RuntimeHold() { thread_context().hold = outer_; }

[[gnu::noinline]] bool RuntimeHold::is_on(const OwnedTasks& runtime) noexcept {
  if (is_joined_by(&runtime)) return true;
  for (const RuntimeHold* each = thread_context().hold; each != nullptr; each = each->outer_) {
    if (each->runtime_ == &runtime) return true;
  }
  return false;
}

}  // namespace weft::inline v0_1::detail
