// Exercise 1 of chapter 14: the ring of the chapter with each of its four orders made too weak in
// turn, and what the checker says of it.
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdio>
#include <optional>
#include <string>
#include <weft/model.hpp>

namespace model = weft::model;

namespace {

// [ring]
struct Orders {
  std::memory_order see_free = std::memory_order_acquire;   // push loads head
  std::memory_order publish = std::memory_order_release;    // push stores tail
  std::memory_order see_value = std::memory_order_acquire;  // pop loads tail
  std::memory_order give_free = std::memory_order_release;  // pop stores head
};

template <Orders order>
class Ring {
 public:
  bool push(int value) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - head_.load(order.see_free) == 2) return false;
    slots_[tail % 2].write() = value;
    tail_.store(tail + 1, order.publish);
    return true;
  }
  std::optional<int> pop() {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(order.see_value)) return std::nullopt;
    const int value = slots_[head % 2].read();
    head_.store(head + 1, order.give_free);
    return value;
  }

 private:
  std::array<model::Shared<int>, 2> slots_;
  weft::Atomic<std::size_t> head_{0};
  weft::Atomic<std::size_t> tail_{0};
};
// [/ring]

template <Orders order>
void push_and_pop(model::Execution& execution) {
  Ring<order> ring;
  execution.thread([&] {
    for (int next = 1; next <= 3;) {
      if (ring.push(next)) {
        ++next;
      } else {
        weft::spin_hint();
      }
    }
  });
  execution.thread([&] {
    for (int next = 1; next <= 3;) {
      if (const std::optional<int> value = ring.pop()) {
        model::require(*value == next, "what was pushed first comes out first");
        ++next;
      } else {
        weft::spin_hint();
      }
    }
  });
  execution.join_all();
}

// [table]
template <Orders order>
void try_it(const char* title) {
  model::Options options;
  options.strategy = model::Strategy::kBounded;
  options.iterations = 1'000'000;
  options.memory = model::Memory::kWeak;
  const model::Report report = model::explore(options, push_and_pop<order>);
  if (!report.failed) {
    std::printf("%s: holds\n", title);
    return;
  }
  const std::string race = report.text.substr(0, report.text.find(", and neither"));
  const std::size_t fails = report.text.find("fails at: ");
  const std::string second = report.text.substr(fails, report.text.find('\n', fails) - fails);
  std::printf("%s:\n  %s\n  %s\n", title, race.c_str(), second.c_str());
}

void print_table() {
  constexpr auto relaxed = std::memory_order_relaxed;
  try_it<Orders{}>("as in the chapter");
  try_it<Orders{.see_free = relaxed}>("push loads head relaxed");
  try_it<Orders{.publish = relaxed}>("push stores tail relaxed");
  try_it<Orders{.see_value = relaxed}>("pop loads tail relaxed");
  try_it<Orders{.give_free = relaxed}>("pop stores head relaxed");
}
// [/table]

}  // namespace

int main() { print_table(); }
