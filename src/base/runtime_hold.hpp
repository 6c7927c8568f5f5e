// RuntimeHold: what the calling thread does, the end of a runtime waits for. A runtime asks for its
// holds before it ends: an end on such a thread would wait for itself.
//
// Made by a worker's thread for its whole life, and around each call that a task awaits on another
// thread, or makes in place. Lives on the stack of one thread, or in an object there.
#pragma once

namespace weft::inline v0_1::detail {

class OwnedTasks;

class RuntimeHold {
 public:
  /// `runtime`: the outermost tasks of the runtime; null: of none.
  explicit RuntimeHold(const OwnedTasks* runtime) noexcept;
  ~RuntimeHold();
  RuntimeHold(const RuntimeHold&) = delete;
  RuntimeHold& operator=(const RuntimeHold&) = delete;

  /// Whether the calling thread holds up the end of `runtime`.
  [[nodiscard]] static bool is_on(const OwnedTasks& runtime) noexcept;

 private:
  const OwnedTasks* const runtime_;
  const RuntimeHold* const outer_;
};

}  // namespace weft::inline v0_1::detail
