// TeamMember, ForkJob: the machine under parallel_invoke() and its like in <weft/parallel.hpp>, and
// what those need of it to be inlined into the user's loops.
//
// Work is given away on request only (receiver-initiated; Acar, Charguéraud, Rainey, "Scheduling
// Parallel Programs by Work Stealing with Private Deques", PPoPP 2013). Whoever forks puts a job on
// its own stack into a plain list and looks at one word of its own. Only if another member has
// asked by that word does it give its *oldest* job, the largest, away; so as long as nobody is
// hungry a fork costs a few plain stores and a load: no read-modify-write, no fence, no allocation.
//
// Invariants:
//  - the list of jobs, newest first, is its member's alone. Those that were given away are the
//    oldest of it: giving begins at that end;
//  - a job that was given has a ForkGift, made before it is handed over; the owner waits for the
//    gift before it leaves the job's scope, on every path;
//  - who waits for a gift runs other members' jobs meanwhile, on the same stack; their list is on
//    top of a list of given jobs only.
//
// Thread-safety: everything on the member's own thread, except what team.cpp says.
#pragma once

#include <weft/atomic.hpp>

#include <cstddef>
#include <cstdint>

namespace weft {

class Team;
class TeamMember;
struct ForkGift;

/// What belongs together to be cancelled: one parallel().
class ForkRegion {
 public:
  [[nodiscard]] bool cancelled() const noexcept {
    return cancelled_.load(std::memory_order_relaxed);  // relaxed: see Team::cancel()
  }

 private:
  friend class Team;
  Atomic<bool> cancelled_{false};
};

/// What a cancelled region is unwound by. Nobody can catch it by its name; catch (...) must pass it
/// on by `throw;`, else the next fork throws it again.
class ForkCancelled {
  friend class TeamMember;
  ForkCancelled() noexcept = default;
};

/// The root of a tree of forks.
class ForkRoot {
 public:
  /// Called on a member. Must not throw; the root may be gone when it returns.
  using Run = void (*)(ForkRoot&) noexcept;
  explicit ForkRoot(Run run) noexcept : run_(run) {}
  ForkRoot(const ForkRoot&) = delete;
  ForkRoot& operator=(const ForkRoot&) = delete;

  [[nodiscard]] ForkRegion& region() noexcept { return region_; }

 protected:
  ~ForkRoot() = default;

 private:
  friend class Team;
  friend class TeamMember;
  Run run_;
  ForkRegion region_;
  ForkRoot* next_ = nullptr;  // guarded by the team's mutex, as is the next
  bool queued_ = false;
};

/// Work that another member may do. Stands on its owner's stack.
class ForkJob {
 public:
  /// May throw: the exception comes out of the owner's join.
  using Run = void (*)(ForkJob&);
  explicit ForkJob(Run run) noexcept : run_(run) {}
  ForkJob(const ForkJob&) = delete;
  ForkJob& operator=(const ForkJob&) = delete;

 protected:
  ~ForkJob() = default;

 private:
  friend class TeamMember;
  Run run_;
  ForkJob* older_ = nullptr;
  ForkGift* gift_ = nullptr;  // once it has been given away
};

class alignas(64) TeamMember {
 public:
  TeamMember(Team& team, std::size_t index) noexcept : team_(team), index_(index) {}
  TeamMember(const TeamMember&) = delete;
  TeamMember& operator=(const TeamMember&) = delete;

  /// The member that the calling thread is, or null. Read in place, unlike other thread_local
  /// objects: those threads run no tasks, so nothing is suspended on one and goes on on another;
  /// and on all other threads it is null.
  [[nodiscard]] static TeamMember* current() noexcept { return current_; }

  // For forks
  void push(ForkJob& job) noexcept {
    job.older_ = newest_;
    newest_ = &job;
  }
  /// Whether another member waits for work, or a region is cancelled: then answer().
  [[nodiscard]] bool asked() const noexcept {
    return asked_.load(std::memory_order_relaxed) != 0;  // relaxed: answer() looks closer
  }
  /// Gives the oldest job away. Throws ForkCancelled if the region that runs here is cancelled.
  void answer();
  /// Whether there is a job to give.
  [[nodiscard]] bool can_give() const noexcept {
    return newest_ != nullptr && newest_->gift_ == nullptr;
  }
  /// Takes `job`, the newest, back. True: it was not given away, the caller runs it.
  [[nodiscard]] bool take_back(ForkJob& job) noexcept {
    if (job.gift_ != nullptr) [[unlikely]]
      return false;
    newest_ = job.older_;
    return true;
  }
  /// Of a job that was given away: waits for its end, doing other members' work meanwhile, and
  /// rethrows what it threw.
  void join(ForkJob& job);
  /// The same where the owner is being unwound already. Also for a job that was not given: it will
  /// not be run.
  void drop(ForkJob& job) noexcept;

 private:
  friend class Team;
  friend class TeamUnderModel;

  void work() noexcept;
  void run(ForkJob& job) noexcept;
  void run_root(ForkRoot& root) noexcept;
  [[nodiscard]] ForkJob* give() noexcept;
  void decline() noexcept;
  void respond(std::uintptr_t word, ForkJob* job) noexcept;
  [[nodiscard]] ForkJob* ask(TeamMember& victim) noexcept;
  [[nodiscard]] bool withdraw_from(TeamMember& victim) noexcept;
  [[nodiscard]] bool run_anothers() noexcept;
  void wait_for(ForkGift& gift) noexcept;
  void look() noexcept;
  void nap() noexcept;

  static constinit inline thread_local TeamMember* current_ = nullptr;

  // The thread's own
  ForkJob* newest_ = nullptr;
  ForkRegion* region_ = nullptr;
  Team& team_;
  const std::size_t index_;
  std::size_t next_victim_ = 0;
  ThreadParker parker_;
  // Written by others
  alignas(64) Atomic<std::uintptr_t> asked_{0};   // who asks, and a bit: the words are in team.cpp
  alignas(64) Atomic<std::uintptr_t> answer_{0};  // to this member's own question
  Atomic<bool> busy_{false};  // may have something to give; a hint for those who ask
};

}  // namespace weft
