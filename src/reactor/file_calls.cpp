#include "reactor/file_calls.hpp"

#include <fcntl.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <utility>

#include "base/check.hpp"
#include "os/file_syscalls.hpp"
#include "os/syscalls.hpp"
#include "reactor/attempt.hpp"

namespace weft::inline v0_1 {

FileCall::FileCall() noexcept : BlockingJob(&FileCall::run_on_lane) {}

void FileCall::run_on_lane(Runnable& self) noexcept {
  // SAFETY: only the BlockingJob of a FileCall gets this function.
  auto& call = static_cast<FileCall&>(static_cast<BlockingJob&>(self));
  // Relaxed: it only saves a call that is not wanted any more.
  const bool unwanted = call.unwanted_.load(std::memory_order_relaxed);
  call.result_ = unwanted ? -ECANCELED : detail::FileCalls::perform(call);
  call.home_->ended_on_lane(call);
}

// FileSource

// The transitions of an awaited close: none → asked → left, and by a cancel of it back to none. The
// side that comes second closes the handle.

bool FileSource::begin_handover() noexcept {
  Handover expected = Handover::none;
  return handover_.compare_exchange_strong(expected, Handover::asked, std::memory_order_acq_rel,
                                           std::memory_order_relaxed);
}

bool FileSource::hands_over() noexcept {
  Handover expected = Handover::asked;
  if (!handover_.compare_exchange_strong(expected, Handover::left, std::memory_order_acq_rel,
                                         std::memory_order_relaxed)) {
    return false;
  }
  left_event_.set();
  return true;
}

void FileSource::cancel_handover() noexcept {
  if (handover_.exchange(Handover::none, std::memory_order_acq_rel) != Handover::left) return;
  static_cast<void>(detail::Syscalls::close(handle()));
}

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

namespace {

constexpr int at_once_only = RWF_NOWAIT;

const iovec* system_slices(std::span<const IoSlice> slices) noexcept {
  // SAFETY: the layouts are the same (asserted in attempt.cpp); the kernel reads the array, and no
  // code reads it as iovec.
  return reinterpret_cast<const iovec*>(slices.data());
}

std::size_t size_of(std::span<const IoSlice> slices) noexcept {
  std::size_t sum = 0;
  for (const IoSlice& slice : slices) sum += slice.size;
  return sum;
}

/// What is left of a read whose first bytes were read in place.
std::int64_t read_rest(NativeHandle handle, const FileCall::Arguments& what, std::size_t done,
                       int flags) noexcept {
  const iovec rest{what.buffer.data + done, what.buffer.size - done};
  return FileSyscalls::preadv2(handle, &rest, 1, what.offset + static_cast<std::int64_t>(done),
                               flags);
}

std::int64_t sum_of(std::size_t done, std::int64_t result) noexcept {
  // An error after some bytes is the next read's.
  if (result < 0) return done != 0 ? static_cast<std::int64_t>(done) : result;
  return static_cast<std::int64_t>(done) + result;
}

}  // namespace

// The order of the cursor

bool CursorOrder::enter(FileCall& call) noexcept {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(taken_, true)) return true;
  call.next = nullptr;
  (last_ != nullptr ? last_->next : first_) = &call;
  last_ = &call;
  return false;
}

FileCall* CursorOrder::pass() noexcept {
  const std::lock_guard lock(mutex_);
  // SAFETY: only calls are put into the queue.
  auto* const next = static_cast<FileCall*>(first_);
  if (next == nullptr) {
    taken_ = false;
    return nullptr;
  }
  first_ = next->next;
  if (first_ == nullptr) last_ = nullptr;
  return next;
}

bool CursorOrder::remove(const FileCall& call) noexcept {
  const std::lock_guard lock(mutex_);
  Runnable* before = nullptr;
  for (Runnable* each = first_; each != nullptr; before = std::exchange(each, each->next)) {
    if (each != &call) continue;
    (before != nullptr ? before->next : first_) = each->next;
    if (last_ == each) last_ = before;
    return true;
  }
  return false;
}

