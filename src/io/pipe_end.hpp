// PipeEnd: what a PipeReader or a PipeWriter owns: a Socket that is none, with the name that errors
// give it.
#pragma once

#include <weft/detail/net_request.hpp>
#include <weft/result.hpp>

#include <string>
#include <utility>

#include "net/socket.hpp"
#include "os/fd.hpp"

namespace weft::inline v0_1::detail {

struct PipeEnd final : Socket {
  /// `called`: the path of a FIFO; empty for a pipe.
  PipeEnd(NativeHandle handle, std::string called) noexcept
      : Socket(handle, Endpoint()), path(std::move(called)) {}
  [[nodiscard]] std::string subject() const override {
    return path.empty() ? "pipe " + std::to_string(handle()) : path;
  }
  [[nodiscard]] bool is_pipe() const noexcept override { return true; }

  const std::string path;
};

/// Makes a PipeEnd that owns `handle`. If there is no memory, closes the handle.
[[nodiscard]] Result<SocketOwner> make_pipe_end(Fd handle, const std::string& path) noexcept;

/// Two handles of a new pipe.
struct PipeHandles {
  Fd reader;
  Fd writer;
};
[[nodiscard]] Result<PipeHandles> make_pipe_handles() noexcept;

}  // namespace weft::inline v0_1::detail
