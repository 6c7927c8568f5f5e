// Pin projection: which members of a pinned object are pinned as well, and which may be moved. With
// a Pin written by hand, and with the types of C++ alone.
#include <array>
#include <concepts>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>
#include <weft/weft.hpp>

#include "signal.hpp"

// [pin]
/// A T that will not be moved any more, until it is destroyed. It gives no T&, out of which the T
/// could be moved; only members.
template <class T>
class Pin {
 public:
  explicit Pin(T& object) noexcept : object_(&object) {}

  /// A member to which something may point. It is pinned as well.
  template <class Member>
  [[nodiscard]] Pin<Member> pinned(Member T::* member) const noexcept {
    return Pin<Member>(object_->*member);
  }
  /// A member to which nothing points. It may be moved out.
  template <class Member>
  [[nodiscard]] Member& unpinned(Member T::* member) const noexcept {
    return object_->*member;
  }
  /// A member to which something may point, as an object to work on: it must not be moved out.
  template <class Member>
  [[nodiscard]] Member& in_place(Member T::* member) const noexcept {
    return object_->*member;
  }
  auto poll(weft::Context& cx) const { return T::poll(*this, cx); }

 private:
  T* object_;
};
// [/pin]

// [child]
/// Once it has been polled, `end_` points into it.
class Reading {
 public:
  explicit Reading(Signal& signal) : wait_(signal.wait()) {}

  static weft::Poll<std::string_view> poll(Pin<Reading> self, weft::Context& cx) {
    char*& end = self.unpinned(&Reading::end_);
    auto& room = self.in_place(&Reading::room_);
    if (end == nullptr) end = room.data() + std::string_view("good morning").copy(room.data(), 16);
    if (self.unpinned(&Reading::wait_).poll(cx).is_pending()) return weft::Pending();
    return std::string_view(room.data(), end);
  }

 private:
  Signal::Wait wait_;
  std::array<char, 16> room_{};
  char* end_ = nullptr;
};
// [/child]

// [parent]
/// Puts a label before what its child gives.
class Labelled {
 public:
  Labelled(std::string label, Signal& signal) : label_(std::move(label)), child_(signal) {}

  static weft::Poll<std::string> poll(Pin<Labelled> self, weft::Context& cx) {
    weft::Poll<std::string_view> text = self.pinned(&Labelled::child_).poll(cx);
    if (text.is_pending()) return weft::Pending();
    std::string labelled = std::move(self.unpinned(&Labelled::label_));  // moved out: allowed
    return labelled.append(": ").append(text.take());
  }

 private:
  std::string label_;  // nothing points to it
  Reading child_;      // it points into itself: it must be reached by pinned() only
};
// [/parent]

// [refused]
template <class P>
concept gives_its_object = requires(P pin) { *pin; } || requires(P pin) { pin.get(); };
static_assert(std::move_constructible<Labelled>, "by its type alone it could be moved …");
static_assert(!gives_its_object<Pin<Labelled>>, "… but not out of a pin");
// [/refused]

// [types]
/// The other way, with types: what must stay cannot be moved, and so cannot what contains it.
class Fixed {
 public:
  Fixed() = default;
  Fixed(const Fixed&) = delete;
  Fixed& operator=(const Fixed&) = delete;
};
struct WithFixed {
  std::string label;
  Fixed child;
};
static_assert(!std::move_constructible<WithFixed>, "a member that stays keeps the whole in place");
static_assert(std::move_constructible<decltype(WithFixed::label)>, "another one may go");
// [/types]

int main() {
  // [main]
  Signal signal;
  Labelled labelled("a greeting", signal);
  const Pin<Labelled> pin(labelled);  // from here on it stays
  WakeCounter wakes;
  const weft::Waker waker = wakes.waker();
  weft::Context cx(waker);
  std::printf("%s\n", pin.poll(cx).is_ready() ? "ready" : "pending");
  signal.give();
  std::printf("%s\n", pin.poll(cx).take().c_str());

  WithFixed whole{"a label", {}};
  const std::string taken = std::move(whole.label);
  std::printf("%s, moved out of an object that stays\n", taken.c_str());
  // [/main]
}