// The driver's side

FileCalls::~FileCalls() {
  WEFT_CHECK(pending_ == 0 && ended_.empty(),
             "a driver is destroyed while file operations wait on it: end them first");
}

FileSource& FileCalls::file_of(const FileCall& call) noexcept {
  // SAFETY: the source of each operation of files that has one is a FileSource.
  return static_cast<FileSource&>(*call.operation_->source);
}

Started FileCalls::start(Operation& operation) noexcept {
  FileCall& call = *operation.io.file;
  call.operation_ = &operation;
  call.home_ = this;
  call.done_ = 0;
  call.unwanted_.store(false, std::memory_order_relaxed);
  using enum OperationKind;
  const bool transfers = operation.kind == read_at || operation.kind == write_at;
  call.has_cursor_ =
      operation.kind == seek || (transfers && call.arguments.offset == FileCall::at_cursor);
  if (!call.has_cursor_ || file_of(call).cursor_.enter(call)) {
    std::int64_t result = try_in_place(call);
    if (result == would_block) result = submit(call);
    if (result != would_block) {
      operation.result = result;
      if (call.has_cursor_) pass_turn(call);
      return Started::completed;
    }
  }
  operation.pending = true;
  ++pending_;
  return Started::pending;
}

/// Gives it to the lane: would_block; or its error. What closes a handle must not fail for want of
/// a thread: it is then done in place.
std::int64_t FileCalls::submit(FileCall& call) noexcept {
  Result<void> taken = fail(std::errc::operation_not_supported);
  if (lane_ != nullptr) taken = lane_->submit(call);
  if (taken) return would_block;
  if (call.operation_->kind == OperationKind::close) return perform(call);
  return -std::int64_t{taken.error().value()};
}

std::int64_t FileCalls::try_in_place(FileCall& call) noexcept {
  switch (call.operation_->kind) {
    case OperationKind::read_at:
      return read_in_place(call);
    case OperationKind::seek:
      return perform(call);  // it changes a number in the kernel
    default:
      return would_block;
  }
}

/// Reads what is in the page cache: all that was asked for, or up to the end of the file.
std::int64_t FileCalls::read_in_place(FileCall& call) noexcept {
  FileSource& file = file_of(call);
  const FileCall::Arguments& what = call.arguments;
  // Relaxed: a belief about the file system, found out again if it is not seen.
  if (file.direct || file.reads_never_at_once_.load(std::memory_order_relaxed)) return would_block;
  const std::span<const IoSlice> slices = call.slices();
  const std::size_t size = size_of(slices);
  if (size > most_in_place) return would_block;
  std::int64_t result = FileSyscalls::preadv2(file.handle(), system_slices(slices), slices.size(),
                                              what.offset, at_once_only);
  while (result > 0 && !call.has_cursor_) {
    // A short one has met the end of the file, or the end of what is in memory.
    call.done_ += static_cast<std::size_t>(result);
    if (call.done_ == size) return static_cast<std::int64_t>(size);
    if (slices.size() != 1) break;
    result = read_rest(file.handle(), what, call.done_, at_once_only);
  }
  if (result == -EOPNOTSUPP || result == -ENOSYS) {
    file.reads_never_at_once_.store(true, std::memory_order_relaxed);
    return would_block;
  }
  if (slices.size() != 1 && call.done_ != 0) {
    call.done_ = 0;  // the lane reads all of it again
    return would_block;
  }
  return result == -EAGAIN ? would_block : sum_of(call.done_, result);
}

Cancelled FileCalls::cancel(Operation& operation) noexcept {
  FileCall& call = *operation.io.file;
  const bool waited = call.has_cursor_ && file_of(call).cursor_.remove(call);
  if (!waited) {
    if (!lane_->withdraw(call)) {
      call.unwanted_.store(true, std::memory_order_relaxed);
      return Cancelled::requested;
    }
    if (call.has_cursor_) pass_turn(call);
  }
  --pending_;
  operation.pending = false;
  operation.result = -ECANCELED;
  return Cancelled::confirmed;
}

