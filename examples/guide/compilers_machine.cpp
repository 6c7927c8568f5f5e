// A coroutine, and the machine that the compiler makes of it, written out by hand. Both hold the
// same conversation with a delay server, and must take the same steps.
#include <array>
#include <coroutine>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "delay_peer.hpp"
#include "own_task.hpp"
#include "poll_loop.hpp"

// [peer]
/// A connection to the server, which keeps a record of what is asked of it.
class Peer {
 public:
  Peer(PollLoop& loop, std::uint16_t port) : loop_(loop), fd_(connect_to(port)) {}
  ~Peer() { close(fd_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void ask(const char* text) {
    record(std::string("asks for ") + text);
    const std::string request = delay_request(30, text);
    checked(static_cast<int>(send(fd_, request.data(), request.size(), MSG_NOSIGNAL)), "send");
  }

  /// The loop's awaiter, which here says what the compiler calls.
  class Readable {
   public:
    explicit Readable(Peer& peer) : peer_(&peer), inner_(peer.loop_.readable(peer.fd_)) {}
    [[nodiscard]] bool await_ready() const {
      peer_->record("await_ready");
      return inner_.await_ready();
    }
    void await_suspend(std::coroutine_handle<> waiting) {
      peer_->record("await_suspend");
      inner_.await_suspend(waiting);
    }
    void await_resume() const { peer_->record("await_resume"); }

   private:
    Peer* peer_;
    PollLoop::Readable inner_;
  };
  [[nodiscard]] Readable readable() { return Readable(*this); }

  /// Reads the answer, which has come.
  std::string answer() {
    std::optional<std::string> text;
    while (!(text = take_answer(received_))) {
      receive_more(fd_, received_);
    }
    record("hears " + *text);
    return *text;
  }

  void record(std::string step) { steps_.push_back(std::move(step)); }
  [[nodiscard]] const std::vector<std::string>& steps() const { return steps_; }

 private:
  PollLoop& loop_;
  int fd_;
  std::string received_;
  std::vector<std::string> steps_;
};
// [/peer]

// [visit]
/// A local variable with a destructor, which is recorded, too.
class Visit {
 public:
  explicit Visit(Peer& peer) : peer_(&peer) { peer_->record("visit begins"); }
  ~Visit() { peer_->record("visit ends"); }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;

 private:
  Peer* peer_;
};
// [/visit]

constexpr std::array<const char*, 2> questions{"warp", "weft"};

// [coroutine]
OwnTask<std::string> converse(Peer& peer) {
  const Visit visit(peer);   // a local variable …
  std::string heard;         // … another …
  std::size_t number = 0;    // … and a third
  std::string& end = heard;  // a reference into the frame
  while (number < 2) {
    peer.ask(questions[number]);
    co_await peer.readable();  // the only stop
    end += peer.answer();
    ++number;
  }
  co_return heard;
}
// [/coroutine]

// [frame]
/// What the compiler makes of converse(): the frame …
class ConverseFrame {
 public:
  explicit ConverseFrame(Peer& peer) : peer_(peer) {}
  ConverseFrame(const ConverseFrame&) = delete;
  ConverseFrame& operator=(const ConverseFrame&) = delete;

  std::coroutine_handle<> handle() { return std::coroutine_handle<>::from_address(this); }
  [[nodiscard]] const std::string& result() const { return result_; }

 private:
  static void resume(void* frame) { static_cast<ConverseFrame*>(frame)->go_on(); }
  static void destroy(void* frame) { delete static_cast<ConverseFrame*>(frame); }
  void go_on();

  void (*resume_)(void*) = &resume;  // the handle's resume() calls this; null at the end
  [[maybe_unused]] void (*destroy_)(void*) = &destroy;  // … and destroy() this
  std::string result_;                                  // the promise
  int point_ = 0;                                       // where to go on
  Peer& peer_;                                          // the parameter: a reference stays one
  std::optional<Visit> visit_;                          // the locals, each from its line on
  std::optional<std::string> heard_;
  std::size_t number_ = 0;
  std::string* end_ = nullptr;            // a reference is a pointer, here into this very object
  std::optional<Peer::Readable> waited_;  // the awaiter of the co_await in which it stands
};
// [/frame]

// [go_on]
/// … and the function that continues it: the body, with a label behind each co_await.
void ConverseFrame::go_on() {
  switch (point_) {
    case 0:  // the beginning
      visit_.emplace(peer_);
      heard_.emplace();
      end_ = &*heard_;
      while (number_ < 2) {
        peer_.ask(questions[number_]);
        waited_.emplace(peer_.readable());
        if (!waited_->await_ready()) {
          point_ = 1;
          waited_->await_suspend(handle());
          return;  // to whatever called resume()
          case 1:;
        }
        waited_->await_resume();
        waited_.reset();
        *end_ += peer_.answer();
        ++number_;
      }
  }
  result_ = std::move(*heard_);  // co_return: promise.return_value,
  heard_.reset();                // then the locals, the last one first,
  visit_.reset();
  resume_ = nullptr;  // and final_suspend: done() is true from now on
}
// [/go_on]

int main(int argc, char** argv) {
  const DelayServer server(port_given(argc, argv));
  PollLoop loop;

  // [run]
  Peer first(loop, server.port());
  const OwnTask<std::string> task = converse(first);
  task.start();
  loop.run();

  Peer second(loop, server.port());
  auto* const frame = new ConverseFrame(second);
  const std::coroutine_handle<> handle = frame->handle();
  handle.resume();
  loop.run();
  // [/run]

  std::printf("%-18s by hand\n", "the compiler's");
  for (std::size_t i = 0; i < first.steps().size() && i < second.steps().size(); ++i) {
    std::printf("%-18s %s\n", first.steps()[i].c_str(), second.steps()[i].c_str());
  }
  std::printf("done: %s, %s\n", task.done() ? "yes" : "no", handle.done() ? "yes" : "no");
  std::printf("equal traces: %s, equal results: %s\n",
              first.steps() == second.steps() ? "yes" : "no",
              task.result() == frame->result() ? "yes" : "no");
  handle.destroy();
}
