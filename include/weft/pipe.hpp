// pipe(): a pipe of the system, as two ends that are read and written by tasks; FIFOs; and pipes
// that were made elsewhere.
//
//   auto [reader, writer] = weft::pipe();
//   co_await writer.write_all("text");
//   writer.close();                                     // the reader reads the end
//   const std::string all = co_await weft::BufferedReader(reader).read_to_end(1 << 20);
//
// The operations are those of a stream socket (<weft/net.hpp>): cancel, errors, close() under
// operations and thread-safety are as there. A write to a pipe without a reader fails with
// errc::broken_pipe, and raises no signal. Writes of at most PIPE_BUF bytes (4096 on Linux) are not
// mixed with those of other writers (pipe(7)). A PipeReader is a ByteReader, a PipeWriter a
// ByteWriter.
//
// Non-blocking mode belongs to the *open end*, which all its descriptors share, also those that
// other processes have inherited. pipe(), the FIFOs and reopen() make an end of their own. adopt()
// makes the adopted end non-blocking, so also for the processes that share it: a program that finds
// its standard output non-blocking may lose output. For an end that others use, too, there is
// reopen().
#pragma once

#include <weft/net.hpp>
#include <weft/result.hpp>
#include <weft/task.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <utility>

namespace weft::inline v0_1 {

/// How a FIFO is opened.
struct FifoOptions {
  /// Opens the other end, too, and never uses it. So a reader does not read the end when the last
  /// of its writers has gone, but waits for the next one; and a writer can be opened before there
  /// is a reader, and its writes wait in the FIFO instead of failing. Linux.
  bool hold_other_end = false;
};

namespace detail {

/// What the two ends of a pipe have in common.
class PipeUser : protected SocketUser {
 public:
  using SocketUser::operator bool;
  /// Returns the system's handle, which this object still owns; invalid_handle after close().
  using SocketUser::native_handle;
  /// Closes this end; see the top of <weft/net.hpp>. Any thread.
  using SocketUser::close;

  /// Returns how many bytes the pipe holds. Errors: errc::operation_canceled after close().
  [[nodiscard]] Result<std::size_t> capacity() const noexcept;
  /// Changes that, and returns what it is now: the system rounds it up to whole pages. Errors:
  /// errc::device_or_resource_busy if the pipe holds more, operation_not_permitted above the
  /// system's limit (/proc/sys/fs/pipe-max-size). fcntl(2), F_SETPIPE_SZ.
  [[nodiscard]] Result<std::size_t> set_capacity(std::size_t size_bytes) noexcept;
  /// Gives up the system's handle, which stays open and belongs to the caller: the opposite of
  /// adopt(). It stays non-blocking and close-on-exec. This object is empty afterwards. Errors:
  /// errc::device_or_resource_busy while an operation is under way, operation_canceled after
  /// close(); then nothing has changed.
  [[nodiscard]] Result<NativeHandle> release() noexcept;
  /// What errors call it: the path of a FIFO, or "pipe" and the number of the handle.
  [[nodiscard]] std::string subject() const;

 protected:
  explicit PipeUser(SocketOwner end) noexcept : SocketUser(std::move(end)) {}
  ~PipeUser() = default;
  PipeUser(PipeUser&&) noexcept = default;
  PipeUser& operator=(PipeUser&&) noexcept = default;
  [[nodiscard]] Result<std::size_t> write_now(std::span<const std::byte> data) noexcept;
  [[nodiscard]] Result<std::size_t> read_now(std::span<std::byte> buffer) noexcept;

 private:
  friend struct SocketAccess;
};

}  // namespace detail

/// Makes a FIFO, a pipe with a name: mkfifo(3). `mode`: its permissions, of which the process's
/// umask takes some away. Throws IoError, errc::file_exists among others: "make fifo /run/x: file
/// exists". Remove it with remove() of <weft/directory.hpp>.
void make_fifo(const std::string& path, unsigned mode = 0666);
/// Does the same, and returns the error.
[[nodiscard]] Result<void> try_make_fifo(const std::string& path, unsigned mode = 0666) noexcept;

/// The end of a pipe that is read. Move-only; the destructor closes it. read() gives 0 when no
/// writer has the pipe open any more.
class PipeReader : public detail::SocketReader<detail::PipeUser> {
 public:
  explicit PipeReader(detail::SocketOwner end) noexcept : SocketReader(std::move(end)) {}

