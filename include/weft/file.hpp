// Files: File, and whole files in one call. Directories and paths are in <weft/directory.hpp>.
//
//   weft::File log = co_await weft::File::open("app.log", weft::OpenOptions().append().create());
//   co_await log.write_all("started\n");
//   std::size_t size = co_await data.read_at(buffer, 4096);       // 0: the file ends before that
//   std::string text = co_await weft::read_text("settings.toml");
//   co_await weft::write_file("state", bytes, weft::WriteOptions().atomic().durable());
//
// Operations are awaitables, as those of sockets (<weft/net.hpp>): awaiting one returns its value
// or throws IoError, whose text names operation and path ("open /etc/shadow: permission denied");
// `co_await attempt(operation)` gives an IoResult<T>.
//
// No operation blocks a worker. What is in the page cache is read at once; all else runs on threads
// for files (RuntimeOptions::file_threads), which neither blocking() nor name look-ups use. An
// operation waits for a free thread there, first come, first served. A write ends when the system
// has the bytes: what a program writes and a later crash of the program does not lose. Against a
// crash of the system there are sync() and WriteOptions::durable().
//
// Cancel: an operation that no thread has begun is taken back. One that has begun is waited for,
// and its result is delivered: a file that was opened, bytes that were read or written. A functions
// that does several steps (read_file() and all that follows it here) looks between them whether it
// is cancelled; it then ends as cancelled and leaves nothing half-made that it made itself.
//
// The end of a handle, as that of a socket: close(), a move-assignment over a File and its
// destructor end the operations that wait, with errc::operation_canceled; those that run keep their
// result; the handle is closed when all have let go of it.
//
// Files that wait (pipes, FIFOs, terminals) do not belong here: reading one would hold a thread for
// files, and so may opening a FIFO.
//
// Thread-safety: any number of operations of one File may run at the same time, started by any
// threads. Those at the cursor, read() and write() and seek() and so on, are executed in the order
// in which they were started; the others in any order. Buffers must stay alive until the operation
// ends, a File until it has begun. Moves, destruction and close() of a File: one thread at a time.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <weft/detail/file_request.hpp>
#include <weft/extend/io.hpp>
#include <weft/file_metadata.hpp>
#include <weft/native_handle.hpp>
#include <weft/owned_handle.hpp>
#include <weft/result.hpp>
#include <weft/task.hpp>

namespace weft::inline v0_1 {

/// How a file is opened: `OpenOptions().read().write().create()`. Without any of read(), write()
/// and append() it is opened for reading.
class OpenOptions {
 public:
  OpenOptions() noexcept {}

  OpenOptions& read(bool on = true) noexcept { return set(reads_, on); }
  OpenOptions& write(bool on = true) noexcept { return set(writes_, on); }
  /// Each write goes to the end of the file, whatever others have written there meanwhile.
  OpenOptions& append(bool on = true) noexcept { return set(appends_, on); }
  /// Makes an empty file if there is none.
  OpenOptions& create(bool on = true) noexcept { return set(creates_, on); }
  /// Makes a file, and fails with errc::file_exists if there is one, or a link of that name.
  OpenOptions& create_new(bool on = true) noexcept { return set(creates_new_, on); }
  /// Makes the file empty.
  OpenOptions& truncate(bool on = true) noexcept { return set(truncates_, on); }
  /// Permissions of a new file, of which the process's umask takes some away.
  OpenOptions& mode(std::uint32_t permissions) noexcept {
    mode_ = permissions;
    return *this;
  }
  /// Transfers bypass the page cache (O_DIRECT). Buffers, offsets and sizes must then be aligned:
  /// see File::direct_alignment().
  OpenOptions& direct(bool on = true) noexcept { return set(direct_, on); }
  /// Fails with errc::too_many_symbolic_link_levels if the path's last part is a link.
  OpenOptions& no_follow(bool on = true) noexcept { return set(no_follow_, on); }
  /// Each write ends when its data are on the device (O_DSYNC).
  OpenOptions& synchronous(bool on = true) noexcept { return set(synchronous_, on); }
  /// Further flags of the system's open(2).
  OpenOptions& native_flags(int flags) noexcept {
    native_ = flags;
    return *this;
  }

 private:
  friend class File;
  OpenOptions& set(bool& option, bool on) noexcept {
    option = on;
    return *this;
  }
  [[nodiscard]] std::error_code contradiction() const noexcept;
  [[nodiscard]] int system_flags() const noexcept;

