// PipeReader and PipeWriter: the ends of a pipe, or of a FIFO, as streams of bytes.
//
//   std::size_t size = co_await reader.read(buffer);       // 0: the last writer has gone
//   co_await writer.write_all("hello\n");
//
// Operations, their cancel, close() and thread-safety are those of <weft/net.hpp>. A write to a
// pipe that has no reader fails with errc::broken_pipe; it raises no signal.
#pragma once

#include <utility>
#include <weft/native_handle.hpp>
#include <weft/net.hpp>
#include <weft/result.hpp>

namespace weft::inline v0_1 {

/// The reading end. Move-only; the destructor closes it.
class PipeReader : private detail::SocketReader<detail::SocketUser> {
 public:
  explicit PipeReader(detail::SocketOwner pipe) noexcept : SocketReader(std::move(pipe)) {}
  /// Takes over a handle that can be read and polled; it becomes non-blocking and close-on-exec,
  /// for all that share its open file. Errors: the system's; then the handle is still the caller's.
  [[nodiscard]] static Result<PipeReader> adopt(NativeHandle handle) noexcept;

  using SocketReader::close;
  using SocketReader::native_handle;
  using SocketReader::read;
  using SocketReader::read_exact;
  using SocketReader::read_vectored;
  using SocketReader::readable;
  using SocketReader::operator bool;
};

/// The writing end. Move-only; the destructor closes it, which ends the reader's stream.
class PipeWriter : private detail::SocketWriter<detail::SocketUser> {
 public:
  explicit PipeWriter(detail::SocketOwner pipe) noexcept : SocketWriter(std::move(pipe)) {}
  /// As PipeReader::adopt(), for a handle that can be written.
  [[nodiscard]] static Result<PipeWriter> adopt(NativeHandle handle) noexcept;

  using SocketWriter::close;
  using SocketWriter::native_handle;
  using SocketWriter::writable;
  using SocketWriter::write;
  using SocketWriter::write_all;
  using SocketWriter::write_all_vectored;
  using SocketWriter::write_vectored;
  using SocketWriter::operator bool;
};

}  // namespace weft::inline v0_1
