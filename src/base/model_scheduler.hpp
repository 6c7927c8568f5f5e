// The scheduler of the model checker: passes the baton between the threads of the program under
// test. Called by explore() (the controller), and by the hooks of <weft/atomic.hpp> in its
// deterministic mode. Thread-safety: the baton. Whoever holds it, one model thread or the
// controller between executions, uses all members; passing it on is a release and an acquire of the
// receiver's `baton`.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>
#include <weft/model.hpp>

#include "base/model_chooser.hpp"

namespace weft::model {

class Scheduler : public std::enable_shared_from_this<Scheduler> {
 public:
  Scheduler(const Options& options, Chooser& chooser);
  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  // For the controller.

  /// Runs one execution of `body`; false if it failed, and then text() says why.
  bool execute(const std::function<void(Execution&)>& body);
  /// Ends the threads; not after a failure, when they are left suspended and keep *this alive.
  void stop();
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

  // For model threads.

  /// The scheduler of the calling thread; null if no Execution started it.
  [[nodiscard]] static Scheduler* current() noexcept;
  /// A scheduling point: returns when the caller is to perform its operation.
  void step(const void* object, const char* operation);
  /// Suspends the caller until wake(object). If it may time out, it may also be resumed at any
  /// moment: false says that it was.
  bool block(const void* object, bool may_time_out);
  /// Makes threads blocked on `object` runnable: all of them, or the one with the lowest number.
  void wake(const void* object, bool all);
  /// Lets others go first.
  void yield();
  void spawn(std::function<void()> run);
  void join_all();
  [[noreturn]] void fail(const std::string& reason);

 private:
  enum class Status : std::uint8_t { kRunnable, kBlocked, kMayTimeOut, kYielded, kFinished };

  struct Thread {
    std::atomic<int> baton{0};
    Status status = Status::kFinished;
    bool woken = false;
    const void* waits_for = nullptr;
    std::function<void()> run;
    std::thread
        thread;  // kept from one execution to the next: creating one takes longer than running it
  };

  struct TraceStep {
    std::size_t thread;
    const char* operation;
    const void* object;
  };

  void work(std::size_t self);
  void run_job(std::size_t self);
  void start(std::function<void()> run);
  [[nodiscard]] Candidates candidates() const;
  [[nodiscard]] bool others_finished() const;
  void pass_to(std::size_t thread);
  void await_baton(std::size_t self);
  void reschedule();
  void finish(std::size_t self);
  [[nodiscard]] std::string describe(const std::string& reason) const;

  const Options options_;
  Chooser& chooser_;
  std::array<Thread, Candidates::kMost> threads_;
  std::size_t thread_count_ = 0;
  std::size_t current_ = 0;
  std::vector<TraceStep> trace_;
  std::atomic<int> done_{0};  // 1: the execution ended; 2: it failed
  bool stopping_ = false;
  std::string text_;
};

}  // namespace weft::model
