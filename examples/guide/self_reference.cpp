// Why a future that has been polled must not move. A state machine keeps everything that lives
// across a suspension in itself: also a buffer, and a pointer into that buffer. Move the machine,
// and the pointer still points to where the buffer was.
#include <array>
#include <iostream>
#include <type_traits>
#include <utility>
#include <weft/weft.hpp>

/// Receives a message in two parts. `next_` points into `buffer_`. Ready with whether it still
/// does.
class Movable {
 public:
  weft::Poll<bool> poll(weft::Context& cx) {
    if (next_ == nullptr) {
      next_ = buffer_.data() + 4;  // the first part has come: the next goes behind it
      cx.waker().wake_by_ref();
      return weft::Pending();
    }
    return next_ == buffer_.data() + 4;  // a real one would write through the pointer now
  }

 private:
  std::array<char, 8> buffer_{};
  char* next_ = nullptr;
};

/// The same, and the type says that it stays.
class Pinned : public Movable {
 public:
  Pinned() = default;
  Pinned(const Pinned&) = delete;  // no copy, and so no move
  Pinned& operator=(const Pinned&) = delete;
};
static_assert(!std::is_move_constructible_v<Pinned>);
static_assert(weft::Future<Pinned>);

/// By the compiler: the frame of a coroutine is on the heap and never moves; a Task is a pointer to
/// it, so the task may move as it likes.
weft::Task<bool> coroutine() {
  std::array<char, 8> buffer{};
  char* const next = buffer.data() + 4;
  co_await weft::yield_now();
  co_return next == buffer.data() + 4;
}

/// Polls once, moves as the growth of a vector would, and polls again.
bool accident() {
  const weft::Waker nobody;
  weft::Context cx(nobody);
  Movable here;
  (void)here.poll(cx);
  Movable there = std::move(here);
  return there.poll(cx).take();
}

weft::Task<void> program() {
  std::cout << "moved between polls, the pointer is into the object: " << accident() << '\n';

  Pinned pinned;
  const bool in_place = co_await pinned;  // an lvalue is polled where it is
  std::cout << "pinned and awaited in place: " << in_place << '\n';

  const bool by_value = co_await Movable();  // an rvalue moves once, before its first poll
  std::cout << "awaited by value: " << by_value << '\n';

  auto task = coroutine();
  auto moved = std::move(task);  // the frame stays
  const bool frame = co_await std::move(moved);
  std::cout << "in the frame of a coroutine: " << frame << '\n';

  // Made where it is needed, a future that cannot move goes into a combinator all the same.
  auto both = weft::futures::join(weft::futures::lazy([] { return Pinned(); }), Movable());
  const auto [first, second] = co_await std::move(both);
  std::cout << "in a join: " << (first && second) << '\n';
}

int main() {
  std::cout << std::boolalpha;
  weft::block_on(program());
}
