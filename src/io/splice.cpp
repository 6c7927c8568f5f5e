#include "io/splice.hpp"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "os/pipe_signal.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1::detail {

namespace {

// Four times the system's default: a quarter of the calls.
constexpr int size_of_middle = 256 * 1024;
// More than a pipe holds, whose buffers may each refer to a part of a large page.
constexpr std::size_t most_at_once = std::size_t{1} << 20;
// After that many bytes other tasks have their turn.
constexpr std::uint64_t most_in_a_burst = std::uint64_t{1} << 20;

/// A use of one direction of a socket: its handle stays open meanwhile.
class HandleUse {
 public:
  HandleUse(Source& source, std::uint32_t direction) noexcept
      : source_(source), is_open_(source.begin_use(direction)) {}
  ~HandleUse() { source_.end_use(); }
  HandleUse(const HandleUse&) = delete;
  HandleUse& operator=(const HandleUse&) = delete;
  [[nodiscard]] bool is_open() const noexcept { return is_open_; }

 private:
  Source& source_;
  bool is_open_;
};

}  // namespace

Result<SplicePath> SplicePath::open(const Socket& from, const Socket& to) noexcept {
  SplicePath path;
  if (from.is_pipe() || to.is_pipe()) return path;
  Result<PipeHandles> made = make_pipe_handles();
  if (!made) return fail(made.error());
  // Fails where the user's pipes have much memory already: then it stays as it is.
  static_cast<void>(::fcntl(made->writer.get(), F_SETPIPE_SZ, size_of_middle));
  path.middle_ = std::move(*made);
  return path;
}

SplicePath::Stop SplicePath::burst(Socket& from, Socket& to, std::uint64_t& moved) noexcept {
  const HandleUse reading(from, interest::readable);
  const HandleUse target(to, interest::writable);
  if (!reading.is_open() || !target.is_open()) {
    error_ = std::make_error_code(std::errc::operation_canceled);
    return reading.is_open() ? Stop::write_failed : Stop::read_failed;
  }
  const std::uint64_t before = moved;
  const BlockedPipeSignal blocked;
  std::optional<Stop> stop;
  while (!stop && moved - before < most_in_a_burst) {
    stop = step(from.handle(), to.handle(), moved);
  }
  blocked.consume();  // each call is asked for more than it can move
  return stop.value_or(Stop::turn_over);
}

std::optional<SplicePath::Stop> SplicePath::step(int from, int to, std::uint64_t& moved) noexcept {
  if (!middle_) return directly(from, to, moved);
  if (held_ == 0) {
    if (const std::optional<Stop> stop = read_some(from)) return stop;
  }
  return write_some(to, moved);
}

/// What a call that has moved nothing means.
SplicePath::Stop SplicePath::stop_by(std::int64_t result, Stop if_full, Stop if_failed) noexcept {
  if (result == -EAGAIN) return if_full;
  if (result == -EINVAL || result == -ENOSYS || result == -EOPNOTSUPP) return Stop::unsupported;
  error_ = code_of(result);
  return if_failed;
}

std::optional<SplicePath::Stop> SplicePath::directly(int from, int to,
                                                     std::uint64_t& moved) noexcept {
  const std::int64_t size = Syscalls::splice(from, to, most_at_once);
  if (size == 0) return Stop::source_ended;
  if (size < 0) {
    // EAGAIN does not say which side: only an empty source is not readable.
    const bool is_empty = size == -EAGAIN && Syscalls::poll_now(from, POLLIN) == 0;
    const bool writes = size == -EPIPE;
    return stop_by(size, is_empty ? Stop::source_empty : Stop::target_full,
                   writes ? Stop::write_failed : Stop::read_failed);
  }
  moved += static_cast<std::uint64_t>(size);
  return std::nullopt;
}

std::optional<SplicePath::Stop> SplicePath::read_some(int from) noexcept {
  const std::int64_t size = Syscalls::splice(from, middle_->writer.get(), most_at_once);
  if (size == 0) return Stop::source_ended;
  // The middle is empty, so it is the source that would block.
  if (size < 0) return stop_by(size, Stop::source_empty, Stop::read_failed);
  held_ = static_cast<std::size_t>(size);
  return std::nullopt;
}

std::optional<SplicePath::Stop> SplicePath::write_some(int to, std::uint64_t& moved) noexcept {
  while (held_ != 0) {
    const std::int64_t size = Syscalls::splice(middle_->reader.get(), to, held_);
    if (size <= 0) return stop_by(size, Stop::target_full, Stop::write_failed);
    held_ -= static_cast<std::size_t>(size);
    moved += static_cast<std::uint64_t>(size);
  }
  return std::nullopt;
}

Result<std::size_t> SplicePath::drain(std::span<std::byte> to) noexcept {
  const std::int64_t size =
      Syscalls::read(middle_->reader.get(), to.data(), std::min(to.size(), held_));
  if (size < 0) return fail(code_of(size));
  held_ -= static_cast<std::size_t>(size);
  return static_cast<std::size_t>(size);
}

}  // namespace weft::inline v0_1::detail