  /// Opens the FIFO at `path` for reading, and waits until a writer has written to it, or has
  /// opened and closed it: otherwise the first read() would give 0. (With hold_other_end it does
  /// not wait.) When all writers have gone, read() gives 0; readable() does not wait for the next
  /// writer. Throws IoError when awaited: "open /run/x: no such file or directory";
  /// IoErrc::not_a_pipe if that is another kind of file. Cancel: closes it.
  [[nodiscard]] static Task<PipeReader> open_fifo(std::string path, FifoOptions options = {});
  /// Opens it without waiting. Until a writer has been there, read() gives 0 and readable() waits.
  [[nodiscard]] static Result<PipeReader> try_open_fifo(const std::string& path,
                                                        FifoOptions options = {}) noexcept;

  /// Takes over the reading end of a pipe or FIFO that was made elsewhere: inherited, or made by
  /// another library. It becomes non-blocking, for all that share it (see the top of this header),
  /// and close-on-exec. Errors: IoErrc::not_a_pipe for everything else; errc::bad_file_descriptor.
  /// After an error the handle is unchanged and still the caller's.
  [[nodiscard]] static Result<PipeReader> adopt(NativeHandle handle) noexcept;
  /// Opens the same pipe again: an end of its own, for a handle that stays the caller's and stays
  /// as it is, blocking or not. Both ends read the same bytes, each byte once. Errors: as adopt();
  /// errc::permission_denied if the pipe belongs to another user; no_such_file_or_directory without
  /// /proc.
  [[nodiscard]] static Result<PipeReader> reopen(NativeHandle handle) noexcept;
};

/// The end of a pipe that is written. Move-only; the destructor closes it, and the reader then
/// reads the end after all that was written, if there is no other writer.
class PipeWriter : public detail::SocketWriter<detail::PipeUser> {
 public:
  explicit PipeWriter(detail::SocketOwner end) noexcept : SocketWriter(std::move(end)) {}

  /// Opens the FIFO at `path` for writing. Never waits. Throws IoError: IoErrc::no_reader if no
  /// process has it open for reading ("open /run/x: no process has it open for reading"; see
  /// FifoOptions::hold_other_end), IoErrc::not_a_pipe, the system's.
  [[nodiscard]] static PipeWriter open_fifo(const std::string& path, FifoOptions options = {});
  /// Does the same, and returns the error.
  [[nodiscard]] static Result<PipeWriter> try_open_fifo(const std::string& path,
                                                        FifoOptions options = {}) noexcept;
  /// As PipeReader::adopt().
  [[nodiscard]] static Result<PipeWriter> adopt(NativeHandle handle) noexcept;
  /// As PipeReader::reopen(). Errors: IoErrc::no_reader, too.
  [[nodiscard]] static Result<PipeWriter> reopen(NativeHandle handle) noexcept;

  /// Ends the writing: the same as close(). So a PipeWriter can be used as streams are.
  Result<void> shutdown() noexcept {
    close();
    return {};
  }
};

/// The two ends of a pipe().
struct Pipe {
  Pipe(PipeReader r, PipeWriter w) noexcept : reader(std::move(r)), writer(std::move(w)) {}

  /// Makes a pipe of the system. Both ends are non-blocking and close-on-exec. Errors:
  /// errc::too_many_files_open, too_many_files_open_in_system, not_enough_memory.
  [[nodiscard]] static Result<Pipe> make() noexcept;

  PipeReader reader;
  PipeWriter writer;
};

/// Does the same, but throws IoError: "pipe: too many open files".
[[nodiscard]] Pipe pipe();

}  // namespace weft::inline v0_1
