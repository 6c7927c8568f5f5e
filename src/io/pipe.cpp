// Pipes and FIFOs: making, opening, adopting them, and what does not wait. Their operations are
// those of sockets (src/net/stream_request.cpp). Any thread.
#include <weft/pipe.hpp>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <new>

#include "io/pipe_end.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1::detail {

namespace {

enum class Which : bool { reader, writer };

Result<std::size_t> transferred(std::int64_t result) noexcept {
  if (result < 0) return fail(code_of(result));
  return static_cast<std::size_t>(result);
}

Result<void> expect_fifo(int handle) noexcept {
  struct stat status{};
  if (::fstat(handle, &status) < 0) return fail(os_error(errno));
  if (!S_ISFIFO(status.st_mode)) return fail(IoErrc::not_a_pipe);
  return {};
}

/// Checks that `handle` is open for what that end does; returns its flags.
Result<int> flags_of_end(int handle, Which which) noexcept {
  const int flags = ::fcntl(handle, F_GETFL);
  if (flags < 0) return fail(os_error(errno));
  const Result<void> is_fifo = expect_fifo(handle);
  if (!is_fifo) return fail(is_fifo.error());
  const int access = flags & O_ACCMODE;
  const int wanted = which == Which::reader ? O_RDONLY : O_WRONLY;
  if (access != wanted && access != O_RDWR) return fail(IoErrc::not_a_pipe);
  return flags;
}

Result<Fd> open_end(const char* path, Which which, int access) noexcept {
  const std::int64_t handle = Syscalls::open_pipe(path, access);
  if (handle == -ENXIO && which == Which::writer) return fail(IoErrc::no_reader);
  if (handle < 0) return fail(code_of(handle));
  return Fd(static_cast<int>(handle));
}

Result<SocketOwner> open_fifo(const std::string& path, Which which, FifoOptions options) noexcept {
  int access = which == Which::reader ? O_RDONLY : O_WRONLY;
  if (options.hold_other_end) access = O_RDWR;
  Result<Fd> handle = open_end(path.c_str(), which, access);
  if (!handle) return fail(handle.error());
  const Result<void> is_fifo = expect_fifo(handle->get());
  if (!is_fifo) return fail(is_fifo.error());
  return make_pipe_end(std::move(*handle), path);
}

Result<SocketOwner> adopt_end(int handle, Which which) noexcept try {
  const Result<int> flags = flags_of_end(handle, which);
  if (!flags) return fail(flags.error());
  SocketOwner end(new PipeEnd(handle, std::string()));
  if (::fcntl(handle, F_SETFL, *flags | O_NONBLOCK) < 0 ||
      ::fcntl(handle, F_SETFD, FD_CLOEXEC) < 0) {
    const int error = errno;
    static_cast<void>(end->release());  // it stays the caller's
    return fail(os_error(error));
  }
  return end;
} catch (const std::bad_alloc&) {
  return fail(std::errc::not_enough_memory);
}

Result<SocketOwner> reopen_end(int handle, Which which) noexcept try {
  const Result<int> flags = flags_of_end(handle, which);
  if (!flags) return fail(flags.error());
  const std::string path = "/proc/self/fd/" + std::to_string(handle);
  Result<Fd> opened = open_end(path.c_str(), which, which == Which::reader ? O_RDONLY : O_WRONLY);
  if (!opened) return fail(opened.error());
  return make_pipe_end(std::move(*opened), std::string());
} catch (const std::bad_alloc&) {
  return fail(std::errc::not_enough_memory);
}

}  // namespace

Result<SocketOwner> make_pipe_end(Fd handle, const std::string& path) noexcept try {
  SocketOwner end(new PipeEnd(handle.get(), path));
  static_cast<void>(handle.release());
  return end;
} catch (const std::bad_alloc&) {
  return fail(std::errc::not_enough_memory);
}

Result<PipeHandles> make_pipe_handles() noexcept {
  int ends[2];
  const std::int64_t made = Syscalls::pipe2(ends);
  if (made < 0) return fail(code_of(made));
  PipeHandles handles;
  handles.reader = Fd(ends[0]);
  handles.writer = Fd(ends[1]);
  return handles;
}

Result<std::size_t> PipeUser::capacity() const noexcept {
  return with_handle(socket_.get(), [](NativeHandle handle) {
    const int size = ::fcntl(handle, F_GETPIPE_SZ);
    return transferred(size < 0 ? -errno : size);
  });
}

