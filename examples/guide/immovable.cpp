// A hand-written future that points into itself, and therefore cannot be moved: to do so is an
// error of the compiler's.
#include <array>
#include <concepts>
#include <cstdio>
#include <string_view>
#include <weft/weft.hpp>

#include "signal.hpp"

// [reading]
/// Gives the text in its own room once the signal has been given.
class Reading {
 public:
  Reading(Signal& signal, std::string_view text) : wait_(signal.wait()) {
    end_ = room_.data() + text.copy(room_.data(), room_.size());
  }
  Reading(const Reading&) = delete;  // and with it all moving
  Reading& operator=(const Reading&) = delete;

  weft::Poll<std::string_view> poll(weft::Context& cx) {
    if (wait_.poll(cx).is_pending()) return weft::Pending();
    return std::string_view(room_.data(), end_);
  }

 private:
  Signal::Wait wait_;
  std::array<char, 16> room_{};
  char* end_ = nullptr;
};
static_assert(weft::Future<Reading>);
static_assert(!std::move_constructible<Reading>);
// [/reading]

// [place]
/// Returned, yet not moved: the caller's object is made here, in its place.
Reading read_greeting(Signal& signal) { return Reading(signal, "good morning"); }

weft::Task<void> await_in_place() {
  Signal signal;
  Reading reading = read_greeting(signal);
  signal.give();
  const std::string_view text = co_await reading;  // polled where it is
  std::printf("awaited in place:  %.*s\n", static_cast<int>(text.size()), text.data());
}
// [/place]

// [lazy]
weft::Task<void> join_immovable() {
  Signal signal;
  // Made within the join, at its first poll: there it stays.
  auto greeting = weft::futures::lazy([&signal] { return read_greeting(signal); });
  auto both = weft::futures::join(weft::futures::map(std::move(greeting), &std::string_view::size),
                                  signal.wait());
  signal.give();
  auto [size, unit] = co_await both;
  std::printf("made in a join:    %zu letters\n", size);
}
// [/lazy]

// [awaitable]
using Sleep = decltype(weft::sleep_for(weft::Nanoseconds(1)));
using SleepAwaiter = decltype(weft::get_awaiter(weft::sleep_for(weft::Nanoseconds(1))));
static_assert(std::move_constructible<Sleep>, "the description moves …");
static_assert(!std::move_constructible<SleepAwaiter>, "… what waits does not");
// [/awaitable]

int main() {
  weft::block_on(await_in_place());
  weft::block_on(join_immovable());
}
