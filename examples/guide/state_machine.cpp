// The same small conversation twice: as a state machine written by hand, and as a coroutine. Both
// must take the same steps.
#include <cstdio>
#include <string>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

// [channel]
/// A server that answers a question at the second time of asking, and keeps a record.
class Server {
 public:
  weft::Poll<std::string> ask(const std::string& question, weft::Context& cx) {
    if (std::exchange(asked_, question) != question) {
      record_.push_back(question + " -");
      cx.waker().wake_by_ref();  // it will know by then
      return weft::Pending();
    }
    record_.push_back(question + " ok");
    return question == "name?" ? std::string("Ada") : "36";
  }
  [[nodiscard]] const std::vector<std::string>& record() const { return record_; }

 private:
  std::string asked_;
  std::vector<std::string> record_;
};
// [/channel]

// [machine]
/// By hand: an enumerator for each place where it can stop, a member for each local variable.
class Interview {
 public:
  explicit Interview(Server& server) : server_(server) {}

  weft::Poll<std::string> poll(weft::Context& cx) {
    for (;;) {
      switch (state_) {
        case State::asking_name: {
          weft::Poll<std::string> answer = server_.ask("name?", cx);
          if (answer.is_pending()) return weft::Pending();
          name_ = answer.take();
          state_ = State::asking_age;
          break;
        }
        case State::asking_age: {
          weft::Poll<std::string> answer = server_.ask("age?", cx);
          if (answer.is_pending()) return weft::Pending();
          return name_ + " is " + answer.take();
        }
      }
    }
  }

 private:
  enum class State { asking_name, asking_age };

  Server& server_;
  State state_ = State::asking_name;
  std::string name_;
};
// [/machine]

// [coroutine]
weft::Task<std::string> interview(Server& server) {
  const auto ask = [&server](std::string question) {
    return weft::futures::poll_fn(
        [&server, question](weft::Context& cx) { return server.ask(question, cx); });
  };
  auto asking_name = ask("name?");
  const std::string name = co_await asking_name;
  auto asking_age = ask("age?");
  const std::string age = co_await asking_age;
  co_return name + " is " + age;
}
// [/coroutine]

void show(const char* how, const std::string& result, const Server& server) {
  std::printf("%-12s %s;", how, result.c_str());
  for (const std::string& step : server.record()) std::printf("  %s", step.c_str());
  std::printf("\n");
}

int main() {
  // [both]
  Server first;
  show("by hand:", weft::block_on(Interview(first)), first);
  Server second;
  show("coroutine:", weft::block_on(interview(second)), second);
  // [/both]
}
