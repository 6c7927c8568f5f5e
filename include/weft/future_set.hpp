// FutureSet<F>: any number of futures of one type, whose results come in the order in which they
// become ready. Children may be added at any time. Each is polled only when it was woken.
//
//   weft::FutureSet<Fetch> fetches;
//   for (Url& url : urls) fetches.push(Fetch(url));
//   while (auto page = co_await fetches.next()) use(*page);
//
// Modelled on FuturesUnordered of futures-rs. One allocation per child, from the frame pool. A
// child does not move, so its type need not be movable.
#pragma once

#include <weft/detail/late_future.hpp>
#include <weft/detail/ready_queue.hpp>
#include <weft/extend/frame_pool.hpp>
#include <weft/future.hpp>

#include <concepts>
#include <cstddef>
#include <new>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1 {

/// A set of futures; see the top of this header. Used by one thread at a time, the poller's.
/// Cancelling the wait for the next result leaves the children as they are. Destroying the set
/// destroys, and so cancels, them.
template <Future F>
class FutureSet {
  using Value = FutureResult<F>;

 public:
  /// The result of next(): a child's result, or empty if the set has no children.
  using Item = std::optional<ObjectOf<Value>>;

  /// Makes an empty set. Throws std::bad_alloc.
  FutureSet() : core_(&Core::make()) {}
  /// Moves the set; its children stay in place. The set that was moved from may only be destroyed.
  FutureSet(FutureSet&& other) noexcept
      : core_(std::exchange(other.core_, nullptr)),
        first_(std::exchange(other.first_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  FutureSet& operator=(FutureSet&&) = delete;
  ~FutureSet() {
    while (first_ != nullptr) forget(*first_);
    if (core_ == nullptr) return;
    core_->queue.close();
    core_->release();
  }

  /// Adds a child and wakes the set's poller; the next poll of the set polls the child. Throws
  /// std::bad_alloc, and what moving the future throws; then nothing has changed.
  void push(F future) {
    auto move = [&]() -> F { return std::move(future); };
    push_made(move);
  }
  /// Does the same for the future that `make()` returns, constructed in place: F may be immovable.
  template <class Make>
    requires std::same_as<std::invoke_result_t<Make&>, F>
  void push_made(Make make) {
    Child& child = Child::make(*core_, make);
    child.next = first_;
    if (first_ != nullptr) first_->previous = &child;
    first_ = &child;
    ++size_;
    child.node.wake();
  }

  /// Returns the number of children whose results have not been returned.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  /// Returns the next result; ready and empty if there are no children. If the poll of a child
  /// throws, rethrows that and removes the child; the other children stay.
  Poll<Item> poll_next(Context& cx) {
    if (empty()) return Poll<Item>::ready();
    core_->queue.begin_poll(cx);
    while (detail::ReadyNode* const node = core_->queue.pop()) {
      Child& child = Child::of(*node);
      const Turn turn(*core_, child);
      if (!child.future.made()) continue;  // already returned: a late wake
      Poll<Value> result = poll_child(child);
      if (result.is_pending()) continue;
      forget(child);
      return Poll<Item>::ready(std::in_place, result.take_value());
    }
    return Pending();
  }

  class Next;
  /// Returns poll_next() as a future. The set must outlive it.
  [[nodiscard]] Next next() noexcept { return Next(*this); }

 private:
  struct Core final : detail::CountedBlock {
    static Core& make() { return *::new (allocate_frame(sizeof(Core))) Core(); }
    Core() noexcept : detail::CountedBlock(&Core::destroy) {}
    static void destroy(detail::CountedBlock& self) noexcept {
      auto& core = static_cast<Core&>(self);
      core.~Core();
      deallocate_frame(&core, sizeof(Core));
    }
    detail::ReadyQueue queue;
  };

  /// One child: a block that its wakers may keep after the child's end. The future is destroyed
  /// when it is ready.
  struct Child final : detail::CountedBlock {
    template <class Make>
    static Child& make(Core& core, Make& make) {
      void* const memory = allocate_frame(sizeof(Child));
      try {
        return *::new (memory) Child(core, make);
      } catch (...) {
        deallocate_frame(memory, sizeof(Child));
        throw;
      }
    }
    template <class Make>
    Child(Core& c, Make& make) : detail::CountedBlock(&Child::destroy), core(c), node(*this) {
      future.make(make);
      core.hold();
    }
    static void destroy(detail::CountedBlock& self) noexcept {
      auto& child = static_cast<Child&>(self);
      Core& core = child.core;
      child.~Child();
      deallocate_frame(&child, sizeof(Child));
      core.release();
    }
    static Child& of(detail::ReadyNode& node) noexcept {
      return static_cast<ChildNode&>(node).child;
    }

    struct ChildNode final : detail::ReadyNode {
      explicit ChildNode(Child& c) noexcept : detail::ReadyNode(c.core.queue, c), child(c) {}
      Child& child;
    };

    Core& core;
    ChildNode node;
    detail::LateFuture<F> future;
    Child* next = nullptr;
    Child* previous = nullptr;
  };

  /// Releases the queue's reference to a child at the end of its turn.
  class Turn {
   public:
    Turn(Core& core, Child& child) noexcept : core_(core), child_(child) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() { core_.queue.done_with(child_.node); }

   private:
    Core& core_;
    Child& child_;
  };

  Poll<Value> poll_child(Child& child) {
    const BorrowedWaker waker(child.node.waker());
    Context cx(waker.get());
    try {
      return (*child.future).poll(cx);
    } catch (...) {
      forget(child);
      throw;
    }
  }
  /// Removes the child and destroys its future; the block may live on with its wakers.
  void forget(Child& child) noexcept {
    (child.previous != nullptr ? child.previous->next : first_) = child.next;
    if (child.next != nullptr) child.next->previous = child.previous;
    --size_;
    child.future.drop();
    child.release();
  }

  Core* core_;
  Child* first_ = nullptr;  // the list of children, in no order
  std::size_t size_ = 0;
};

/// See FutureSet::next().
template <Future F>
class [[nodiscard]] FutureSet<F>::Next {
 public:
  explicit Next(FutureSet& set) noexcept : set_(set) {}
  Poll<Item> poll(Context& cx) { return set_.poll_next(cx); }

 private:
  FutureSet& set_;
};

}  // namespace weft::inline v0_1
