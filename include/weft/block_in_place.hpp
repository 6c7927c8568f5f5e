// block_in_place(): a call that blocks, where it stands.
//
//   Row row = weft::block_in_place([&] { return query(connection); });
//
// blocking() (<weft/blocking.hpp>) is the better choice where it can be awaited. This one is for
// what cannot: a destructor, a callback of a library, deep within functions that are no coroutines.
// And what it calls may use what belongs to the calling frame.
#pragma once

#include <functional>
#include <utility>

namespace weft {

namespace detail {

/// While it lives the calling thread is no worker; see block_in_place().
class BlockInPlace {
 public:
  BlockInPlace();
  ~BlockInPlace();
  BlockInPlace(const BlockInPlace&) = delete;
  BlockInPlace& operator=(const BlockInPlace&) = delete;

 private:
  struct Out;
  Out* out_ = nullptr;  // null: no thread stands in
};

}  // namespace detail

/// Calls `function()` on this thread, and gives its result. Before, the worker that this thread is
/// hands over what it holds: others take its queue, another thread stands in for it as a worker
/// (up to 64 at once), and its I/O and timers are seen to elsewhere. So the function may block, or
/// compute, for as long as it likes; it runs as on a thread from outside, and may use
/// Runtime::block_on(). The calling task goes on here afterwards; until then it cannot be
/// cancelled, and other awaitables of its own task (in a when_all()) wait. Fibers that have
/// started, and tasks with SpawnOptions::local(), of this worker wait as well. Throws what the
/// function throws.
///
/// There is nothing to hand over to on a current_thread or thread_per_core runtime, on one with a
/// single worker, and when no thread can be had: then the function is simply called, as on a thread
/// that is no worker, and everything else on this worker waits (and block_on() is refused).
template <class F>
decltype(auto) block_in_place(F&& function) {
  const detail::BlockInPlace out;
  return std::invoke(std::forward<F>(function));
}

}  // namespace weft