void FileCalls::deliver(CompletionList& completed, std::size_t most) noexcept {
  take_inbox();
  for (; most > 0; --most) {
    Operation* const operation = ended_.pop();
    if (operation == nullptr) return;
    completed.push(*operation);
  }
}

void FileCalls::take_inbox() noexcept {
  if (inbox_.load(std::memory_order_relaxed) == nullptr) return;
  // Acquire: pairs with the release in post().
  FileCall* newest_first = inbox_.exchange(nullptr, std::memory_order_acquire);
  FileCall* oldest_first = nullptr;
  while (newest_first != nullptr) {
    auto* const call = std::exchange(newest_first, static_cast<FileCall*>(newest_first->next));
    call->next = std::exchange(oldest_first, call);
  }
  while (oldest_first != nullptr) {
    FileCall& call = *std::exchange(oldest_first, static_cast<FileCall*>(oldest_first->next));
    Operation& operation = *call.operation_;
    operation.result = call.result_;
    operation.pending = false;
    --pending_;
    ended_.push(operation);
  }
}

// The threads of lanes

std::int64_t FileCalls::perform(FileCall& call) noexcept {
  const FileCall::Arguments& what = call.arguments;
  const Operation& operation = *call.operation_;
  const std::span<const IoSlice> slices = call.slices();
  switch (operation.kind) {
    case OperationKind::open:
      return FileSyscalls::openat(AT_FDCWD, what.path, what.flags, what.mode);
    case OperationKind::close:
      return Syscalls::close(what.handle);
    case OperationKind::read_at:
      if (call.done_ != 0) {
        return sum_of(call.done_, read_rest(operation.source->handle(), what, call.done_, 0));
      }
      return FileSyscalls::preadv2(operation.source->handle(), system_slices(slices), slices.size(),
                                   what.offset, 0);
    case OperationKind::write_at:
      return FileSyscalls::pwritev2(operation.source->handle(), system_slices(slices),
                                    slices.size(), what.appends ? 0 : what.offset,
                                    what.appends ? RWF_APPEND : 0);
    case OperationKind::sync:
      return FileSyscalls::fsync(operation.source->handle(), what.data_only);
    case OperationKind::seek:
      return FileSyscalls::lseek(operation.source->handle(), what.offset, what.flags);
    default:
      return -EINVAL;
  }
}

/// Called with the call's result set. Afterwards the call may be gone.
void FileCalls::ended_on_lane(FileCall& call) noexcept {
  FileCall* const next = call.has_cursor_ ? file_of(call).cursor_.pass() : nullptr;
  // Posted before the next one can end: so they end in their order. The next one keeps the file.
  post(call);
  begin_turn(next);
}

/// Ends the turn of a call that is not on the lane.
void FileCalls::pass_turn(FileCall& call) noexcept { begin_turn(file_of(call).cursor_.pass()); }

/// `next`, if there is one, has got the turn.
void FileCalls::begin_turn(FileCall* next) noexcept {
  while (next != nullptr) {
    const std::int64_t result = next->home_->submit(*next);
    if (result == would_block) return;
    next->result_ = result;
    FileCall* const after = file_of(*next).cursor_.pass();
    next->home_->post(*next);
    next = after;
  }
}

// The poster that finds the inbox empty wakes the driver; the others need not (compare
// Reactor::post_cancel).
void FileCalls::post(FileCall& call) noexcept {
  FileCall* first = inbox_.load(std::memory_order_relaxed);
  do {
    call.next = first;
    // Release: pairs with the acquire in take_inbox().
  } while (!inbox_.compare_exchange_weak(first, &call, std::memory_order_release,
                                         std::memory_order_relaxed));
  if (first == nullptr) driver_.wake();
}

}  // namespace weft::inline v0_1::detail
