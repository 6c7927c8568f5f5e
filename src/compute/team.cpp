// Team: starting and ending the threads, and the queue of roots. The contract is in team.hpp.
#include "compute/team.hpp"

#include <mutex>
#include <new>
#include <system_error>
#include <utility>

#include "base/runtime_hold.hpp"
#include "base/thread_context.hpp"
#include "os/thread.hpp"

namespace weft::inline v0_1::detail {

// Never inlined: see thread_context().
[[gnu::noinline]] Team* Team::current() noexcept { return thread_context().team; }

bool Team::is_on_member() const noexcept { return is_joined_by(this); }

Result<void> Team::submit(ForkRoot& root) noexcept {
  const std::lock_guard lock(mutex_);
  if (stopping()) return fail(std::errc::operation_canceled);
  if (threads_.empty()) {
    if (const std::error_code error = start()) return fail(error);
  }
  root.next_ = nullptr;
  root.queued_ = true;
  (first_ != nullptr ? last_->next_ : first_) = &root;
  last_ = &root;
  active_.fetch_add(1, std::memory_order_relaxed);
  submitted_.fetch_add(1, std::memory_order_relaxed);
  wake_all();
  return {};
}

void Team::make_members() {
  if (size_ == 0) size_ = cpu_count();
  members_.clear();
  members_.reserve(size_);
  for (std::size_t i = 0; i < size_; ++i) {
    members_.push_back(std::make_unique<TeamMember>(*this, i));
  }
}

/// Makes the members and starts the threads. With the mutex held. Fewer threads than wanted are
/// enough, as long as there is one.
std::error_code Team::start() noexcept try {
  make_members();
  threads_.reserve(size_);
  for (std::size_t i = 0; i < size_; ++i) {
    std::thread thread;
    if (const std::error_code error = start_thread(thread, [this, member = members_[i].get()] {
          set_joined_by(this);
          member->work();
        })) {
      return threads_.empty() ? error : std::error_code();
    }
    threads_.push_back(std::move(thread));  // there is room
  }
  return {};
} catch (const std::bad_alloc&) {
  return std::make_error_code(std::errc::not_enough_memory);
}

/// Counts the end of a root, and wakes the members if the team is stopping. The last root may end
/// after request_stop() has woken all members; a member about to sleep without limit must have seen
/// the stop. The fences pair: either this thread sees stopping_, or a member that request_stop()
/// woke sees active_ == 0.
void Team::root_ended() noexcept {
  active_.fetch_sub(1, std::memory_order_relaxed);
  atomic_fence(std::memory_order_seq_cst);  // pairs with the one in request_stop()
  if (stopping()) wake_all();
  ended_.fetch_add(1, std::memory_order_release);
}

/// With the mutex held.
void Team::request_stop() noexcept {
  stopping_.store(true, std::memory_order_relaxed);
  atomic_fence(std::memory_order_seq_cst);  // pairs with the one in root_ended()
  wake_all();
}

/// Wakes every member. A member that is awake keeps the token: its next sleep ends at once.
void Team::wake_all() noexcept {
  for (const auto& member : members_) member->parker_.unpark();
}

ForkRoot* Team::take_root() noexcept {
  if (!active()) return nullptr;
  const std::lock_guard lock(mutex_);
  ForkRoot* const root = first_;
  if (root == nullptr) return nullptr;
  first_ = root->next_;
  root->queued_ = false;
  return root;
}

bool Team::withdraw(ForkRoot& root) noexcept {
  const std::lock_guard lock(mutex_);
  if (!root.queued_) return false;
  ForkRoot* before = nullptr;
  for (ForkRoot* each = first_; each != &root; each = each->next_) before = each;
  (before != nullptr ? before->next_ : first_) = root.next_;
  if (last_ == &root) last_ = before;
  root.queued_ = false;
  root_ended();
  return true;
}

void Team::cancel(ForkRegion& region) noexcept {
  region.cancelled_.store(true, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  for (const auto& member : members_) member->look_at_region();
}

void Team::stop() noexcept {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    threads.swap(threads_);
    request_stop();
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace weft::inline v0_1::detail
