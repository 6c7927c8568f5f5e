// Exercise 2 of chapter 14: a stack from which several threads take one node at a time. With plain
// indices it hands a node to two threads (ABA); with a count beside the index it does not. The
// argument "aba" checks the first one.
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <weft/model.hpp>

namespace model = weft::model;

namespace {

constexpr std::uint64_t none = 0xff;

// [stack]
/// Nodes are indices. `Step` is added to the word at each change: 0, or 1 in a count above the
/// index.
template <std::uint64_t Step>
class FreeList {
 public:
  FreeList() {
    model::name(top_, "top");
    model::name(next_[0], "next of 0");
    model::name(next_[1], "next of 1");
  }

  void push(std::uint64_t node) {
    std::uint64_t top = top_.load(std::memory_order_relaxed);
    std::uint64_t next_top = 0;
    do {
      next_[node].store(index_of(top), std::memory_order_relaxed);
      next_top = (count_of(top) + Step) | node;
    } while (!top_.compare_exchange_weak(top, next_top, std::memory_order_release,
                                         std::memory_order_relaxed));
  }

  /// Returns `none` if there is no node.
  std::uint64_t pop() {
    std::uint64_t top = top_.load(std::memory_order_acquire);
    while (index_of(top) != none) {
      // The node may have been taken meanwhile, so this may be no longer true: an Atomic.
      const std::uint64_t next = next_[index_of(top)].load(std::memory_order_relaxed);
      const std::uint64_t next_top = (count_of(top) + Step) | next;
      if (top_.compare_exchange_weak(top, next_top, std::memory_order_acquire,
                                     std::memory_order_acquire)) {
        break;
      }
    }
    return index_of(top);
  }

 private:
  static std::uint64_t index_of(std::uint64_t word) { return word & 0xff; }
  static std::uint64_t count_of(std::uint64_t word) { return word & ~std::uint64_t{0xff}; }

  weft::Atomic<std::uint64_t> top_{none};
  std::array<weft::Atomic<std::uint64_t>, 2> next_{};
};
// [/stack]

// [body]
template <class List>
void take_and_give_back(model::Execution& execution) {
  List list;
  list.push(1);
  list.push(0);
  std::array<int, 2> owners{};
  const auto take = [&] {
    const std::uint64_t node = list.pop();
    if (node == none) return none;
    model::require(++owners[node] == 1, "a node has one owner");
    return node;
  };
  execution.thread([&] {
    take();
    take();
  });
  execution.thread([&] {
    const std::uint64_t first = take();
    take();  // and keeps it
    if (first == none) return;
    --owners[first];
    list.push(first);
  });
  execution.join_all();
}
// [/body]

}  // namespace

int main(int argc, char** argv) {
  const bool aba = argc > 1 && std::string_view(argv[1]) == "aba";
  model::Options options;
  options.strategy = model::Strategy::kBounded;
  options.iterations = 1'000'000;
  options.memory = model::Memory::kWeak;
  const model::Report report = model::explore(
      options, aba ? take_and_give_back<FreeList<0>> : take_and_give_back<FreeList<0x100>>);
  if (report.failed) {
    std::printf("%s", report.text.c_str());
  } else {
    std::printf("holds: %llu executions, %s\n", static_cast<unsigned long long>(report.executions),
                report.exhausted ? "all there are within the bounds" : "stopped at the limit");
  }
  return report.failed == aba ? 0 : 1;
}
