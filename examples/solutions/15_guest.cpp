// Solution to exercise 3 of chapter 15: a weft task awaits a task of the reader's runtime, which
// runs on a thread of its own.
#include <cstdint>
#include <cstdio>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <weft/weft.hpp>

#include "../guide/delay_server.hpp"
#include "../guide/last_runtime.hpp"
#include "../guide/planets.hpp"

// [guest]
/// The question on the reader's runtime, as a thread; its answer as a future of weft's.
class Guest {
 public:
  Guest(std::uint16_t server, Question question)
      : thread_([this, server, question] {
          own::Runtime runtime;
          give(runtime.run(ask(runtime, server, question)));
        }) {}

  weft::Poll<std::string> poll(weft::Context& cx) {
    const std::lock_guard lock(mutex_);
    if (ready_) return std::move(answer_);
    waker_ = cx.waker();  // the note and the look are under one lock
    return weft::Pending();
  }

 private:
  static own::Task<std::string> ask(own::Runtime& runtime, std::uint16_t server,
                                    Question question) {
    own::Socket socket(runtime, begin_connect(server));
    co_await socket.connected();
    const std::string request = delay_request(question.delay_ms, question.moons);
    co_await socket.write_all(request);
    const std::string reply = co_await socket.read_to_end();
    co_return body_of(reply);
  }

  void give(std::string answer) {
    weft::Waker waker;
    {
      const std::lock_guard lock(mutex_);
      answer_ = std::move(answer);
      ready_ = true;
      waker = std::move(waker_);
    }
    std::move(waker).wake();
  }

  std::mutex mutex_;
  bool ready_ = false;  // this and the next two: guarded by the mutex
  std::string answer_;
  weft::Waker waker_;
  std::jthread thread_;  // last: the others are there before it starts, and until it has ended
};
// [/guest]

// [host]
class Answer {
 public:
  explicit Answer(Guest& guest) : guest_(guest) {}
  weft::Poll<std::string> poll(weft::Context& cx) { return guest_.poll(cx); }

 private:
  Guest& guest_;
};

weft::Task<void> host(std::uint16_t server) {
  Guest earth(server, questions.at(2));
  Guest venus(server, questions.at(1));
  const std::string moons = co_await Answer(earth);
  std::printf("Earth: %s\n", moons.c_str());
  const std::string no_moons = co_await Answer(venus);
  std::printf("Venus: %s\n", no_moons.c_str());
}
// [/host]

int main() {
  const DelayServer server;
  weft::block_on(host(server.port()));
}
