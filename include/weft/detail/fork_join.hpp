// TeamMember, ForkJob: the implementation of parallel_invoke() and the other functions of
// <weft/parallel.hpp>, as far as they must be inlined into the user's loops. The rest is in
// src/compute/team_member.cpp; a Team (src/compute/team.hpp) owns the members.
//
// Work is given away on request only (receiver-initiated; Acar, Charguéraud, Rainey, "Scheduling
// Parallel Programs by Work Stealing with Private Deques", PPoPP 2013). A fork puts a job on its
// member's stack into a plain list, and looks at one word of that member. Only if another member, a
// thief, has asked by that word does the member give its *oldest* job, the largest, or half of its
// oldest loop, away. While no thief asks, a fork costs a few plain stores and a load: no
// read-modify-write, no fence, no allocation.
//
// Thread-safety: everything on the member's own thread, except what team_member.cpp says.
// Invariants:
//  - the list of jobs, newest first, is used by its member alone. The oldest job that has something
//    to give is given. A job older than a given one was given, too, or is a loop in its last steps,
//    which will never have anything to give;
//  - a given job has a ForkGift, made before it is handed over. Before the owner leaves the job's
//    scope, on every path, it withdraws the gift, which works only while the thief has not begun,
//    or else waits for the gift's end;
//  - a member that waits for a gift runs other members' jobs meanwhile, on the same stack. Their
//    part of the list stands on top of the given job, at which the search for something to give
//    stops.
#pragma once

#include <weft/atomic.hpp>

#include <cstddef>
#include <cstdint>

namespace weft::inline v0_1::detail {

class Team;
class TeamMember;
struct ForkGift;

/// The unit of cancellation: one parallel().
class ForkRegion {
 public:
  [[nodiscard]] bool cancelled() const noexcept {
    return cancelled_.load(std::memory_order_relaxed);  // relaxed: see Team::cancel()
  }

 private:
  friend class Team;
  Atomic<bool> cancelled_{false};
};

/// The exception that unwinds a cancelled region. It cannot be caught by its name. A catch (...)
/// must pass it on by `throw;`, else the next fork throws it again.
class ForkCancelled {
  friend class TeamMember;
  ForkCancelled() noexcept = default;
};

/// The root of a tree of forks.
class ForkRoot {
 public:
  /// Called on a member. Must not throw. The root may be destroyed when it returns.
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
  ForkRoot* next_ = nullptr;  // this and the next are guarded by the team's mutex
  bool queued_ = false;
};

/// Work that another member may do. Stands on its owner's stack. A job is given away as a whole; of
/// a loop, half of what is left is given away.
class ForkJob {
 public:
  enum class Act : std::uint8_t {
    /// Returns whether it has something to give; once false, always false. Must not throw.
    may_give,
    /// Takes it from the owner. Called once, after may_give. If it throws, the owner keeps it.
    set_apart,
    /// Called by `member`, to which it was given. What it throws is thrown by the owner's join().
    run,
  };
  /// The result counts for may_give only.
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
  ForkGift* gift_ = nullptr;  // null until it has been given away
};

class alignas(64) TeamMember {
 public:
  TeamMember(Team& team, std::size_t index) noexcept : team_(team), index_(index) {}
  TeamMember(const TeamMember&) = delete;
  TeamMember& operator=(const TeamMember&) = delete;

  /// The member of the calling thread, or null. Read in place, unlike other thread_local objects: a
  /// member's thread runs no tasks, so nothing suspended on it is resumed on another thread; on all
  /// other threads it is null.
  [[nodiscard]] static TeamMember* current() noexcept { return current_; }

  // For forks
  void push(ForkJob& job) noexcept {
    job.older_ = newest_;
    newest_ = &job;
  }
  /// Whether another member waits for work, or a region is cancelled: the caller must answer().
  [[nodiscard]] bool asked() const noexcept {
    return asked_.load(std::memory_order_relaxed) != 0;  // relaxed: answer() looks again
  }
  /// Gives away the oldest job that has something to give. Throws ForkCancelled if the region that
  /// runs here is cancelled.
  void answer();
  /// Takes back `job`, the newest. True: it was not given away, and the caller must do all of it.
  [[nodiscard]] bool take_back(ForkJob& job) noexcept {
    if (job.gift_ != nullptr) [[unlikely]]
      return false;
    newest_ = job.older_;
    return true;
  }
  /// For a job that was given away: does the given work, if the thief has not begun. Otherwise
  /// waits for its end, running other members' jobs meanwhile, and rethrows what it threw.
  void join(ForkJob& job);
  /// As join(), while the owner is being unwound: work that no thief has begun is not done.
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

  // Used by the member's own thread
  ForkJob* newest_ = nullptr;
  ForkRegion* region_ = nullptr;
  Team& team_;
  const std::size_t index_;
  std::size_t next_victim_ = 0;
  ThreadParker parker_;
  // Shared with other members: the protocol is in team_member.cpp
  alignas(64) Atomic<std::uintptr_t> asked_{0};   // the thief that asks, and two bits
  alignas(64) Atomic<std::uintptr_t> answer_{0};  // to this member's own question
  // Whether it may have something to give. A hint for thieves; written by this member.
  Atomic<bool> busy_{false};
};

}  // namespace weft::inline v0_1::detail
