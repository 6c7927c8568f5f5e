// Runtime: the composition of executor, reactors, timers and clock that tasks run on.
//
//   int main() {
//     weft::Runtime runtime;                       // a worker a core, work-stealing
//     return runtime.block_on(program());
//   }
//
// There is no global state: any number of runtimes live side by side.
//
// fork(): the child has none of the runtime's threads. Its calls throw std::logic_error there, its
// shutdown() and destructor do nothing, and its memory and handles stay until the child ends. A
// runtime that the child makes works.
#pragma once

#include <weft/as_future.hpp>
#include <weft/blocking.hpp>
#include <weft/log.hpp>
#include <weft/metrics.hpp>
#include <weft/native_handle.hpp>
#include <weft/spawn.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace weft::inline v0_1 {

struct RuntimeOptions {
  /// Threads that run tasks. 0: one a core that this process may use. At most 1024. Ignored with
  /// current_thread, which has one worker.
  std::size_t workers = 0;
  /// Threads that compute for parallel(), started when it is first used. 0: one a core that this
  /// process may use. At most 1024.
  std::size_t compute_threads = 0;
  /// Threads for blocking(), for the name look-ups of resolve() and connect(), and for what files
  /// cannot do at once: so many calls of each kind are made at a time, and others wait. Started
  /// when they are needed. No kind takes threads from another. A look-up that was cancelled no
  /// longer counts, although its thread cannot be interrupted; at most 32 of those are replaced at
  /// a time. 1 to 1024 each.
  std::size_t blocking_threads = 4;
  std::size_t lookup_threads = 4;
  std::size_t file_threads = 4;
  /// Further lanes, each with threads of its own for one class of blocking calls, which name it:
  /// `blocking(lane("database"), f)`. Each has another name, and 1 to 1024 threads.
  std::vector<BlockingOptions> lanes = {};
  /// True: no threads of its own; tasks run on whichever thread is in block_on(), one at a time,
  /// and only then.
  bool current_thread = false;
  /// Each worker is bound to a processor of its own, round about, and nothing ever goes from one to
  /// another by itself: what is spawned on a worker stays there, with all that it spawns; what
  /// comes from outside is dealt out in turn, or goes where SpawnOptions::on_worker() says. For
  /// work that divides itself evenly (connections of one kind, shards), and gains by never sharing
  /// a cache line; with anything else a worker may stand idle while another one has too much, and
  /// no worker helps one that computes for long. If the system refuses to bind a thread it runs
  /// where it may: metrics() says why. Not with current_thread.
  bool thread_per_core = false;
  /// With current_thread, for tests: now() and all timers go by a clock that stands still while
  /// anything runs, and is moved on to the next deadline when all is idle. So a timeout of an hour
  /// takes no time. Calls of blocking() and parallel() stop it; what comes from another process, or
  /// from threads of one's own, does not, and may find that time has passed.
  bool virtual_time = false;
  /// Names the worker threads: "<name>-0", ….
  std::string name = "weft";
  /// Called on each worker's thread, with the worker's number, before it runs anything, and after
  /// it has run the last (then no task, and nothing of the runtime, is there any more). What
  /// on_worker_start throws ends the runtime, and its constructor throws it; what on_worker_stop
  /// throws goes to on_failure. Threads that stand in for a worker during block_in_place() are
  /// workers, too, with further numbers; what on_worker_start throws there goes to on_failure. Not
  /// called on a current_thread runtime, which has no threads.
  std::function<void(std::size_t)> on_worker_start = {};
  std::function<void(std::size_t)> on_worker_stop = {};
  /// Called for the exception of a task that nothing awaits, on the thread where it is noticed. If
  /// it throws, that and the failure are reported to the log, and the program goes on. Without one,
  /// a record with the async backtrace goes to the log.
  FailureHandler on_failure = {};
  /// Gets what this runtime reports; without one that goes to standard error. See <weft/log.hpp>.
  LogHandler log = {};
};

/// What a shutdown with a limit has left: see Runtime::shutdown(Duration).
struct ShutdownResult {
  bool complete = true;        ///< all tasks have ended, and so have the workers
  std::size_t tasks = 0;       ///< tasks that have not ended
  std::string waits_for = {};  ///< what they wait for, as far as the runtime knows; a line each
};

/// The destructor cancels the tasks and waits for them. So declare a Runtime *after* what its tasks
/// use: local variables are destroyed in reverse order, and what stands before the Runtime outlives
/// the tasks. In the other order a socket, listener or http::Server ends the operations on it, and
/// a channel ends its waits; a lock, Notify, Latch or the like that a task waits for is a failed
/// check; the tasks' own references dangle.
///
///   weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:7777");
///   weft::http::Server server({}, handler);
///   weft::Runtime runtime;
///   runtime.spawn(server.serve(listener)).detach();
class Runtime {
 public:
  /// Starts the workers. Throws std::invalid_argument for options out of range,
  /// std::system_error, naming what could not be had (an event queue, a thread), and
  /// std::bad_alloc; then no thread is left.
  explicit Runtime(RuntimeOptions options);
  /// The same, with the default options.
  Runtime() : Runtime(RuntimeOptions()) {}
  /// As shutdown(). In the child of a fork(), of a runtime of the parent: nothing.
  ~Runtime();
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;

