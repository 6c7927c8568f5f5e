// A list for many producers and one consumer, built in steps and checked at each: with an argument
// "two-steps" (a node is lost), "unpublished" and "unacquired" (an order is too weak), and without
// one as it is right. A second argument is the number of steps after which an execution is taken
// for one without an end.
//
// Built with weft::model instead of weft::weft: see CMakeLists.txt.
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>
#include <weft/model.hpp>

namespace model = weft::model;

// [node]
struct Node {
  Node() {
    model::name(value, "value");
    model::name(next, "next");
  }
  model::Shared<int> value = 0;
  model::Shared<Node*> next = nullptr;
};
// [/node]

// [inbox]
/// Any number of threads push; one takes. The orders are parameters so that they can be wrong.
template <std::memory_order Publish = std::memory_order_release,
          std::memory_order Take = std::memory_order_acquire>
class Inbox {
 public:
  Inbox() { model::name(top_, "top"); }

  void push(Node& node) {
    Node* top = top_.load(std::memory_order_relaxed);  // it is not followed, only compared
    do {
      node.next.write() = top;
    } while (!top_.compare_exchange_weak(top, &node, Publish, std::memory_order_relaxed));
  }

  /// Returns all nodes, in the order in which they were pushed; null if there is none.
  Node* take_all() {
    Node* newest = top_.exchange(nullptr, Take);
    Node* oldest = nullptr;
    while (newest != nullptr) {  // turns the list round
      Node* const older = std::exchange(newest->next.write(), oldest);
      oldest = std::exchange(newest, older);
    }
    return oldest;
  }

 protected:
  weft::Atomic<Node*> top_{nullptr};
};
// [/inbox]

// [two]
class TwoStepInbox : public Inbox<> {
 public:
  void push(Node& node) {
    node.next.write() = top_.load(std::memory_order_acquire);
    top_.store(&node, std::memory_order_release);
  }
};
// [/two]

// [body]
template <class List>
void two_producers(model::Execution& execution) {
  List list;
  std::array<Node, 3> nodes;
  const auto push = [&list](Node& node, int value) {
    node.value.write() = value;
    list.push(node);
  };
  execution.thread([&] {
    push(nodes[0], 11);
    push(nodes[1], 12);
  });
  execution.thread([&] { push(nodes[2], 21); });
  execution.thread([&] {
    int of_first = 10;  // the last that has come from this producer
    int of_second = 20;
    for (int taken = 0; taken < 3;) {
      const Node* node = list.take_all();
      if (node == nullptr) weft::spin_hint();
      for (; node != nullptr; node = node->next.read()) {
        const int value = node->value.read();
        int& before = value < 20 ? of_first : of_second;
        model::require(value == ++before, "each once, in its producer's order");
        ++taken;
      }
    }
  });
  execution.join_all();
  model::require(list.take_all() == nullptr, "nothing is left");
}
// [/body]

// [main]
int main(int argc, char** argv) {
  const std::string_view bug = argc > 1 ? argv[1] : "none";
  constexpr auto relaxed = std::memory_order_relaxed;
  void (*body)(model::Execution&) = two_producers<Inbox<>>;
  if (bug == "two-steps") body = two_producers<TwoStepInbox>;
  if (bug == "unpublished") body = two_producers<Inbox<relaxed>>;
  if (bug == "unacquired") body = two_producers<Inbox<std::memory_order_release, relaxed>>;

  model::Options options;
  options.strategy = model::Strategy::kBounded;
  options.iterations = 1'000'000;
  options.memory = model::Memory::kWeak;
  if (argc > 2) options.max_steps = static_cast<std::uint32_t>(std::atoi(argv[2]));
  const model::Report report = model::explore(options, body);
  if (report.failed) {
    std::printf("%s", report.text.c_str());
  } else {
    std::printf("holds: %llu executions, %s\n", static_cast<unsigned long long>(report.executions),
                report.exhausted ? "all there are within the bounds" : "stopped at the limit");
  }
  return report.failed == (bug != "none") ? 0 : 1;
}
// [/main]
