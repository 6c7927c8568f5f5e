// Exercise 3 of chapter 14: a consumer that goes to sleep, and a producer that wakes it only if it
// sleeps. With release and acquire a wake-up can be lost; with seq_cst it cannot. The argument
// "lost" checks the first one.
#include <atomic>
#include <cstdio>
#include <string_view>
#include <weft/model.hpp>

namespace model = weft::model;

namespace {

// [sleeper]
/// `Store` and `Load` are the orders of the four operations that matter.
template <std::memory_order Store, std::memory_order Load>
class Mailbox {
 public:
  Mailbox() {
    model::name(letters_, "letters");
    model::name(sleeping_, "sleeping");
  }

  void put() {
    letters_.store(1, Store);
    if (sleeping_.load(Load)) sleeping_.store(false, std::memory_order_release);  // the wake-up
  }

  void wait_for_letter() {
    if (letters_.load(std::memory_order_acquire) == 1) return;
    sleeping_.store(true, Store);
    if (letters_.load(Load) == 1) return;  // looks again, now that it is known to sleep
    while (sleeping_.load(std::memory_order_acquire)) weft::spin_hint();  // sleeps
  }

 private:
  weft::Atomic<int> letters_{0};
  weft::Atomic<bool> sleeping_{false};
};
// [/sleeper]

template <class Box>
void put_and_wait(model::Execution& execution) {
  Box box;
  execution.thread([&] { box.put(); });
  execution.thread([&] { box.wait_for_letter(); });
  execution.join_all();
}

}  // namespace

int main(int argc, char** argv) {
  const bool lost = argc > 1 && std::string_view(argv[1]) == "lost";
  using Weak = Mailbox<std::memory_order_release, std::memory_order_acquire>;
  using Strong = Mailbox<std::memory_order_seq_cst, std::memory_order_seq_cst>;
  model::Options options;
  options.strategy = model::Strategy::kBounded;
  options.iterations = 1'000'000;
  options.max_steps = 20;
  options.memory = model::Memory::kWeak;
  const model::Report report =
      model::explore(options, lost ? put_and_wait<Weak> : put_and_wait<Strong>);
  if (report.failed) {
    std::printf("%s", report.text.c_str());
  } else {
    std::printf("holds: %llu executions, %s\n", static_cast<unsigned long long>(report.executions),
                report.exhausted ? "all there are within the bounds" : "stopped at the limit");
  }
  return report.failed == lost ? 0 : 1;
}
