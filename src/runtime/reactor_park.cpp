#include "runtime/reactor_park.hpp"

namespace weft::inline v0_1::detail {

bool ReactorPark::poll() noexcept {
  const std::int64_t now = reactor_.now();
  const std::int64_t since = now - polled_at_;
  if (since > 0 && since < poll_distance_ns)
    return false;  // a clock that stands still does not count
  polled_at_ = now;
  do {
    reactor_.poll(0);
  } while (reactor_.has_buffered());
  return true;
}

std::optional<Park::RemotePoll> ReactorPark::poll_remotely() noexcept {
  const std::optional<Reactor::RemotePoll> remote = reactor_.poll_remotely();
  if (!remote) return std::nullopt;
  return RemotePoll{remote->handle, remote->timeout_ns};
}

/// Skips to the next deadline, if nothing can happen before it. False: there is none, or other
/// threads compute.
bool ReactorPark::skip() noexcept {
  // The worker has looked for work between the last call and this one. So if all that other
  // threads had begun had ended by the last call, and nothing was begun since, the worker has found
  // what they made runnable.
  const std::optional<std::uint64_t> quiet = others_->all_ended();
  const bool was_quiet = quiet.has_value() && quiet == quiet_since_;
  quiet_since_ = quiet;
  if (!quiet) return false;
  const std::int64_t left = reactor_.timeout();
  if (left < 0) return false;
  if (reactor_.poll(0) != 0 || !was_quiet) return true;
  virtual_clock_->advance(left);
  reactor_.poll(0);
  return true;
}

std::optional<std::uint64_t> OtherThreads::all_ended() const noexcept {
  // Ends first: work that is begun meanwhile makes the two differ.
  const std::uint64_t ended = lanes_.ended() + team_.ended();
  if (lanes_.submitted() + team_.submitted() != ended) return std::nullopt;
  return ended;
}

}  // namespace weft::inline v0_1::detail
