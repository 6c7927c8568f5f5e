// Timers with callbacks: a line on which something is to be heard every 30 seconds, or it is given
// up. In virtual time, so the program takes no time.
#include <chrono>
#include <cstdio>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

namespace {

/// Prints what happens, and how many seconds after the beginning.
class Diary {
 public:
  void note(const char* what) const {
    const auto since = std::chrono::duration_cast<std::chrono::seconds>(weft::now() - start_);
    std::printf("%3d s  %s\n", static_cast<int>(since.count()), what);
  }

 private:
  weft::TimePoint start_ = weft::now();
};

// [line]
class Line {
 public:
  explicit Line(Diary& diary) : diary_(diary) { beat_.arm_every(20s); }

  void heard() {
    diary_.note("heard");
    idle_.arm_after(30s);  // armed or not: from now on this deadline counts
  }
  auto given_up() { return silent_.wait(); }

 private:
  void give_up() {
    diary_.note("silent for too long");
    beat_.disarm();
    silent_.notify_one();
  }

  Diary& diary_;
  weft::Notify silent_;
  weft::Timer idle_{[this] { give_up(); }};
  weft::Timer beat_{[this] { diary_.note("beat"); }};
};
// [/line]

weft::Task<void> listen() {
  Diary diary;
  Line line(diary);
  line.heard();
  co_await weft::sleep_for(10s);
  line.heard();
  co_await weft::sleep_for(25s);
  line.heard();
  co_await line.given_up();
}

}  // namespace

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;
  weft::Runtime runtime(options);
  runtime.block_on(listen());
}