  bool reads_ = false;
  bool writes_ = false;
  bool appends_ = false;
  bool creates_ = false;
  bool creates_new_ = false;
  bool truncates_ = false;
  bool direct_ = false;
  bool no_follow_ = false;
  bool synchronous_ = false;
  int native_ = 0;
  std::uint32_t mode_ = 0666;
};

/// From where seek() counts.
enum class SeekFrom : std::uint8_t { begin, current, end };

/// Of File::lock().
enum class FileLock : std::uint8_t { shared, exclusive };

/// What a file opened with OpenOptions::direct() asks for: buffers at addresses, and offsets and
/// sizes, that are multiples of these.
struct DirectAlignment {
  std::size_t memory = 0;
  std::size_t offset = 0;
};

class FileOpenOp;

/// An open file. Move-only; see the top of this header.
class File {
 public:
  File(File&&) noexcept = default;
  File& operator=(File&&) noexcept = default;
  ~File() = default;

  /// Opens the file at `path`, relative to the working directory. Errors: invalid_argument if the
  /// options contradict each other (truncate() or create() without write() or append()), or the
  /// path has a NUL; the system's, too_many_files_open among them. Cancel: a file that was opened
  /// all the same is delivered.
  [[nodiscard]] static FileOpenOp open(const std::filesystem::path& path,
                                       const OpenOptions& options = OpenOptions());
  /// Opens it for writing, made empty or new: open() with write(), create() and truncate().
  [[nodiscard]] static FileOpenOp create(const std::filesystem::path& path);
  /// Takes over a handle of a regular file or block device that was opened elsewhere; `name` stands
  /// in errors. It becomes close-on-exec. Errors: invalid_argument for other kinds, as
  /// <weft/net.hpp> has them; bad_file_descriptor. After an error the handle is still the caller's.
  [[nodiscard]] static Result<File> adopt(NativeHandle handle, std::string name = "file") noexcept;
  /// Takes over the handle of a regular file that is known to be close-on-exec, and not opened for
  /// direct I/O: makes no system call. Throws std::bad_alloc.
  [[nodiscard]] static File adopt_opened(OwnedHandle handle, std::string name);

  // Anywhere in the file
  /// Reads into `buffer` from `offset` on, and returns the number of bytes: fewer than its size
  /// only where the file ends (or, as the system allows, after a part), 0 at its end.
  [[nodiscard]] IoOp<detail::FileTransferRequest> read_at(std::span<std::byte> buffer,
                                                          std::uint64_t offset) noexcept {
    return transfer(OperationKind::read_at, "read", slice(buffer), at(offset));
  }
  /// Fills `buffer`. Errors: FileErrc::unexpected_end if the file ends before that.
  [[nodiscard]] IoOp<detail::FileWholeRequest> read_exact_at(std::span<std::byte> buffer,
                                                             std::uint64_t offset) noexcept {
    return whole(OperationKind::read_at, "read", slice(buffer), at(offset));
  }
  /// Writes `data` from `offset` on, and returns the number of bytes, which may be smaller: on a
  /// full device, for one. With append() they go to the end all the same (a property of Linux).
  [[nodiscard]] IoOp<detail::FileTransferRequest> write_at(std::span<const std::byte> data,
                                                           std::uint64_t offset) noexcept {
    return transfer(OperationKind::write_at, "write", slice(data), at(offset));
  }
  /// Writes all of `data`. Errors: errc::no_space_on_device, file_too_large, io_error … A part may
  /// have been written. Cancel: the same.
  [[nodiscard]] IoOp<detail::FileWholeRequest> write_all_at(std::span<const std::byte> data,
                                                            std::uint64_t offset) noexcept {
    return whole(OperationKind::write_at, "write", slice(data), at(offset));
  }
  /// As read_at() and write_at(), into and from several pieces of memory in order. The slices must
  /// stay alive, too; at most 1024 of them are used.
  [[nodiscard]] IoOp<detail::FileTransferRequest> read_vectored_at(std::span<const IoSlice> slices,
                                                                   std::uint64_t offset) noexcept {
    return transfer(OperationKind::read_at, "read", slices, at(offset));
  }
  [[nodiscard]] IoOp<detail::FileTransferRequest> write_vectored_at(std::span<const IoSlice> slices,
                                                                    std::uint64_t offset) noexcept {
    return transfer(OperationKind::write_at, "write", slices, at(offset));
  }
  /// Writes all of `data` at the end of the file, whatever others have written there meanwhile, and
  /// leaves the cursor alone.
  [[nodiscard]] IoOp<detail::FileWholeRequest> append(std::span<const std::byte> data) noexcept;
  [[nodiscard]] IoOp<detail::FileWholeRequest> append(std::string_view text) noexcept {
    return append(std::as_bytes(std::span(text)));
  }

