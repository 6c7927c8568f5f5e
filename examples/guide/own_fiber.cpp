// Two fibers walk through two trees side by side, each stopping in the depth of its recursion.
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>

#include "own_fiber.hpp"

struct Tree {
  std::unique_ptr<Tree> left;
  int value;
  std::unique_ptr<Tree> right;
};

std::unique_ptr<Tree> tree(std::unique_ptr<Tree> left, int value, std::unique_ptr<Tree> right) {
  return std::unique_ptr<Tree>(new Tree{std::move(left), value, std::move(right)});
}

std::unique_ptr<Tree> leaf(int value) { return tree(nullptr, value, nullptr); }

// [walk]
/// Gives the values of a tree in order, one at a time.
class Walker {
 public:
  explicit Walker(const Tree& root) : fiber_([this, &root] { walk(root); }) {}

  std::optional<int> next() {
    if (!fiber_.resume()) return std::nullopt;
    return value_;
  }

 private:
  void walk(const Tree& node) {  // plain recursion
    if (node.left) walk(*node.left);
    value_ = node.value;
    Fiber::yield();  // stops here with all the calls above it
    if (node.right) walk(*node.right);
  }

  int value_ = 0;
  Fiber fiber_;
};
// [/walk]

// [compare]
bool same_values(const Tree& a, const Tree& b) {
  Walker left(a);
  Walker right(b);
  for (;;) {
    const std::optional<int> x = left.next();
    const std::optional<int> y = right.next();
    if (x != y) return false;
    if (!x) return true;
    std::printf(" %d", *x);
  }
}
// [/compare]

double ns_per_switch() {
  constexpr int rounds = 1'000'000;
  Fiber fiber([] {
    for (int i = 0; i < rounds; ++i) Fiber::yield();
  });
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < rounds; ++i) fiber.resume();
  const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - begin;
  fiber.resume();  // to its end
  return taken.count() / (2 * rounds);
}

int main() {
  const auto steep = tree(nullptr, 1, tree(nullptr, 2, tree(nullptr, 3, leaf(4))));
  const auto flat = tree(tree(leaf(1), 2, nullptr), 3, leaf(4));
  std::printf("in step:");
  const bool same = same_values(*steep, *flat);
  std::printf("; the same values: %s\n", same ? "yes" : "no");
  std::printf("one switch: %.1f ns\n", ns_per_switch());
}
