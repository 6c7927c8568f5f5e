// `weft models`: the work written as futures that are polled: a state machine by hand, and one task
// that polls all of them, each after a wake.
#include <exception>
#include <optional>
#include <weft/as_future.hpp>
#include <weft/future.hpp>
#include <weft/future_set.hpp>

#include "model_connections.hpp"

namespace weft::tool {

namespace {

class Fetch {
 public:
  Fetch(Connections& connections, ModelTally& tally, std::size_t number)
      : connections_(connections), tally_(tally), number_(number) {}
  Fetch(const Fetch&) = delete;
  Fetch& operator=(const Fetch&) = delete;

  Poll<void> poll(Context& cx) {
    try {
      while (advance(cx)) {
      }
      return state_ == State::done ? Poll<void>::ready() : Pending();
    } catch (const std::exception& error) {
      tally_.fail(error.what());
      return Poll<void>::ready();
    }
  }

 private:
  enum class State { begins, acquires, writes, reads, done };

  /// Advances by one step. Returns false if no more can be done now.
  bool advance(Context& cx) {
    switch (state_) {
      case State::begins:
        acquire_.emplace(as_future(connections_.free().acquire()));
        return go_to(State::acquires);
      case State::acquires:
        return acquired(acquire_->poll(cx));
      case State::writes:
        return written(write_->poll(cx));
      case State::reads:
        return has_read(read_->poll(cx));
      case State::done:
        return false;
    }
    return false;
  }
  bool acquired(Poll<Permit> permit) {
    if (permit.is_pending()) return false;
    acquire_.reset();
    lease_.emplace(connections_, permit.take());
    exchange_.emplace(connections_.work(), number_);
    write_.emplace(as_future(lease_->stream().write_all(exchange_->request())));
    return go_to(State::writes);
  }
  bool written(Poll<void> done) {
    if (done.is_pending()) return false;
    done.take();
    write_.reset();
    return read_more();
  }
  bool has_read(Poll<std::size_t> size) {
    if (size.is_pending()) return false;
    read_.reset();
    if (!exchange_->add(size.take())) return read_more();
    tally_.note(*exchange_);
    lease_.reset();
    return go_to(State::done);
  }
  bool read_more() {
    read_.emplace(as_future(lease_->stream().read(exchange_->room())));
    return go_to(State::reads);
  }
  bool go_to(State next) noexcept {
    state_ = next;
    return true;
  }

  Connections& connections_;
  ModelTally& tally_;
  std::size_t number_;
  State state_ = State::begins;
  std::optional<Exchange> exchange_;
  std::optional<Lease> lease_;
  std::optional<AsFuture<QueueOp<detail::AcquireRequest>>> acquire_;
  std::optional<AsFuture<IoOp<detail::WriteAllRequest>>> write_;
  std::optional<AsFuture<IoOp<detail::ReadRequest>>> read_;
};

Task<void> fetch_all(Connections& connections, ModelTally& tally) {
  FutureSet<Fetch> waiters;
  for (std::size_t number = 0; number < connections.work().count; ++number) {
    waiters.push_made([&] { return Fetch(connections, tally, number); });
  }
  while (!waiters.empty()) co_await waiters.next();
}

}  // namespace

void run_with_futures(const ModelWork& work, ModelTally& tally) {
  run_on_one_worker(work, tally, fetch_all);
}

}  // namespace weft::tool
