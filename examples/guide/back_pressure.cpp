// A producer that is faster than its consumer: without a bound, with one, and as a stream that is
// pulled.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <utility>
#include <weft/weft.hpp>

using std::chrono::milliseconds;

constexpr int items = 100;

// [counter]
/// How many items are under way: made, and not yet used.
class UnderWay {
 public:
  void made() { most_ = std::max(most_, ++now_); }
  void used() { --now_; }
  [[nodiscard]] int most() const { return most_; }

 private:
  int now_ = 0;
  int most_ = 0;
};
// [/counter]

// [channel]
weft::Task<void> produce(weft::Sender<int> sender, UnderWay& under_way) {
  for (int i = 0; i < items; ++i) {
    co_await weft::sleep_for(milliseconds(1));
    under_way.made();
    static_cast<void>(co_await sender.send(i));
  }
}

weft::Task<void> consume(weft::Receiver<int> receiver, UnderWay& under_way) {
  while (auto item = co_await receiver.receive()) {
    co_await weft::sleep_for(milliseconds(10));
    under_way.used();
  }
}

weft::Task<int> through_a_channel(std::size_t capacity) {
  UnderWay under_way;
  auto [sender, receiver] = weft::channel<int>(capacity);
  auto producing = produce(std::move(sender), under_way);
  auto consuming = consume(std::move(receiver), under_way);
  co_await weft::when_all(std::move(producing), std::move(consuming));
  co_return under_way.most();
}
// [/channel]

// [pulled]
weft::AsyncGenerator<int> numbers(UnderWay& under_way) {
  for (int i = 0; i < items; ++i) {
    co_await weft::sleep_for(milliseconds(1));
    under_way.made();
    co_yield i;
  }
}

weft::Task<int> pulled() {
  UnderWay under_way;
  auto stream = numbers(under_way);
  while (auto item = co_await stream.next()) {
    co_await weft::sleep_for(milliseconds(10));
    under_way.used();
  }
  co_return under_way.most();
}
// [/pulled]

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;
  weft::Runtime runtime(std::move(options));
  // [main]
  const int unbounded = runtime.block_on(through_a_channel(items));
  const int bounded = runtime.block_on(through_a_channel(4));
  const int from_stream = runtime.block_on(pulled());
  // [/main]
  std::printf("a channel with room for all: %d under way at most\n", unbounded);
  std::printf("a channel with room for 4:   %d under way at most\n", bounded);
  std::printf("a stream:                    %d under way at most\n", from_stream);
}