  // At the cursor, which they move; in the order in which they were started
  /// Reads at least one byte, if there is one, and at most the buffer's size. 0: the end.
  [[nodiscard]] IoOp<detail::FileTransferRequest> read(std::span<std::byte> buffer) noexcept {
    return transfer(OperationKind::read_at, "read", slice(buffer), FileCall::at_cursor);
  }
  [[nodiscard]] IoOp<detail::FileWholeRequest> read_exact(std::span<std::byte> buffer) noexcept {
    return whole(OperationKind::read_at, "read", slice(buffer), FileCall::at_cursor);
  }
  /// Returns the number of bytes written, at least one; see write_at().
  [[nodiscard]] IoOp<detail::FileTransferRequest> write(std::span<const std::byte> data) noexcept {
    return transfer(OperationKind::write_at, "write", slice(data), FileCall::at_cursor);
  }
  /// Writes all of `data`, at once as a rule; if the system takes only a part, another operation
  /// that was started meanwhile may write before the rest.
  [[nodiscard]] IoOp<detail::FileWholeRequest> write_all(std::span<const std::byte> data) noexcept {
    return whole(OperationKind::write_at, "write", slice(data), FileCall::at_cursor);
  }
  [[nodiscard]] IoOp<detail::FileWholeRequest> write_all(std::string_view text) noexcept {
    return write_all(std::as_bytes(std::span(text)));
  }
  /// Moves the cursor, beyond the end if asked to, and returns its new offset.
  [[nodiscard]] IoOp<detail::FileSeekRequest> seek(std::int64_t offset,
                                                   SeekFrom from = SeekFrom::begin) noexcept {
    return IoOp<detail::FileSeekRequest>(detail::FileSeekRequest(file(), offset, whence(from)));
  }

  // The file as a whole
  /// Waits until what was written is on the device, with what the system needs to find it. Errors:
  /// io_error, no_space_on_device, also of writes that had succeeded. After an error do not rely on
  /// a second call: the system may have dropped what it could not write.
  [[nodiscard]] IoOp<detail::FileSyncRequest> sync() noexcept {
    return IoOp<detail::FileSyncRequest>(detail::FileSyncRequest(file(), "sync", false));
  }
  /// The same without times and other metadata that reading the data does not need.
  [[nodiscard]] IoOp<detail::FileSyncRequest> sync_data() noexcept {
    return IoOp<detail::FileSyncRequest>(detail::FileSyncRequest(file(), "sync", true));
  }
  [[nodiscard]] Task<FileMetadata> metadata();
  [[nodiscard]] Task<std::uint64_t> size();
  /// Cuts the file, or enlarges it by zeros that take no space.
  [[nodiscard]] Task<void> truncate(std::uint64_t size_bytes);
  /// Takes space on the device for this part, so that writes into it do not run out of it. The file
  /// grows if the part ends behind it. Errors: errc::not_supported by the file system.
  [[nodiscard]] Task<void> allocate(std::uint64_t offset, std::uint64_t size_bytes);
  [[nodiscard]] Task<void> set_permissions(std::uint32_t mode);

  /// Takes the file's advisory lock (flock(2)): it belongs to what open() has opened, not to the
  /// process, so two File objects of one process exclude each other, too; children that inherit the
  /// handle share it. Waits by trying again after 1, 2, 4 … at most 100 ms, on no thread for files,
  /// so not first come, first served. Takes another kind in place of one that it has. Cancel: not
  /// taken.
  [[nodiscard]] Task<void> lock(FileLock kind = FileLock::exclusive);
  /// Takes it if it is free. False: another has it.
  [[nodiscard]] Task<bool> try_lock(FileLock kind = FileLock::exclusive);
  [[nodiscard]] Task<void> unlock();

  /// Closes the file, as the destructor does, and then says what went wrong: errors of writes that
  /// a network file system had put off. Waits for the operations that run. The file is closed on an
  /// error, too, and by a cancel. Errors: operation_canceled if it is closed already.
  [[nodiscard]] Task<void> close();

  /// For a file opened with direct(). Errors: not_supported where the system cannot tell.
  [[nodiscard]] Result<DirectAlignment> direct_alignment() const noexcept;
  /// Returns whether it has an open file: false after a move, close() or release().
  [[nodiscard]] explicit operator bool() const noexcept;
  /// The path that it was opened by, or the name that adopt() was given.
  [[nodiscard]] const std::string& name() const noexcept;
  /// Returns the system's handle, which this object still owns; invalid_handle after close().
  [[nodiscard]] NativeHandle native_handle() const noexcept;
  /// Gives a new handle of the same open file (dup(2)) to the caller, which closes it.
  [[nodiscard]] Result<NativeHandle> duplicate_handle() const noexcept;

  /// For authors of operations. Aborts with a message if there is no file.
  [[nodiscard]] FileSource* file() const noexcept;
  explicit File(detail::FileOwner file) noexcept : file_(std::move(file)) {}

