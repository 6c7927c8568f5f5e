// A state machine written by hand and a coroutine are equivalent: one small protocol (connect,
// write a request, read until the answer is whole), written both ways, over a scripted source. Each
// script must give the same events in the same order, wherever the source waits or fails.
#include <weft/future.hpp>
#include <weft/futures.hpp>
#include <weft/task.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <deque>
#include <optional>
#include <ostream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "support/runtime_fixture.hpp"

namespace weft::test::state_machine_test {
namespace {

using Trace = std::vector<std::string>;

/// The next step of the source: makes one wait, gives text, or fails.
struct Step {
  enum What { waits, gives, fails } what;
  std::string text;
};
const Step wait{Step::waits, {}};
Step give(std::string text) { return {Step::gives, std::move(text)}; }
Step fail_with(std::string text) { return {Step::fails, std::move(text)}; }

/// Plays a script. Each question and answer is an event of the trace.
class Source {
 public:
  Source(std::deque<Step> script, Trace& trace) : script_(std::move(script)), trace_(trace) {}

  Poll<std::string> ask(const std::string& what, Context& cx) {
    trace_.push_back(what + "?");
    if (script_.empty()) throw std::runtime_error("script is over");
    Step step = std::move(script_.front());
    script_.pop_front();
    switch (step.what) {
      case Step::waits:
        trace_.push_back("pending");
        cx.waker().wake_by_ref();
        return Pending();
      case Step::fails:
        trace_.push_back("fails");
        throw std::runtime_error(step.text);
      case Step::gives:
        break;
    }
    trace_.push_back("ready " + step.text);
    return std::move(step.text);
  }
  auto answer(std::string what) {
    return futures::poll_fn(
        [this, asked = std::move(what)](Context& cx) { return ask(asked, cx); });
  }

 private:
  std::deque<Step> script_;
  Trace& trace_;
};

/// By hand: each state is where the coroutine below is suspended.
class Machine {
 public:
  explicit Machine(Source& source) noexcept : source_(source) {}

  Poll<std::string> poll(Context& cx) {
    for (;;) {
      switch (state_) {
        case State::connecting: {
          auto peer = source_.ask("connect", cx);
          if (peer.is_pending()) return Pending();
          request_ = "hello " + peer.take();
          state_ = State::writing;
          break;
        }
        case State::writing: {
          auto written = source_.ask("write " + request_, cx);
          if (written.is_pending()) return Pending();
          request_.erase(0, written.take().size());
          if (request_.empty()) state_ = State::reading;
          break;
        }
        case State::reading: {
          auto part = source_.ask("read", cx);
          if (part.is_pending()) return Pending();
          answer_ += part.take();
          if (answer_.ends_with('.')) return std::move(answer_);
          break;
        }
      }
    }
  }

 private:
  enum class State { connecting, writing, reading };
  Source& source_;
  State state_ = State::connecting;
  std::string request_;
  std::string answer_;
};

/// The same, by the compiler.
Task<std::string> coroutine(Source& source) {
  std::string request = co_await source.answer("connect");
  request = "hello " + request;
  while (!request.empty()) {
    const std::string written = co_await source.answer("write " + request);
    request.erase(0, written.size());
  }
  std::string answer;
  while (!answer.ends_with('.')) {
    const std::string part = co_await source.answer("read");
    answer += part;
  }
  co_return answer;
}

struct Case {
  const char* name;
  std::deque<Step> script;
  std::string outcome;
  std::size_t events;
};
std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"never waits", {give("you"), give("hello you"), give("ok.")}, "ok.", 7},
      {"waits once everywhere",
       {wait, give("you"), wait, give("hello you"), wait, give("ok.")},
       "ok.",
       13},
      {"waits again and again", {wait, wait, wait, give("x"), give("hello x"), give(".")}, ".", 13},
      {"parts",
       {give("x"), give("hel"), wait, give("lo x"), give("o"), wait, give("k.")},
       "ok.",
       15},
      {"cannot connect", {wait, fail_with("refused")}, "refused", 5},
      {"fails while writing", {give("x"), give("he"), fail_with("reset")}, "reset", 7},
      {"fails while reading", {give("x"), give("hello x"), wait, fail_with("eof")}, "eof", 9},
  };
  return all;
}

class StateMachineTest : public RuntimeTest {
 protected:
  /// Runs `work(source)` and returns the trace, with its end as the last event.
  template <class Work>
  Trace trace_of(const Case& c, Work work) {
    Trace trace;
    Source source(c.script, trace);
    std::string end;
    try {
      end = run([&] { return work(source); });
    } catch (const std::runtime_error& error) {
      end = error.what();
    }
    trace.push_back(end);
    return trace;
  }
};
WEFT_ON_ALL_RUNTIMES(StateMachineTest);

TEST_P(StateMachineTest, ByHandAndByTheCompilerDoTheSameStepByStep) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(::testing::Message() << c);
    const Trace by_hand = trace_of(c, [](Source& source) { return Machine(source); });
    const Trace by_compiler = trace_of(c, [](Source& source) { return coroutine(source); });
    EXPECT_EQ(by_hand, by_compiler);
    ASSERT_FALSE(by_hand.empty());
    EXPECT_EQ(by_hand.back(), c.outcome);
    EXPECT_EQ(by_hand.size(), c.events);
  }
}

}  // namespace
}  // namespace weft::test::state_machine_test
