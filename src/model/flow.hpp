// ModelFlow: a thread of a program under the model checker, as a flow of control with its own
// stack. All flows of an exploration run on the thread that called explore(), one at a time. A
// switch between them is a switch of stacks, a hundred times as fast as waking a thread. Used by
// the scheduler alone, on that thread.
#pragma once

#include <cstddef>
#include <span>

#include "fiber/context.hpp"
#include "fiber/sanitizer.hpp"

namespace weft::inline v0_1::model {

/// What the C++ runtime keeps for each thread: the exceptions being handled, and the number of
/// uncaught ones. The layout is that of the Itanium C++ ABI, "Exception Handling", 2.2.2.
struct HandledExceptions {
  void* caught = nullptr;
  unsigned int uncaught = 0;
};

class ModelFlow {
 public:
  using Entry = void (*)(ModelFlow& self) noexcept;

  /// The flow that is running; it has a stack already.
  ModelFlow() noexcept { detail::know_thread(sanitizer_); }
  /// A flow that begins with entry(*this), which must not return. `owner` is for the entry. Throws
  /// std::bad_alloc if there is no memory for its stack.
  ModelFlow(Entry entry, void* owner);
  ~ModelFlow();
  ModelFlow(const ModelFlow&) = delete;
  ModelFlow& operator=(const ModelFlow&) = delete;

  [[nodiscard]] void* owner() const noexcept { return owner_; }

  /// Suspends *this, which is running, and resumes `next`. `ends`: *this will not be resumed.
  void switch_to(ModelFlow& next, bool ends = false) noexcept;

  /// Marks what is on the stack as kept for ever: it is not freed, and is no leak.
  void keep_for_good() noexcept;

 private:
  static void begin(void* self) noexcept;

  detail::FlowContext context_;
  HandledExceptions exceptions_;
  [[no_unique_address]] detail::SanitizerFlow sanitizer_;
  std::span<std::byte> mapped_;  // the guard and the stack above it
  ModelFlow* before_ = nullptr;  // the flow that switched here last
  Entry entry_ = nullptr;
  void* owner_ = nullptr;
  void* sanitizer_slot_ = nullptr;
  static constexpr std::size_t stack_bytes = std::size_t{1} << 20;
  static constexpr std::size_t guard_bytes = std::size_t{64} << 10;
};

}  // namespace weft::inline v0_1::model
