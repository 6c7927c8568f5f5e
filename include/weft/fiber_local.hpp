// FiberLocal<T>: one object for each fiber, as thread_local is for threads. What a fiber keeps in a
// thread_local may be another fiber's after the next await.
//
//   weft::FiberLocal<std::string> request_id;
//   …  request_id.get() = "17";      // in a fiber: its own string
#pragma once

#include <concepts>
#include <cstdint>
#include <utility>

namespace weft {

namespace detail {

/// The part of a fiber-local object that needs no template: a node of the fiber's list.
struct FiberLocalNode {
  using Destroy = void (*)(FiberLocalNode&) noexcept;
  FiberLocalNode(std::uint64_t which, Destroy how) noexcept : key(which), destroy(how) {}

  std::uint64_t key;
  Destroy destroy;
  FiberLocalNode* next = nullptr;
};

}  // namespace detail

/// One for each FiberLocal, and never again.
[[nodiscard]] std::uint64_t next_fiber_local_key() noexcept;
/// The running fiber's node for `key`, or null. Throws std::logic_error where no fiber runs.
[[nodiscard]] detail::FiberLocalNode* find_fiber_local(std::uint64_t key);
/// Gives `node` to the running fiber.
void add_fiber_local(detail::FiberLocalNode& node) noexcept;

/// Thread-safe: each fiber sees its own T alone. The objects are destroyed when their fiber ends,
/// the newest first; the FiberLocal itself may go earlier.
template <std::default_initializable T>
class FiberLocal {
 public:
  FiberLocal() noexcept : key_(next_fiber_local_key()) {}
  FiberLocal(const FiberLocal&) = delete;
  FiberLocal& operator=(const FiberLocal&) = delete;

  /// The running fiber's object, made (value-initialized) at its first use. Throws std::logic_error
  /// where no fiber runs, std::bad_alloc, and what making a T throws.
  [[nodiscard]] T& get() const {
    detail::FiberLocalNode* const found = find_fiber_local(key_);
    // SAFETY: a node with this key is a Node of this FiberLocal.
    return found != nullptr ? static_cast<Node*>(found)->value : make();
  }
  [[nodiscard]] T& operator*() const { return get(); }
  [[nodiscard]] T* operator->() const { return &get(); }

 private:
  struct Node : detail::FiberLocalNode {
    explicit Node(std::uint64_t which) : detail::FiberLocalNode(which, &Node::destroy_node) {}
    static void destroy_node(detail::FiberLocalNode& self) noexcept {
      delete static_cast<Node*>(&self);
    }
    T value{};
  };

  T& make() const {
    auto* const node = new Node(key_);
    add_fiber_local(*node);
    return node->value;
  }

  std::uint64_t key_;
};

}  // namespace weft
