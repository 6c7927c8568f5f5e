// The scheduler of the model checker: decides which thread of the program under test performs its
// next operation. Called by explore() (the controller) and by the hooks of <weft/atomic.hpp> in the
// deterministic mode, all on the thread that called explore(): the program's threads are flows of
// control that switch to each other here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>
#include <weft/model.hpp>

#include "model/chooser.hpp"
#include "model/flow.hpp"
#include "model/memory.hpp"
#include "model/trace.hpp"

namespace weft::inline v0_1::model {

class Scheduler {
 public:
  Scheduler(const Options& options, Chooser& chooser);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // For the controller:

  /// Runs one execution of `body`. False: it failed; text() says why, and its threads stay
  /// suspended, so *this must be kept for ever.
  bool execute(const std::function<void(Execution&)>& body);
  /// Ends the threads. Precondition: no execution has failed.
  void stop();
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  /// The execution's steps so far, and how to replay it.
  [[nodiscard]] std::string describe(const std::string& reason);

  // For threads of the program:

  /// The scheduler of the program that runs on the calling thread, or null.
  [[nodiscard]] static Scheduler* current() noexcept;
  /// The number of the running thread of the program.
  [[nodiscard]] std::size_t self() const noexcept { return current_; }
  [[nodiscard]] ModelMemory& memory() noexcept { return memory_; }
  /// A scheduling point: returns when the caller may perform its operation.
  void step(const ModelAccess& access);
  /// Records the caller's operation in the trace.
  void note(const ModelAccess& access, TraceStep::Effect effect = TraceStep::Effect::none,
            std::uint64_t read = 0, std::uint64_t written = 0);
  /// Fails unless `problem` is empty.
  void check(const std::string& problem, const ModelAccess& access);
  /// What a thread can wait for.
  enum class Wait : std::uint8_t { none, mutex, wake, end };
  /// Suspends the caller until wake(object). With `may_time_out` it may also be resumed at any
  /// moment. False: it was resumed without a wake.
  bool block(const void* object, Wait what, bool may_time_out);
  /// Makes threads that are blocked on `object` runnable: all, or the one with the lowest number.
  void wake(const void* object, bool all);
  /// Lets the other threads go first.
  void yield();
  void spawn(std::function<void()> run);
  void join_all();
  [[noreturn]] void fail(const std::string& reason);

 private:
  enum class Status : std::uint8_t { kRunnable, kBlocked, kMayTimeOut, kYielded, kFinished };
  enum class Ended : std::uint8_t { no, well, failed };

  struct Thread {
    Status status = Status::kFinished;
    bool woken = false;
    Wait waits = Wait::none;
    const void* waits_for = nullptr;
    std::uint32_t waits_since = 0;      // or spins: since which step
    const ModelAccess* next = nullptr;  // its next operation
    std::function<void()> run;
    std::unique_ptr<ModelFlow> flow;  // kept from one execution to the next
  };

  static void work(ModelFlow& flow) noexcept;
  void run_job(std::size_t self);
  void start(std::function<void()> run);
  [[nodiscard]] Candidates candidates() const;
  [[nodiscard]] bool others_finished() const;
  void switch_to(std::size_t thread);
  void reschedule();
  void finish(std::size_t self);
  [[nodiscard]] std::string why_nobody_can_run() const;
  [[nodiscard]] std::string where_threads_are();

  const Options options_;
  Chooser& chooser_;
  ModelMemory memory_;
  Trace trace_;
  ModelFlow controller_;
  std::array<Thread, Candidates::kMost> threads_;
  std::size_t thread_count_ = 0;
  std::size_t current_ = 0;
  std::uint32_t steps_ = 0;
  Ended ended_ = Ended::no;
  bool stopping_ = false;
  std::string text_;
};

}  // namespace weft::inline v0_1::model
