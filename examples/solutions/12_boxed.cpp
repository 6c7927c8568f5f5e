// Exercise 12.3: a future that cannot be moved, in a box that can.
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdio>
#include <deque>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

#include "../guide/signal.hpp"

// [reading]
class Reading {
 public:
  Reading(Signal& signal, std::string_view text) : wait_(signal.wait()) {
    end_ = room_.data() + text.copy(room_.data(), room_.size());
  }
  Reading(const Reading&) = delete;
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
// [/reading]

// [boxed]
/// Owns a future elsewhere. What moves is the pointer.
template <weft::Future F>
class Boxed {
 public:
  template <class... Args>
  explicit Boxed(std::in_place_t, Args&&... args)
      : future_(std::make_unique<F>(std::forward<Args>(args)...)) {}
  auto poll(weft::Context& cx) { return future_->poll(cx); }

 private:
  std::unique_ptr<F> future_;
};
static_assert(!std::move_constructible<Reading>);
static_assert(std::move_constructible<Boxed<Reading>>);
// [/boxed]

int main() {
  // [main]
  WakeCounter wakes;
  const weft::Waker waker = wakes.waker();
  weft::Context cx(waker);
  std::deque<Signal> signals;
  std::vector<Boxed<Reading>> readings;
  std::size_t moved = 0;
  for (const char* text : {"warp", "weft", "shuttle", "reed", "heddle"}) {
    const std::size_t capacity = readings.capacity();
    readings.emplace_back(std::in_place, signals.emplace_back(), text);
    if (readings.capacity() != capacity) moved += readings.size() - 1;  // the vector has grown
    static_cast<void>(readings.back().poll(cx));                        // it has begun, and waits
  }
  std::printf("moved after their first poll: %s\n", moved > 0 ? "yes" : "no");
  for (Signal& signal : signals) signal.give();
  for (Boxed<Reading>& reading : readings) {
    const std::string_view text = reading.poll(cx).take();
    std::printf("%.*s ", static_cast<int>(text.size()), text.data());
  }
  std::puts("");
  // [/main]
}
