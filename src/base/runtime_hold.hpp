// RuntimeHold: what the calling thread does, the end of a runtime waits for. A runtime asks for its
// holds before it ends: an end on such a thread would wait for itself.
//
// Made around each call that a task awaits on another thread, or makes in place. Lives on the stack
// of one thread, or in an object there. A thread that is joined at the end of a runtime says so by
// set_joined_by(): that holds to its very end, when its thread_local objects are destroyed.
#pragma once

namespace weft::inline v0_1::detail {

class OwnedTasks;

/// Notes for the rest of the calling thread that the end of `owner` joins it: the outermost tasks
/// of a runtime for its workers, else what owns the thread.
void set_joined_by(const void* owner) noexcept;
/// Whether the end of `owner` joins the calling thread.
[[nodiscard]] bool is_joined_by(const void* owner) noexcept;

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
