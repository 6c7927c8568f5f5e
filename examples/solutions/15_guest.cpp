// Solution to exercise 3 of chapter 15: a weft task awaits a task of the reader's runtime, which
// runs on a thread of its own.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

#include "../guide/delay_server.hpp"
#include "../guide/last_runtime.hpp"
#include "../guide/planets.hpp"

using std::chrono::milliseconds;

// [guest]
/// What the two threads share. It goes with the last of them that refers to it.
class Shared {
 public:
  weft::Poll<std::string> poll(weft::Context& cx) {
    const std::lock_guard lock(mutex_);
    if (ready_) return std::move(answer_);
    waker_ = cx.waker();  // the note and the look are under one lock
    return weft::Pending();
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

  void forget() {
    weft::Waker waker;  // is dropped outside of the lock
    const std::lock_guard lock(mutex_);
    waker = std::move(waker_);
  }

 private:
  std::mutex mutex_;
  bool ready_ = false;  // this and the next two: guarded by the mutex
  std::string answer_;
  weft::Waker waker_;
};

/// The answer, as a future of weft's. To drop it is not to wait for the other thread.
class Answer {
 public:
  explicit Answer(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
  Answer(Answer&&) noexcept = default;
  Answer& operator=(Answer&&) = delete;
  ~Answer() {
    if (shared_ != nullptr) shared_->forget();
  }
  weft::Poll<std::string> poll(weft::Context& cx) { return shared_->poll(cx); }

 private:
  std::shared_ptr<Shared> shared_;
};

/// Asks on the reader's runtime, each question on a thread of its own. Its destructor waits for
/// these threads, so it must not be a local variable of a task.
class Guest {
 public:
  explicit Guest(std::uint16_t server) : server_(server) {}

  /// One thread at a time.
  Answer answer_to(Question question) {
    auto shared = std::make_shared<Shared>();
    threads_.emplace_back([server = server_, question, shared] {
      own::Runtime runtime;
      shared->give(runtime.run(ask(runtime, server, question)));
    });
    return Answer(std::move(shared));
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

  std::uint16_t server_;
  std::vector<std::jthread> threads_;
};
// [/guest]

// [host]
weft::Task<void> host(Guest& guest) {
  Answer earth = guest.answer_to(questions.at(2));
  Answer venus = guest.answer_to(questions.at(1));
  const std::string moons = co_await earth;
  std::printf("Earth: %s\n", moons.c_str());
  const std::string no_moons = co_await venus;
  std::printf("Venus: %s\n", no_moons.c_str());
}

/// Is cancelled while the question to a slow planet is under way.
weft::Task<void> impatient(Guest& guest) {
  Answer mars = guest.answer_to({"Mars", 1500, "two"});
  const std::string moons = co_await mars;
  std::printf("Mars: %s\n", moons.c_str());
}

weft::Task<void> cancel_one(Guest& guest) {
  const auto start = weft::now();
  const auto end = co_await weft::attempt(weft::timeout(impatient(guest), milliseconds(20)));
  const bool at_once = weft::now() - start < milliseconds(1'000);
  std::printf("Mars: %s; the worker %s\n", end ? "answered" : "cancelled",
              at_once ? "was free at once" : "was blocked");
}
// [/host]

// [main]
int main() {
  const DelayServer server;
  Guest guest(server.port());  // here its threads may be waited for: this one is no worker then
  weft::block_on(host(guest));
  weft::block_on(cancel_one(guest));
}
// [/main]