 private:
  [[nodiscard]] static IoSlice slice(std::span<const std::byte> bytes) noexcept {
    // SAFETY: a write only reads the memory of its slices.
    return {const_cast<std::byte*>(bytes.data()), bytes.size()};
  }
  [[nodiscard]] static std::int64_t at(std::uint64_t offset) noexcept;
  [[nodiscard]] static int whence(SeekFrom from) noexcept;
  template <class Memory>
  [[nodiscard]] IoOp<detail::FileTransferRequest> transfer(OperationKind kind, const char* called,
                                                           Memory memory,
                                                           std::int64_t offset) noexcept {
    return IoOp<detail::FileTransferRequest>(
        detail::FileTransferRequest(file(), kind, called, memory, offset));
  }
  [[nodiscard]] IoOp<detail::FileWholeRequest> whole(OperationKind kind, const char* called,
                                                     IoSlice memory, std::int64_t offset) noexcept {
    return IoOp<detail::FileWholeRequest>(
        detail::FileWholeRequest(file(), kind, called, memory, offset));
  }

  detail::FileOwner file_;
};

/// File::open(), not started yet. A class of its own, since it needs a complete File.
class [[nodiscard]] FileOpenOp : public IoOp<detail::FileOpenRequest> {
 public:
  using IoOp::IoOp;
};

/// Errors that only files have.
enum class FileErrc : std::uint8_t {
  unexpected_end = 1,  ///< The file has ended before a buffer was full.
  too_large,           ///< It is larger than the limit of read_file().
  no_watch_left,       ///< The user has as many watches as fs.inotify.max_user_watches allows.
};
[[nodiscard]] const std::error_category& file_category() noexcept;
[[nodiscard]] inline std::error_code make_error_code(FileErrc code) noexcept {
  return {static_cast<int>(code), file_category()};
}

/// Reads at most this much, unless told otherwise: a program that reads what others write should
/// know how much it bears.
inline constexpr std::uint64_t default_file_limit = std::uint64_t{1} << 30;

/// Reads a whole file. Errors: FileErrc::too_large if it has more than `limit` bytes.
[[nodiscard]] Task<std::vector<std::byte>> read_file(std::filesystem::path path,
                                                     std::uint64_t limit = default_file_limit);
/// The same, as characters.
[[nodiscard]] Task<std::string> read_text(std::filesystem::path path,
                                          std::uint64_t limit = default_file_limit);

/// How write_file() writes.
class WriteOptions {
 public:
  WriteOptions() noexcept {}
  /// The file has its old contents or its new ones at any time, never a part: they are written to a
  /// file beside it, which then takes its name and its permissions. (Another owner's file becomes
  /// one's own, without the set-user-ID and set-group-ID bits; a link is replaced, not followed.)
  WriteOptions& atomic(bool on = true) noexcept {
    is_atomic = on;
    return *this;
  }
  /// Ends when the contents, and the name, are on the device.
  WriteOptions& durable(bool on = true) noexcept {
    is_durable = on;
    return *this;
  }
  /// Permissions of a new file, of which the process's umask takes some away.
  WriteOptions& mode(std::uint32_t permissions) noexcept {
    permissions_of_new = permissions;
    return *this;
  }

  bool is_atomic = false;
  bool is_durable = false;
  std::uint32_t permissions_of_new = 0666;
};

/// Makes `data` the contents of a file, which is made if there is none. A failed or cancelled
/// atomic() write leaves the old contents, and nothing beside; any other one may leave a part. The
/// data must stay alive until it ends.
[[nodiscard]] Task<void> write_file(std::filesystem::path path, std::span<const std::byte> data,
                                    WriteOptions options = WriteOptions());
[[nodiscard]] Task<void> write_file(std::filesystem::path path, std::string_view text,
                                    WriteOptions options = WriteOptions());

/// Copies contents and permissions, by the cheapest means that the file systems have: shared blocks
/// (FICLONE), copy_file_range(2), a loop. A copy with another owner or group than the original does
/// not get its set-user-ID and set-group-ID bits. Replaces the contents of a file that is there.
/// Returns the size in bytes. A failed or cancelled copy removes a file that it has made itself.
/// Errors: invalid_argument if both are the same file, or `from` is no regular file.
[[nodiscard]] Task<std::uint64_t> copy_file(std::filesystem::path from, std::filesystem::path to);

/// Makes a file without a name in `directory` (by default that for temporary files), open for
/// reading and writing, which is gone with its last handle. Where the file system does not know
/// such files (O_TMPFILE), it has a name for a moment.
[[nodiscard]] Task<File> temporary_file(std::filesystem::path directory = {});

}  // namespace weft::inline v0_1

template <>
struct std::is_error_code_enum<weft::FileErrc> : std::true_type {};
