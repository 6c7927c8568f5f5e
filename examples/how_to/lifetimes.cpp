// Lifetimes: arguments, captures, children, and the state after a cancel.
#include <chrono>
#include <cstdio>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

// [arguments]
weft::Task<void> greet(std::string name) {
  co_await weft::sleep_for(10ms);
  std::printf("hello, %s\n", name.c_str());
}

weft::JoinHandle<void> greet_later() {
  std::string name = "a name that is too long to be kept in the object";
  return weft::spawn(greet, name);  // copied into the task; a reference would need std::ref
}
// [/arguments]

// [captures]
weft::JoinHandle<int> measure_later(std::string text) {
  // spawn() moves the lambda into the task, so its captures live as long as the coroutine.
  return weft::spawn([text = std::move(text)]() -> weft::Task<int> {
    co_await weft::sleep_for(10ms);
    co_return static_cast<int>(text.size());
  });
}
// [/captures]

// [scope]
weft::Task<void> add(int& sum, int number) {
  co_await weft::sleep_for(10ms);
  sum += number;
}

weft::Task<int> add_up() {
  int sum = 0;
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    for (int i = 1; i <= 4; ++i) scope.spawn(add, std::ref(sum), i);
    co_return;
  };
  co_await weft::scope(body);  // the children have ended: `sum` outlives them
  co_return sum;
}
// [/scope]

// [failure]
weft::Task<void> fail_soon() {
  co_await weft::sleep_for(5ms);
  throw std::runtime_error("one child has failed");
}

weft::Task<void> fail_together() {
  auto body = [](weft::Scope& scope) -> weft::Task<void> {
    scope.spawn(greet, std::string("never"));  // cancelled before it greets
    scope.spawn(fail_soon);
    co_return;
  };
  try {
    co_await weft::scope(body);
  } catch (const std::runtime_error& error) {
    std::printf("%s, and the other was cancelled\n", error.what());
  }
}
// [/failure]

// [kept]
weft::Task<void> cancel_a_receive() {
  auto [sender, receiver] = weft::channel<int>(1);
  for (int number = 1; number <= 2; ++number) {
    try {
      const auto value = co_await weft::timeout(receiver.receive(), 5ms);
      std::printf("received %d\n", value.value_or(0));
    } catch (const weft::IoError& error) {
      std::printf("received nothing: %s\n", error.what());
      static_cast<void>(sender.try_send(7));  // the channel is as good as before
    }
  }
}
// [/kept]

weft::Task<void> program() {
  co_await greet_later();
  const int length = co_await measure_later("twelve bytes");
  std::printf("%d bytes\n", length);
  const int sum = co_await add_up();
  std::printf("the sum is %d\n", sum);
  co_await fail_together();
  co_await cancel_a_receive();
}

int main() {
  weft::Runtime runtime;
  runtime.block_on(program());
}
