// The ring of spsc_ring.hpp under the model checker: in all interleavings, and with what a weak
// memory shows. With an argument, one of three bugs: "broken" has an order that is too weak,
// "hasty" two steps in the wrong order, and "lost" two steps where there should be one. A second
// argument is the number of steps after which an execution is taken for one without an end.
//
// Built with weft::model instead of weft::weft: see CMakeLists.txt.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <weft/model.hpp>

#include "spsc_ring.hpp"

namespace model = weft::model;

namespace {

// [body]
template <class Ring>
void one_producer_one_consumer(model::Execution& execution) {
  Ring ring;
  execution.thread([&] {
    for (int next = 1; next <= 3;) {
      if (ring.push(next)) {
        ++next;
      } else {
        weft::spin_hint();  // "let the others go on": there is nothing to do until they have
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
// [/body]

// [hasty]
/// Frees the place, and then takes the value out.
template <class T, std::size_t Capacity>
class HastyRing : public SpscRing<T, Capacity> {
 public:
  std::optional<T> pop() {
    const std::size_t head = this->head_.load(std::memory_order_relaxed);
    if (head == this->tail_.load(std::memory_order_acquire)) return std::nullopt;
    this->head_.store(head + 1, std::memory_order_release);
    return std::move(this->slots_[head % Capacity].write());
  }
};
// [/hasty]

// [lost]
struct Node {
  Node* next = nullptr;
};

/// Any number of producers. To push a node is two steps: another push may come in between.
class Heap {
 public:
  Heap() { model::name(top_, "top"); }
  void push(Node& node) {
    node.next = top_.load(std::memory_order_relaxed);
    top_.store(&node, std::memory_order_release);
  }
  Node* take_all() { return top_.exchange(nullptr, std::memory_order_acq_rel); }

 private:
  weft::Atomic<Node*> top_{nullptr};
};

void two_producers(model::Execution& execution) {
  Heap heap;
  Node first;
  Node second;
  execution.thread([&] { heap.push(first); });
  execution.thread([&] { heap.push(second); });
  execution.thread([&] {
    for (int taken = 0; taken < 2;) {
      const Node* node = heap.take_all();
      if (node == nullptr) weft::spin_hint();
      for (; node != nullptr; node = node->next) ++taken;
    }
  });
  execution.join_all();
}
// [/lost]

// [explore]
model::Report check(void (*body)(model::Execution&), std::uint32_t max_steps) {
  return model::explore({.strategy = model::Strategy::kBounded,
                         .iterations = 1'000'000,
                         .max_steps = max_steps,
                         .preemption_bound = 2,
                         .memory = model::Memory::kWeak,
                         .stale_bound = 2},
                        body);
}
// [/explore]

}  // namespace

int main(int argc, char** argv) {
  const std::string_view bug = argc > 1 ? argv[1] : "none";
  void (*body)(model::Execution&) = one_producer_one_consumer<SpscRing<int, 2>>;
  if (bug == "broken")
    body = one_producer_one_consumer<SpscRing<int, 2, std::memory_order_relaxed>>;
  if (bug == "hasty") body = one_producer_one_consumer<HastyRing<int, 2>>;
  if (bug == "lost") body = two_producers;
  const int max_steps = argc > 2 ? std::atoi(argv[2]) : 20'000;
  const model::Report report = check(body, static_cast<std::uint32_t>(max_steps));
  const bool as_expected = report.failed == (bug != "none");
  if (report.failed) {
    std::printf("%s", report.text.c_str());
  } else {
    std::printf("holds: %llu executions, %s\n", static_cast<unsigned long long>(report.executions),
                report.exhausted ? "all there are within the bounds" : "stopped at the limit");
  }
  return as_expected ? 0 : 1;
}
