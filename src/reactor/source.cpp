// Source: its uses, its pending operations, and its end. See <weft/extend/operation.hpp>.
#include <weft/extend/operation.hpp>

#include <utility>

#include "base/check.hpp"
#include "os/syscalls.hpp"
#include "reactor/reactor.hpp"

namespace weft::inline v0_1 {

Source::~Source() {
  WEFT_CHECK(uses_ == 0, "a Source is destroyed under an operation: cancel the operation first");
  // close() may report a delayed write error of a network file; no caller is left to act on it.
  if (is_open_) static_cast<void>(detail::Syscalls::close(handle_));
}

bool Source::add_pending(Operation& operation) noexcept {
  const std::lock_guard lock(lock_);
  if (refuses(operation.directions())) return false;
  ++uses_;
  operation.close_told = false;
  operation.io.next = pending_;
  operation.io.from = &pending_;
  if (pending_ != nullptr) pending_->io.from = &operation.io.next;
  pending_ = &operation;
  return true;
}

void Source::remove_pending(Operation& operation) noexcept {
  lock_.lock();
  if (operation.io.from == nullptr) return lock_.unlock();  // refused by add_pending()
  *operation.io.from = operation.io.next;
  if (operation.io.next != nullptr) operation.io.next->io.from = operation.io.from;
  operation.io.from = nullptr;
  --uses_;
  unlock_and_end();
}

void Source::close(std::uint32_t directions) noexcept {
  lock_.lock();
  closed_.fetch_or(directions, std::memory_order_relaxed);
  unlock_and_tell();
}

NativeHandle Source::release() noexcept {
  const std::lock_guard lock(lock_);
  if (uses_ != 0 || !is_open_) return invalid_handle;
  is_open_ = false;
  closed_.store(interest::both, std::memory_order_relaxed);
  return handle_;
}

void Source::drop_owner(std::uint32_t directions) noexcept {
  lock_.lock();
  closed_.fetch_or(directions, std::memory_order_relaxed);
  --owners_;
  unlock_and_tell();
}

/// The last step of each function that ends a use or an owner, if both directions are closed:
/// closes the handle and destroys the source if the time for it has come.
void Source::unlock_and_end_closed() noexcept {
  const bool unused = uses_ == 0;
  const bool closes = unused && std::exchange(is_open_, false) && !hands_over();
  const bool ends = unused && owners_ == 0;
  const NativeHandle handle = handle_;
  lock_.unlock();
  // Without a use or an owner no other thread reaches the source. Otherwise it may be gone by now.
  if (closes) static_cast<void>(detail::Syscalls::close(handle));
  if (ends) delete this;
}

/// After a direction was closed: sends the message to the operations that wait for it.
void Source::unlock_and_tell() noexcept {
  if (is_travelling_ || find_refused(nullptr) == nullptr) return unlock_and_end();
  is_travelling_ = true;
  ++uses_;
  lock_.unlock();
  if (detail::Reactor* const here = detail::Reactor::current()) {
    const detail::Reactor::Hold hold(*here);
    cancel_at(*here);
  }
  travel();
}

/// With the lock held: a pending operation that is to end and was not told yet; of `at`, if given.
Operation* Source::find_refused(const detail::Reactor* at) const noexcept {
  for (Operation* one = pending_; one != nullptr; one = one->io.next) {
    const bool is_there = at == nullptr || one->reactor == at;
    if (is_there && !one->close_told && refuses(one->directions())) return one;
  }
  return nullptr;
}

/// With the reactor held: so no other thread ends an operation of it.
void Source::cancel_at(detail::Reactor& at) noexcept {
  for (;;) {
    Operation* found = nullptr;
    {
      const std::lock_guard lock(lock_);
      found = find_refused(&at);
      if (found == nullptr) return;
      found->close_told = true;
    }
    at.cancel(*found);
  }
}

/// Sends the message to a reactor where operations are left, or ends it. Afterwards the source may
/// be gone.
void Source::travel() noexcept {
  lock_.lock();
  if (const Operation* const left = find_refused(nullptr)) {
    closing_.at = left->reactor;
    left->reactor->post_cancel(closing_);
    return lock_.unlock();
  }
  is_travelling_ = false;
  --uses_;
  unlock_and_end();
}

void Source::Closing::on_request(CancelHook& self) noexcept {
  // SAFETY: only the CancelHook of a Closing gets this function. The message is a use of its
  // source.
  auto& closing = static_cast<Closing&>(self);
  Source& source = closing.source_;
  // Posted with the lock held, and read with the reactor held.
  source.cancel_at(*closing.at);
  source.travel();
}

}  // namespace weft::inline v0_1
