// TeamMember, ForkJob: the machine under parallel_invoke() and its like in <weft/parallel.hpp>, and
// what those need of it to be inlined into the user's loops.
//
// Work is given away on request only (receiver-initiated; Acar, Charguéraud, Rainey, "Scheduling
// Parallel Programs by Work Stealing with Private Deques", PPoPP 2013). Whoever forks puts a job on
// its own stack into a plain list and looks at one word of its own. Only if another member has
// asked by that word does it give its *oldest* job, the largest, or half of its oldest loop, away;
// so as long as nobody is hungry a fork costs a few plain stores and a load: no read-modify-write,
// no fence, no allocation.
//
// Invariants:
//  - the list of jobs, newest first, is its member's alone. Of those that have something to give
//    the oldest is given: what is older than a job that was given was given too, or is a loop that
//    has begun its last steps, and will never have anything to give;
//  - a job that was given has a ForkGift, made before it is handed over. Before the owner leaves
//    the job's scope, on every path, it withdraws the gift, which only works as long as the other
//    member has not begun, or waits for its end;
//  - who waits for a gift runs other members' jobs meanwhile, on the same stack; their list stands
//    on the job that was given, where the look for something to give ends.
//
// Thread-safety: everything on the member's own thread, except what team_member.cpp says.
#pragma once

#include <weft/atomic.hpp>

#include <cstddef>
#include <cstdint>

namespace weft::detail {

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

/// Work that another member may do. Stands on its owner's stack. A job is given away as a whole, or
/// it is a loop: then half of what is left of it is.
class ForkJob {
 public:
  enum class Act : std::uint8_t {
    may_give,   ///< Whether there is something; if not, there never will be. Must not throw.
    set_apart,  ///< Once, and only what may_give: it is no longer the owner's. If it throws it is.
    run,  ///< By `member`, who has been given it. What it throws comes out of the owner's join.
  };
  /// The answer counts for may_give only.
  using Does = bool (*)(ForkJob&, Act, TeamMember& member);
  explicit ForkJob(Does does) noexcept : does_(does) {}
  ForkJob(const ForkJob&) = delete;
  ForkJob& operator=(const ForkJob&) = delete;

 protected:
  ~ForkJob() = default;
  /// Whether it has been given away, or a part of it.
  [[nodiscard]] bool was_given() const noexcept { return gift_ != nullptr; }

 private:
  friend class TeamMember;
  Does does_;
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
  /// Gives the oldest away that there is. Throws ForkCancelled if the region that runs here is
  /// cancelled.
  void answer();
  /// Takes `job`, the newest, back. True: it was not given away, all of it is the caller's to do.
  [[nodiscard]] bool take_back(ForkJob& job) noexcept {
    if (job.gift_ != nullptr) [[unlikely]]
      return false;
    newest_ = job.older_;
    return true;
  }
  /// Of a job that was given away: does what was given, if the other one has not begun; or else
  /// waits for its end, doing other members' work meanwhile, and rethrows what it threw.
  void join(ForkJob& job);
  /// The same where the owner is being unwound already. What no other member has begun is not
  /// done.
  void drop(ForkJob& job) noexcept;

 private:
  friend class Team;
  friend class TeamUnderModel;

  void work() noexcept;
  void run(ForkGift& gift) noexcept;
  [[nodiscard]] bool withdraw(ForkJob& job) noexcept;
  void run_root(ForkRoot& root) noexcept;
  [[nodiscard]] ForkJob* oldest_to_give() noexcept;
  [[nodiscard]] ForkGift* give() noexcept;
  void decline() noexcept;
  void look_at_region() noexcept;
  void set_idle() noexcept;
  void send_away() noexcept;
  void respond(std::uintptr_t word, ForkGift* gift) noexcept;
  [[nodiscard]] TeamMember& next_victim() noexcept;
  [[nodiscard]] bool may_have_work() const noexcept {
    return busy_.load(std::memory_order_relaxed);  // relaxed: a hint
  }
  [[nodiscard]] bool put_question(TeamMember& victim, std::uintptr_t sleeps) noexcept;
  [[nodiscard]] ForkGift* ask(TeamMember& victim) noexcept;
  bool sleep_asking() noexcept;
  [[nodiscard]] TeamMember* ask_for_long() noexcept;
  bool sleep_for_answer(TeamMember& victim) noexcept;
  [[nodiscard]] ForkGift* taken_answer() noexcept;
  [[nodiscard]] bool withdraw_from(TeamMember& victim) noexcept;
  [[nodiscard]] bool run_anothers() noexcept;
  [[nodiscard]] bool run_given(ForkGift* gift) noexcept;
  void wait_for(ForkGift& gift) noexcept;
  [[nodiscard]] bool look() noexcept;
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
  alignas(64) Atomic<std::uintptr_t> asked_{0};   // who asks, and two bits: see team_member.cpp
  alignas(64) Atomic<std::uintptr_t> answer_{0};  // to this member's own question
  Atomic<bool> busy_{false};  // may have something to give; a hint for those who ask
};

}  // namespace weft::detail
