// A scope ends when all its children have; the first failure cancels the others.
#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <weft/weft.hpp>

using std::chrono::milliseconds;

// [worker]
/// Prints when it is destroyed, on every path.
class Presence {
 public:
  explicit Presence(std::string name) : name_(std::move(name)) {
    std::printf("  %s: came\n", name_.c_str());
  }
  ~Presence() { std::printf("  %s: went, %s\n", name_.c_str(), finished_ ? "done" : "undone"); }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;
  void finish() { finished_ = true; }

 private:
  std::string name_;
  bool finished_ = false;
};

weft::Task<void> work(std::string name, milliseconds duration, bool succeeds) {
  Presence presence(name);
  co_await weft::sleep_for(duration);
  if (!succeeds) throw std::runtime_error(name + " has failed");
  presence.finish();
}
// [/worker]

// [scope]
weft::Task<void> work_together(bool second_succeeds) {
  try {
    co_await weft::scope([&](weft::Scope& scope) -> weft::Task<void> {
      scope.spawn(work, "first", milliseconds(20), true);
      scope.spawn(work, "second", milliseconds(40), second_succeeds);
      scope.spawn(work, "third", milliseconds(60), true);
      std::puts("  the body has nothing more to do");
      co_return;
    });
    std::puts("the scope has ended: all are done");
  } catch (const std::runtime_error& error) {
    std::printf("the scope has ended: %s\n", error.what());
  }
}
// [/scope]

int main() {
  std::puts("all succeed:");
  weft::block_on(work_together(true));
  std::puts("the second one fails:");
  weft::block_on(work_together(false));
}
