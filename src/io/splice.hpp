// SplicePath: moves bytes from one handle to another by splice(2), without copying them to the
// program and back. Used by the relay (src/io/relay.cpp), which waits where this would block.
//
// splice(2) needs a pipe at one side. If neither handle is one, the path has a pipe of its own in
// the middle; the bytes in it have been read and not written yet. Not thread-safe. Never suspends,
// never blocks. Raises no SIGPIPE.
#pragma once

#include <weft/result.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <system_error>

#include "io/pipe_end.hpp"

namespace weft::inline v0_1::detail {

class SplicePath {
 public:
  /// Why a burst has ended.
  enum class Stop : std::uint8_t {
    source_ended,
    source_empty,  ///< Nothing is there to read.
    target_full,   ///< There is no room to write.
    turn_over,     ///< It has moved much; others are to have their turn.
    unsupported,   ///< The system has no splice(2) for these handles: copy what drain() gives.
    read_failed,   ///< See error().
    write_failed,  ///< See error().
  };

  /// A path with a pipe in the middle, if it needs one. Errors: those of pipe2(2).
  [[nodiscard]] static Result<SplicePath> open(const Socket& from, const Socket& to) noexcept;

  /// Moves bytes until that would block, and adds those written to `moved`.
  [[nodiscard]] Stop burst(Socket& from, Socket& to, std::uint64_t& moved) noexcept;
  [[nodiscard]] std::error_code error() const noexcept { return error_; }
  /// Bytes in the middle.
  [[nodiscard]] std::size_t held() const noexcept { return held_; }
  /// Takes bytes out of the middle. Precondition: there are some.
  [[nodiscard]] Result<std::size_t> drain(std::span<std::byte> to) noexcept;

 private:
  SplicePath() noexcept = default;
  [[nodiscard]] std::optional<Stop> step(int from, int to, std::uint64_t& moved) noexcept;
  [[nodiscard]] std::optional<Stop> directly(int from, int to, std::uint64_t& moved) noexcept;
  [[nodiscard]] std::optional<Stop> read_some(int from) noexcept;
  [[nodiscard]] std::optional<Stop> write_some(int to, std::uint64_t& moved) noexcept;
  [[nodiscard]] Stop stop_by(std::int64_t result, Stop if_full, Stop if_failed) noexcept;

  std::optional<PipeHandles> middle_;
  std::size_t held_ = 0;
  std::error_code error_;
};

}  // namespace weft::inline v0_1::detail
