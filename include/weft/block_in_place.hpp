// block_in_place(): runs a blocking call on the calling thread.
//
//   Row row = weft::block_in_place([&] { return query(connection); });
//
// Prefer blocking(), in <weft/blocking.hpp>, where it can be awaited. This one is for code that
// cannot await: a destructor, a library's callback, a plain function deep below a task. The
// function that it calls may use the local variables of the calling frame.
#pragma once

#include <functional>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {

/// While it lives the calling thread is not a worker; see block_in_place().
class BlockInPlace {
 public:
  BlockInPlace();
  ~BlockInPlace();
  BlockInPlace(const BlockInPlace&) = delete;
  BlockInPlace& operator=(const BlockInPlace&) = delete;

 private:
  struct Out;
  Out* out_ = nullptr;  // null: no spare worker has taken over
};

}  // namespace detail

/// Calls `function()` on the calling thread and returns its result. First, this thread's worker
/// hands over what it holds: other workers take its queue, another thread takes over as a worker
/// (up to 64 at the same time), and its I/O and timers are polled elsewhere. The other thread stays
/// with the runtime, asleep, for the next such call. So the function may block or compute for any
/// length of time. It runs as on a thread outside the runtime, and may use
/// Runtime::block_on(). The calling task continues on this thread afterwards. Until then it cannot
/// be cancelled, and other awaitables of the same task (in a when_all()) wait. Started fibers and
/// tasks with SpawnOptions::local() of this worker wait as well. Throws what the function throws.
///
/// On a current_thread or thread_per_core runtime, on one with a single worker, and if no thread
/// can be started, there is no handover: the function is simply called, as on a thread that is not
/// a worker, and everything else on this worker waits (and block_on() throws).
template <class F>
decltype(auto) block_in_place(F&& function) {
  const detail::BlockInPlace out;
  return std::invoke(std::forward<F>(function));
}

}  // namespace weft::inline v0_1