Result<std::size_t> PipeUser::set_capacity(std::size_t size_bytes) noexcept {
  const auto most = static_cast<std::size_t>(std::numeric_limits<int>::max());
  const int wanted = static_cast<int>(std::min(size_bytes, most));
  return with_handle(socket_.get(), [wanted](NativeHandle handle) {
    const int size = ::fcntl(handle, F_SETPIPE_SZ, wanted);
    return transferred(size < 0 ? -errno : size);
  });
}

Result<NativeHandle> PipeUser::release() noexcept { return detail::release(socket_); }

std::string PipeUser::subject() const { return socket_of(socket_.get()).subject(); }

Result<std::size_t> PipeUser::write_now(std::span<const std::byte> data) noexcept {
  return with_handle(socket_.get(), [data](NativeHandle handle) {
    // writev(2) only reads the memory.
    const iovec slice{const_cast<std::byte*>(data.data()), data.size()};
    return transferred(Syscalls::writev(handle, &slice, 1));
  });
}

Result<std::size_t> PipeUser::read_now(std::span<std::byte> buffer) noexcept {
  return with_handle(socket_.get(), [buffer](NativeHandle handle) {
    return transferred(Syscalls::read(handle, buffer.data(), buffer.size()));
  });
}

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

namespace {

template <class End>
Result<End> end_of(Result<detail::SocketOwner> owner) noexcept {
  if (!owner) return fail(owner.error());
  return End(std::move(*owner));
}

}  // namespace

Result<void> try_make_fifo(const std::string& path, unsigned mode) noexcept {
  return detail::checked(detail::Syscalls::mkfifo(path.c_str(), mode));
}

void make_fifo(const std::string& path, unsigned mode) {
  const Result<void> made = try_make_fifo(path, mode);
  if (!made) throw IoError(made.error(), "make fifo", path);
}

Result<PipeReader> PipeReader::try_open_fifo(const std::string& path,
                                             FifoOptions options) noexcept {
  return end_of<PipeReader>(detail::open_fifo(path, detail::Which::reader, options));
}

Task<PipeReader> PipeReader::open_fifo(std::string path, FifoOptions options) {
  Result<PipeReader> reader = try_open_fifo(path, options);
  if (!reader) throw IoError(reader.error(), "open", path);
  if (!options.hold_other_end) {
    const Result<void> ready = co_await reader->readable().attempt();
    if (!ready) throw IoError(ready.error(), "open", path);
  }
  co_return std::move(*reader);
}

Result<PipeReader> PipeReader::adopt(NativeHandle handle) noexcept {
  return end_of<PipeReader>(detail::adopt_end(handle, detail::Which::reader));
}

Result<PipeReader> PipeReader::reopen(NativeHandle handle) noexcept {
  return end_of<PipeReader>(detail::reopen_end(handle, detail::Which::reader));
}

Result<PipeWriter> PipeWriter::try_open_fifo(const std::string& path,
                                             FifoOptions options) noexcept {
  return end_of<PipeWriter>(detail::open_fifo(path, detail::Which::writer, options));
}

PipeWriter PipeWriter::open_fifo(const std::string& path, FifoOptions options) {
  Result<PipeWriter> writer = try_open_fifo(path, options);
  if (!writer) throw IoError(writer.error(), "open", path);
  return std::move(*writer);
}

Result<PipeWriter> PipeWriter::adopt(NativeHandle handle) noexcept {
  return end_of<PipeWriter>(detail::adopt_end(handle, detail::Which::writer));
}

Result<PipeWriter> PipeWriter::reopen(NativeHandle handle) noexcept {
  return end_of<PipeWriter>(detail::reopen_end(handle, detail::Which::writer));
}

Result<Pipe> Pipe::make() noexcept {
  Result<detail::PipeHandles> handles = detail::make_pipe_handles();
  if (!handles) return fail(handles.error());
  const std::string no_path;
  Result<detail::SocketOwner> reader = detail::make_pipe_end(std::move(handles->reader), no_path);
  if (!reader) return fail(reader.error());
  Result<detail::SocketOwner> writer = detail::make_pipe_end(std::move(handles->writer), no_path);
  if (!writer) return fail(writer.error());
  return Pipe(PipeReader(std::move(*reader)), PipeWriter(std::move(*writer)));
}

Pipe pipe() {
  Result<Pipe> made = Pipe::make();
  if (!made) throw IoError(made.error(), "pipe");
  return std::move(*made);
}

}  // namespace weft::inline v0_1
