// PipeReader and PipeWriter: handles of pipes as sources. The operations are in
// stream_request.cpp.
#include <weft/pipe.hpp>

#include <fcntl.h>

#include <cerrno>
#include <new>

#include "net/socket.hpp"

namespace weft::inline v0_1::detail {

namespace {

/// Takes the handle over only if it succeeds.
Result<SocketOwner> adopt_pipe(NativeHandle handle) noexcept try {
  const int flags = ::fcntl(handle, F_GETFL);
  if (flags < 0 || ::fcntl(handle, F_SETFL, flags | O_NONBLOCK) < 0 ||
      ::fcntl(handle, F_SETFD, FD_CLOEXEC) < 0) {
    return fail(os_error(errno));
  }
  return SocketOwner(new Socket(handle, Endpoint()));
} catch (const std::bad_alloc&) {
  return fail(std::errc::not_enough_memory);
}

}  // namespace

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

Result<PipeReader> PipeReader::adopt(NativeHandle handle) noexcept {
  Result<detail::SocketOwner> pipe = detail::adopt_pipe(handle);
  if (!pipe) return fail(pipe.error());
  return PipeReader(std::move(*pipe));
}

Result<PipeWriter> PipeWriter::adopt(NativeHandle handle) noexcept {
  Result<detail::SocketOwner> pipe = detail::adopt_pipe(handle);
  if (!pipe) return fail(pipe.error());
  return PipeWriter(std::move(*pipe));
}

}  // namespace weft::inline v0_1
