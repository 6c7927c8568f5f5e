// A program that has a loop of its own, here one of poll(2), and gives work to a weft runtime
// beside it. What comes back wakes the loop by a handle.
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

using std::chrono::milliseconds;

// [mailbox]
/// Results on their way from weft's threads to the loop's.
class Mailbox {
 public:
  Mailbox() : handle_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~Mailbox() { close(handle_); }
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  /// Any thread: first the letter, then the bell.
  void post(std::string letter) {
    {
      const std::lock_guard lock(mutex_);
      letters_.push_back(std::move(letter));
    }
    const std::uint64_t one = 1;
    static_cast<void>(write(handle_, &one, sizeof one));
  }

  /// The loop's thread.
  std::vector<std::string> take_all() {
    std::uint64_t rings = 0;
    static_cast<void>(read(handle_, &rings, sizeof rings));
    const std::lock_guard lock(mutex_);
    return std::exchange(letters_, {});
  }

  /// Readable when there are letters: for the loop to watch.
  [[nodiscard]] int handle() const { return handle_; }

 private:
  int handle_;
  std::mutex mutex_;
  std::vector<std::string> letters_;  // guarded by mutex_
};
// [/mailbox]

// [work]
weft::Task<void> fetch(Mailbox& results, std::string what, milliseconds takes) {
  co_await weft::sleep_for(takes);  // stands for a conversation with some server
  results.post(what + " has come");
}
// [/work]

int main() {
  // [loop]
  Mailbox results;
  weft::Runtime runtime;  // with threads of its own
  runtime.spawn(fetch, std::ref(results), std::string("the first"), milliseconds(30)).detach();
  runtime.spawn(fetch, std::ref(results), std::string("the second"), milliseconds(180)).detach();

  int turns_without_news = 0;
  for (int unfinished = 2; unfinished > 0;) {
    pollfd watched{.fd = results.handle(), .events = POLLIN, .revents = 0};
    if (poll(&watched, 1, 50) == 0) {
      ++turns_without_news;  // 50 ms: it would do here what it is for, say, draw a frame
      continue;
    }
    for (const std::string& letter : results.take_all()) {
      std::printf("loop: %s\n", letter.c_str());
      --unfinished;
    }
  }
  // [/loop]
  std::printf("loop: %d turns without news\n", turns_without_news);
}
