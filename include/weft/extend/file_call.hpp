// FileCall and FileSource: the arguments of an operation on a file, and the file as drivers know
// it. For authors of such operations and of drivers; users have <weft/file.hpp>.
//
// A file is never "ready": an operation on it computes in the kernel, at once or for long. A driver
// without a way to have it done there gives it to a lane, whose thread makes the system call. So
// the arguments hold a job for that lane, and no operation takes memory.
//
// Thread-safety: as Operation. While a call is on a lane, the lane's thread reads it.
#pragma once

#include <weft/atomic.hpp>
#include <weft/detail/blocking_job.hpp>
#include <weft/extend/operation.hpp>
#include <weft/manual_reset_event.hpp>
#include <weft/native_handle.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {
class FileCalls;
class CursorOrder;
}  // namespace detail

/// What an operation of files is to do: which members count depends on its kind. Filled in before
/// the operation starts, and kept in place by the operation's owner until it has ended. Moving it
/// moves the arguments alone.
class FileCall final : public detail::BlockingJob {
 public:
  /// An offset: where the file's own cursor is. Operations there also move it.
  static constexpr std::int64_t at_cursor = -1;

  struct Arguments {
    const char* path = nullptr;            ///< open
    NativeHandle handle = invalid_handle;  ///< close
    int flags = 0;                         ///< open: the system's; seek: from where
    std::uint32_t mode = 0;                ///< open: permissions of a new file
    bool appends = false;                  ///< write_at: at the end, whatever the offset
    bool data_only = false;                ///< sync: not what the data do not need
    std::int64_t offset = at_cursor;       ///< read_at, write_at; seek: by how much
    IoSlice buffer;                        ///< read_at, write_at: the memory, if it is one piece
    std::span<const IoSlice> slices;       ///< … and if it is several
  };

  FileCall() noexcept;
  FileCall(FileCall&& other) noexcept : FileCall() { arguments = other.arguments; }
  FileCall& operator=(FileCall&& other) noexcept {
    arguments = other.arguments;
    return *this;
  }
  ~FileCall() = default;

  /// For reports of what a lane does.
  using BlockingJob::set_name;
  /// The memory of read_at and write_at.
  [[nodiscard]] std::span<const IoSlice> slices() const noexcept {
    return arguments.slices.empty() ? std::span(&arguments.buffer, 1) : arguments.slices;
  }

  Arguments arguments;

 private:
  friend class detail::CursorOrder;
  friend class detail::FileCalls;
  static void run_on_lane(Runnable& self) noexcept;

  // Of the driver, from the start to the end
  Operation* operation_ = nullptr;
  detail::FileCalls* home_ = nullptr;
  std::size_t done_ = 0;          // bytes that were read in place
  std::int64_t result_ = 0;       // written by the thread that makes the call
  bool has_cursor_ = false;       // it waits for, or has, the file's cursor
  Atomic<bool> unwanted_{false};  // cancelled when it could not be taken back
};

namespace detail {

/// The order of the operations at a file's cursor: one at a time has the turn, the others wait, on
/// whatever driver each was started. Any thread.
class CursorOrder {
 public:
  /// True: it is the call's turn. False: it waits until pass() returns it.
  [[nodiscard]] bool enter(FileCall& call) noexcept;
  /// Ends the turn. Returns the call whose turn it is now, or null.
  [[nodiscard]] FileCall* pass() noexcept;
  /// Takes out a call that waits. False: it does not.
  [[nodiscard]] bool remove(const FileCall& call) noexcept;

 private:
  ThreadMutex mutex_;  // guards what follows
  Runnable* first_ = nullptr;
  Runnable* last_ = nullptr;
  bool taken_ = false;  // one has the turn
};

}  // namespace detail

/// A file: a Source whose operations are those of files. On the heap, with owners.
class FileSource final : public Source {
 public:
  /// `called` names it in errors. `is_direct`: its transfers bypass the page cache (O_DIRECT).
  FileSource(NativeHandle handle, std::string called, bool is_direct) noexcept
      : Source(handle), name(std::move(called)), direct(is_direct) {}

  // An awaited close: the handle is left to it once no operation uses the file any more.
  /// Asks for the handle; close() follows. False: it was asked for before.
  [[nodiscard]] bool begin_handover() noexcept;
  /// Waits until the handle was left.
  [[nodiscard]] auto handed_over() noexcept { return left_event_.wait(); }
  /// Takes the request back; closes a handle that was left. Not after the handle was closed.
  void cancel_handover() noexcept;

  const std::string name;
  const bool direct;

 private:
  friend class detail::FileCalls;
  enum class Handover : std::uint8_t { none, asked, left };

  ~FileSource() override = default;
  [[nodiscard]] bool hands_over() noexcept override;

  detail::CursorOrder cursor_;
  Atomic<bool> reads_never_at_once_{false};  // a file system without RWF_NOWAIT
  Atomic<Handover> handover_{Handover::none};
  ManualResetEvent left_event_;
};

}  // namespace weft::inline v0_1
