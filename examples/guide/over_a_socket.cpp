// A conversation with a delay server over a real socket: as a state machine that is polled, and as
// a coroutine. Both must take the same steps.
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

#include "delay_peer.hpp"
#include "sleeper.hpp"
#include "watcher.hpp"

// [line]
/// A connection to the server, which keeps a record.
class Line {
 public:
  Line(Watcher& watcher, std::uint16_t port) : watcher_(watcher), fd_(connect_to(port)) {}
  ~Line() { close(fd_); }
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  void ask(const std::string& text) {
    steps_.push_back("asks " + text);
    const std::string request = delay_request(30, text);
    checked(static_cast<int>(send(fd_, request.data(), request.size(), MSG_NOSIGNAL)), "send");
  }

  /// Waits for the answer.
  class Answer {
   public:
    explicit Answer(Line& line) : line_(&line), readable_(line.watcher_, line.fd_) {}

    weft::Poll<std::string> poll(weft::Context& cx) {
      for (;;) {
        if (readable_.poll(cx).is_pending()) {
          line_->steps_.push_back("pending");
          return weft::Pending();
        }
        if (std::optional<std::string> text = line_->receive()) return std::move(*text);
      }
    }

   private:
    Line* line_;
    Readable readable_;
  };
  Answer answer() { return Answer(*this); }

  [[nodiscard]] const std::vector<std::string>& steps() const { return steps_; }

 private:
  std::optional<std::string> receive() {
    receive_more(fd_, received_);
    std::optional<std::string> text = take_answer(received_);
    if (text) steps_.push_back("hears " + *text);
    return text;
  }

  Watcher& watcher_;
  int fd_;
  std::string received_;
  std::vector<std::string> steps_;
};
// [/line]

// [machine]
class Talk {
 public:
  explicit Talk(Line& line) : line_(line) {}

  weft::Poll<std::string> poll(weft::Context& cx) {
    for (;;) {
      switch (state_) {
        case State::beginning:
          line_.ask("warp");
          waited_.emplace(line_.answer());
          state_ = State::first_answer;
          break;
        case State::first_answer: {
          weft::Poll<std::string> answer = waited_->poll(cx);
          if (answer.is_pending()) return weft::Pending();
          heard_ = answer.take();
          line_.ask(heard_ + "-and-weft");
          waited_.emplace(line_.answer());
          state_ = State::second_answer;
          break;
        }
        case State::second_answer: {
          weft::Poll<std::string> answer = waited_->poll(cx);
          if (answer.is_pending()) return weft::Pending();
          return heard_ + ", then " + answer.take();
        }
      }
    }
  }

 private:
  enum class State { beginning, first_answer, second_answer };

  Line& line_;
  State state_ = State::beginning;
  std::string heard_;                   // lives across the second wait
  std::optional<Line::Answer> waited_;  // the future in which it waits
};
// [/machine]

// [coroutine]
weft::Task<std::string> talk(Line& line) {
  line.ask("warp");
  const std::string heard = co_await line.answer();
  line.ask(heard + "-and-weft");
  const std::string then = co_await line.answer();
  co_return heard + ", then " + then;
}
// [/coroutine]

// [drive]
/// Polls, and sleeps while it is told pending.
std::string drive(Talk& talk, Sleeper& sleeper) {
  const weft::Waker waker = sleeper.waker();
  weft::Context cx(waker);
  for (;;) {
    weft::Poll<std::string> result = talk.poll(cx);
    if (result.is_ready()) return result.take();
    sleeper.sleep();
  }
}
// [/drive]

int main(int argc, char** argv) {
  const DelayServer server(port_given(argc, argv));
  Sleeper sleeper;
  Watcher watcher;

  // [both]
  Line first(watcher, server.port());
  Talk machine(first);
  const std::string by_hand = drive(machine, sleeper);

  Line second(watcher, server.port());
  const std::string by_coroutine = weft::block_on(talk(second));
  // [/both]

  std::printf("%-22s coroutine\n", "by hand");
  for (std::size_t i = 0; i < first.steps().size() && i < second.steps().size(); ++i) {
    std::printf("%-22s %s\n", first.steps()[i].c_str(), second.steps()[i].c_str());
  }
  std::printf("%-22s %s\n", by_hand.c_str(), by_coroutine.c_str());
  std::printf("the same steps: %s\n", first.steps() == second.steps() ? "yes" : "no");
}
