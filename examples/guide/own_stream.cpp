// A stream by hand: a coroutine that yields values and waits in between, for a delay server. Two
// transfers: next() goes on with the body, co_yield with the consumer.
#include <coroutine>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "delay_peer.hpp"
#include "own_task.hpp"
#include "poll_loop.hpp"

// [stream]
/// Gives a T at each next(), and nothing at the end.
template <class T>
class OwnStream {
 public:
  class promise_type;
  using Handle = std::coroutine_handle<promise_type>;

  /// Stops the body, at a co_yield or at its end, and goes on with the consumer.
  class ToConsumer {
   public:
    ToConsumer() = default;
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(Handle body) const noexcept {
      return body.promise().consumer_;
    }
    void await_resume() const noexcept {}
  };

  /// Stops the consumer, and goes on with the body.
  class Next {
   public:
    explicit Next(Handle body) : body_(body) {}
    [[nodiscard]] bool await_ready() const noexcept { return body_.done(); }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> consumer) const noexcept {
      body_.promise().consumer_ = consumer;
      return body_;
    }
    std::optional<T> await_resume() const { return body_.promise().take(); }

   private:
    Handle body_;
  };

  class promise_type {
   public:
    OwnStream get_return_object() { return OwnStream(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    ToConsumer yield_value(T value) {
      value_ = std::move(value);
      return {};
    }
    ToConsumer final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { error_ = std::current_exception(); }
    std::optional<T> take() {
      if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
      return std::exchange(value_, std::nullopt);
    }

   private:
    friend ToConsumer;
    friend Next;
    std::coroutine_handle<> consumer_;
    std::optional<T> value_;
    std::exception_ptr error_;
  };

  [[nodiscard]] Next next() const { return Next(body_); }

  OwnStream(OwnStream&& other) noexcept : body_(std::exchange(other.body_, nullptr)) {}
  OwnStream& operator=(OwnStream&&) = delete;
  ~OwnStream() {
    if (body_) body_.destroy();
  }

 private:
  explicit OwnStream(Handle body) : body_(body) {}

  Handle body_;
};
// [/stream]

// [headlines]
OwnStream<std::string> headlines(PollLoop& loop, std::uint16_t port) {
  const int fd = connect_to(port);
  for (int number = 1; number <= 3; ++number) {
    std::printf("  asks for headline %d\n", number);
    const std::string request = delay_request(20, "headline-" + std::to_string(number));
    checked(static_cast<int>(send(fd, request.data(), request.size(), MSG_NOSIGNAL)), "send");
    std::string received;
    std::optional<std::string> answer;
    while (!answer) {
      co_await loop.readable(fd);
      receive_more(fd, received);
      answer = take_answer(received);
    }
    co_yield std::move(*answer);
  }
  close(fd);
}

OwnTask<int> read_all(PollLoop& loop, std::uint16_t port) {
  const OwnStream<std::string> news = headlines(loop, port);
  int count = 0;
  for (;;) {
    const std::optional<std::string> headline = co_await news.next();
    if (!headline) break;
    std::printf("%s\n", headline->c_str());
    ++count;
  }
  co_return count;
}
// [/headlines]

int main(int argc, char** argv) {
  const DelayServer server(port_given(argc, argv));
  PollLoop loop;
  const OwnTask<int> task = read_all(loop, server.port());
  task.start();
  loop.run();
  std::printf("%d headlines\n", task.result());
}
