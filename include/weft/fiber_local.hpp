// FiberLocal<T>: one object per fiber, as thread_local is one per thread. A thread_local does not
// serve: after the next await another fiber may have changed it.
//
//   weft::FiberLocal<std::string> request_id;
//   …  request_id.get() = "17";      // in a fiber: its own string
#pragma once

#include <concepts>
#include <cstdint>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {

/// The part of a fiber-local object that is not a template: a node of the fiber's list.
struct FiberLocalNode {
  using Destroy = void (*)(FiberLocalNode&) noexcept;
  FiberLocalNode(std::uint64_t which, Destroy how) noexcept : key(which), destroy(how) {}

  std::uint64_t key;
  Destroy destroy;
  FiberLocalNode* next = nullptr;
};

}  // namespace detail

/// Returns a key for one FiberLocal; no key is returned twice.
[[nodiscard]] std::uint64_t next_fiber_local_key() noexcept;
/// Returns the running fiber's node for `key`, or null. Throws std::logic_error if no fiber runs.
[[nodiscard]] detail::FiberLocalNode* find_fiber_local(std::uint64_t key);
/// Adds `node` to the running fiber's list.
void add_fiber_local(detail::FiberLocalNode& node) noexcept;

/// One T per fiber. Thread-safe: each fiber sees only its own T. The objects are destroyed when
/// their fiber ends, the newest first. The FiberLocal itself may be destroyed earlier.
template <std::default_initializable T>
class FiberLocal {
 public:
  FiberLocal() noexcept : key_(next_fiber_local_key()) {}
  FiberLocal(const FiberLocal&) = delete;
  FiberLocal& operator=(const FiberLocal&) = delete;

  /// Returns the running fiber's object, made (value-initialized) at its first use. Throws
  /// std::logic_error if no fiber runs, std::bad_alloc, and what constructing a T throws.
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

}  // namespace weft::inline v0_1