  /// Runs `work` (an awaitable, or something to call that gives one) as a task, waits for its end
  /// on this thread, and gives its result or rethrows its exception; throws IoError
  /// (errc::operation_canceled) if it was cancelled by a shutdown. Throws std::logic_error on a
  /// thread that runs weft tasks (there, use co_await), and once shutdown() has begun. Several
  /// threads may call it at once; on a current_thread runtime they take turns.
  template <class W>
  decltype(auto) block_on(W work) {
    require_no_task();  // before anything is begun
    auto handle = spawn(std::move(work));
    wait(handle.task());
    handle.task().note_taken();
    return handle.task().outcome().take();
  }

  /// Starts a task of this runtime; see weft::spawn. Thread-safe. Throws std::logic_error once
  /// shutdown() has begun.
  template <class F, class... Args>
  auto spawn(F callable, Args... args) -> JoinHandle<SpawnResult<F, Args...>> {
    return detail::start_task(detail::Placement(tasks()), std::move(callable), std::move(args)...);
  }
  /// The same as `options` say. Thread-safe. Throws as they say, too.
  template <class F, class... Args>
  auto spawn(SpawnOptions options, F callable, Args... args)
      -> JoinHandle<SpawnResult<F, Args...>> {
    return detail::start_task(detail::Placement(tasks(), options), std::move(callable),
                              std::move(args)...);
  }

  /// `awaitable` as a future whose work is a task of this runtime: to be polled by whatever thread
  /// and executor; see weft::as_future. Thread-safe. Throws std::logic_error once shutdown() has
  /// begun. The runtime must outlive the future's first poll.
  template <Awaitable A>
  AsFuture<A> as_future(A awaitable) {
    return AsFuture<A>(tasks(), std::move(awaitable));
  }

  /// For a thread that has a loop of its own: runs what is ready, a bounded amount of it, and never
  /// waits. Gives when the next call is due: at once for zero (there is more to do), after the time
  /// that it gives (a timer), and in any case when native_handle() has become readable; no value:
  /// then alone. Only on a current_thread runtime, whose tasks run in here; while another thread is
  /// in its block_on() nothing is done, and the end of that makes the handle readable.
  /// Throws std::logic_error on another kind of runtime, and on a thread that runs weft tasks.
  std::optional<std::chrono::nanoseconds> poll();
  /// For the loop to watch (not to read from): readable when poll() is due because of I/O, or of
  /// what other threads have spawned, woken or cancelled. Ask for it after each poll(): after
  /// handles were closed behind the runtime's back it may be another one. Throws as poll().
  [[nodiscard]] NativeHandle native_handle() const;

  /// Cancels every task, waits until all have ended, and ends the workers. Idempotent and
  /// thread-safe. Does not wait for name look-ups: their threads may end later than the runtime.
  /// After 1, 2, 4 … seconds it reports to the log what it waits for, on which lane. It must not be
  /// called on a thread for which it would wait: by a task of this runtime, in a call of
  /// blocking(), block_in_place() or parallel() that one of its tasks awaits, or in a worker's
  /// hooks. The process is then aborted, with a text that says so; this holds for std::exit()
  /// there, too, if the runtime is static.
  void shutdown() noexcept;
  /// The same, but waits at most `limit` for the tasks, by the steady clock. If some have not ended
  /// then, says so and leaves the runtime as it is: they go on, on the workers, while work from
  /// outside is refused. A later shutdown(), with a limit or without, goes on waiting; so does the
  /// destructor. Memory that the tasks use must stay until then. A program that must not wait any
  /// longer ends by std::_Exit() or std::quick_exit(), which run no destructors. On a
  /// current_thread runtime the tasks run in here, and afterwards only in further calls. Throws
  /// std::bad_alloc, and std::system_error if such a runtime gets no thread to watch the clock.
  ShutdownResult shutdown(Duration limit);

  /// What has happened so far; see <weft/metrics.hpp>. Thread-safe. Throws std::bad_alloc, and
  /// std::logic_error in a child process.
  [[nodiscard]] RuntimeMetrics metrics() const;

  [[nodiscard]] std::size_t workers() const noexcept;
  /// Tasks that have not ended.
  [[nodiscard]] std::size_t live_tasks() const noexcept;

 private:
  class Impl;
  friend class SpawnOptions;
  friend detail::OwnedTasks& detail::owned_tasks_of(Runtime& runtime);

  /// Throws std::logic_error once shutdown() has begun.
  [[nodiscard]] detail::OwnedTasks& tasks();
  void wait(detail::SpawnedTask& task);
  static void require_no_task() {
    if (detail::OwnedTasks::current_or_null() == nullptr) return;
    throw std::logic_error(
        "weft::block_on: this thread runs tasks and must not block; use co_await");
  }

  std::unique_ptr<Impl> impl_;
};

/// Runs `work` on a current_thread runtime made for it. See Runtime::block_on.
template <class W>
decltype(auto) block_on(W work) {
  RuntimeOptions options;
  options.current_thread = true;
  Runtime runtime(std::move(options));
  return runtime.block_on(std::move(work));
}

}  // namespace weft::inline v0_1
