// TeamMember: asking for work, giving it away, waiting, sleeping. The contract is in
// <weft/detail/fork_join.hpp>. Runs on the team's threads; look_at_region() on any.
//
// The protocol of a question: a member without work, the thief, asks another one, its victim.
// The victim's `asked_` holds the thief (a pointer, or none) and two bits:
//   none → thief      compare-and-swap by the thief, one thief at a time; with the sleeps bit if
//                     the thief sleeps until it is answered, or for nap_limit
//   thief → none      by the thief, which withdraws; or taken by the victim (exchange), which must
//                     then answer that thief, and wake it if it sleeps
//   + look bit        by look_at_region(): the victim must look at its region
// The thief's `answer_` is `pending` from before it asks until the thread that took its question
// stores the gift or null. So a question is either withdrawn or answered, never both: a gift
// reaches its thief. The question of a sleeping thief stands until there is something to give: in
// the middle of a long leaf no thread can tell when that will be.
//
// The states of a gift:
//   given → begun      by the thief, before it runs the job
//   given → withdrawn  by the owner, which has come to the job before the thief: the thief then
//                      destroys the gift, and the job may be gone
//   begun → done       by the thief, after the job has run: its last touch of gift, job and owner
//   begun → awaited    by the owner, before it sleeps
//   awaited → done     by the thief, as above; it then wakes the owner
#include "compute/team.hpp"

#include <weft/extend/frame_pool.hpp>

#include <exception>
#include <new>
#include <utility>

#include "os/thread.hpp"

namespace weft::inline v0_1::detail {

/// The hand-over of a given job, and its way back.
struct ForkGift {
  enum State : std::uint32_t { given, begun, withdrawn, awaited, done };

  ForkGift(ForkJob& its_job, TeamMember& its_owner, ForkRegion* its_region) noexcept
      : job(its_job), owner(its_owner), region(its_region) {}

  /// Destroys what give() has made.
  void destroy() noexcept {
    this->~ForkGift();
    deallocate_frame(this, sizeof(ForkGift));
  }
  /// given → `to`, for the thief or the owner. True: this thread came first.
  [[nodiscard]] bool claim(State to) noexcept {
    std::uint32_t expected = given;
    // Release: the owner's last touch, if it withdraws. Acquire on failure: the thread that came
    // second, and may destroy the gift, sees the first one's accesses.
    return state.compare_exchange_strong(expected, to, std::memory_order_release,
                                         std::memory_order_acquire);
  }

  ForkJob& job;
  TeamMember& owner;
  ForkRegion* region;
  std::exception_ptr error;  // written before `state` becomes done
  Atomic<std::uint32_t> state{given};
};

namespace {

constexpr std::uintptr_t look_bit = 1;
constexpr std::uintptr_t sleeps_bit = 2;
constexpr std::uintptr_t pending = 1;

constexpr std::uintptr_t asker_in(std::uintptr_t word) noexcept {
  return word & ~(look_bit | sleeps_bit);
}

/// How often a thief looks for the answer of a victim that may be deep in a long leaf.
constexpr int most_looks = WEFT_ATOMIC_MODE == 2 ? 1 : 2000;
/// How many rounds a member without work makes before it sleeps: some microseconds if there is no
/// victim, some milliseconds if no victim answers.
constexpr int most_rounds = WEFT_ATOMIC_MODE == 2 ? 1 : 200;

}  // namespace

// The member's own work

void TeamMember::run(ForkGift& gift) noexcept {
  ForkRegion* const region_before = std::exchange(region_, gift.region);
  try {
    if (region_->cancelled()) throw ForkCancelled();
    static_cast<void>(gift.job.does_(gift.job, ForkJob::Act::run, *this));
  } catch (...) {
    gift.error = std::current_exception();
  }
  region_ = region_before;
  // The look bit may have been meant for this region, and consumed while the job ran: sets it
  // again.
  if (region_ != nullptr && region_->cancelled()) look_at_region();
  TeamMember& owner = gift.owner;
  // Release: pairs with wait_for(): the owner sees what the job did and threw. Acquire: pairs with
  // begun → awaited, before the owner slept.
  if (gift.state.exchange(ForkGift::done, std::memory_order_acq_rel) == ForkGift::awaited) {
    owner.parker_.unpark();
  }
}

void TeamMember::run_root(ForkRoot& root) noexcept {
  region_ = &root.region();
  root.run_(root);
  region_ = nullptr;
  team_.root_ended();
}

void TeamMember::join(ForkJob& job) {
  if (withdraw(job)) {
    static_cast<void>(job.does_(job, ForkJob::Act::run, *this));
    return;
  }
  ForkGift& gift = *job.gift_;
  wait_for(gift);
  newest_ = job.older_;
  const std::exception_ptr error = std::move(gift.error);
  gift.destroy();
  if (error != nullptr) std::rethrow_exception(error);
}

/// Takes back a given job, if its thief has not begun.
bool TeamMember::withdraw(ForkJob& job) noexcept {
  if (!job.gift_->claim(ForkGift::withdrawn)) return false;
  newest_ = job.older_;
  return true;
}

void TeamMember::drop(ForkJob& job) noexcept {
  if (take_back(job) || withdraw(job)) return;
  try {
    join(job);
  } catch (...) {  // the owner's own exception counts
  }
}

void TeamMember::wait_for(ForkGift& gift) noexcept {
  const auto ended = [&gift] {
    // Acquire: pairs with the exchange in run().
    return gift.state.load(std::memory_order_acquire) == ForkGift::done;
  };
  int rounds = 0;
  while (!ended()) {
    if (run_anothers()) {
      rounds = 0;
      continue;
    }
    decline();
    spin_hint();
    if (rounds < most_rounds) {
      ++rounds;
      continue;
    }
    std::uint32_t expected = ForkGift::begun;
    // Release: pairs with run(), which wakes this member. Acquire on failure: the gift may be done.
    if (!gift.state.compare_exchange_strong(expected, ForkGift::awaited, std::memory_order_release,
                                            std::memory_order_acquire) &&
        expected == ForkGift::done) {
      break;
    }
    set_idle();
    if (sleep_asking()) rounds = 0;
    busy_.store(true, std::memory_order_relaxed);
  }
}

// Giving

void TeamMember::answer() {
  // Relaxed: a first look at the word that is taken below. Acquire there: pairs with put_question()
  // and with look_at_region().
  std::uintptr_t word = asked_.load(std::memory_order_relaxed);
  if ((word & sleeps_bit) == 0 || oldest_to_give() != nullptr) {
    word = asked_.exchange(0, std::memory_order_acquire);
    if (asker_in(word) != 0) respond(word, give());
  } else if ((word & look_bit) != 0) {
    asked_.fetch_and(~look_bit, std::memory_order_acquire);
  }
  if (region_ != nullptr && region_->cancelled()) throw ForkCancelled();
}

/// Called by a member that has nothing to give at the moment: sends a thief away that waits awake.
void TeamMember::decline() noexcept {
  if ((asked_.load(std::memory_order_relaxed) & sleeps_bit) == 0) send_away();
}

/// Any thread, after a region was cancelled. Release: pairs with the acquires in answer() and
/// send_away(). A thief that gets a job of the region from this member after that sees the cancel,
/// too: run() checks it.
void TeamMember::look_at_region() noexcept { asked_.fetch_or(look_bit, std::memory_order_release); }

/// Called by a member that has nothing to give, and will not look here for long. The fence: either
/// this member sees the question of a thief about to sleep, and sends it away, or that thief sees
/// that the member is not busy.
void TeamMember::set_idle() noexcept {
  busy_.store(false, std::memory_order_relaxed);
  atomic_fence(std::memory_order_seq_cst);  // pairs with the fence in sleep_for_answer()
  send_away();
}

/// Answers the thief that asks, if any, with null.
void TeamMember::send_away() noexcept {
  const std::uintptr_t word = asked_.load(std::memory_order_relaxed);
  if (asker_in(word) == 0) return;
  // The look bit stays: for the region that runs here next, or waits further down the stack.
  // Acquire: pairs with put_question().
  respond(asked_.fetch_and(look_bit, std::memory_order_acquire), nullptr);
}

void TeamMember::respond(std::uintptr_t word, ForkGift* gift) noexcept {
  if (asker_in(word) == 0) return;  // withdrawn meanwhile
  // SAFETY: only put_question() stores a pointer there.
  TeamMember& asker = *reinterpret_cast<TeamMember*>(asker_in(word));
  // Release: pairs with taken_answer(): the thief sees the job, and what its owner did before.
  asker.answer_.store(reinterpret_cast<std::uintptr_t>(gift), std::memory_order_release);
  if ((word & sleeps_bit) != 0) asker.parker_.unpark();
}

/// Returns the oldest job that is not given and has something to give, or null. Removes jobs that
/// will never have anything from the list, so each is looked at once. take_back() of such a job
/// restores the list as it was before the job.
ForkJob* TeamMember::oldest_to_give() noexcept {
  ForkJob* job = nullptr;
  ForkJob** link = &newest_;
  while (*link != nullptr && (*link)->gift_ == nullptr) {
    ForkJob& each = **link;
    if (each.does_(each, ForkJob::Act::may_give, *this)) {
      job = &each;
      link = &each.older_;
    } else {
      *link = each.older_;
    }
  }
  return job;
}

ForkGift* TeamMember::give() noexcept {
  ForkJob* const job = oldest_to_give();
  if (job == nullptr) return nullptr;
  try {
    job->gift_ = ::new (allocate_frame(sizeof(ForkGift))) ForkGift(*job, *this, region_);
    // set_apart may fork, and answer() within: gift_ is set first, so this job is not given again.
    static_cast<void>(job->does_(*job, ForkJob::Act::set_apart, *this));
  } catch (...) {  // no memory, or the user's copy has thrown: the owner keeps the job
    if (job->gift_ != nullptr) std::exchange(job->gift_, nullptr)->destroy();
  }
  return job->gift_;
}

// Asking

/// Runs a job of another member. False: no member has given one.
bool TeamMember::run_anothers() noexcept {
  for (std::size_t others = team_.members_.size() - 1; others != 0; --others) {
    TeamMember& victim = next_victim();
    if (victim.may_have_work() && run_given(ask(victim))) return true;
  }
  return false;
}

/// Returns the next of the other members in turn, if there are any.
TeamMember& TeamMember::next_victim() noexcept {
  const std::size_t size = team_.members_.size();
  do {
    next_victim_ = next_victim_ + 1 < size ? next_victim_ + 1 : 0;
  } while (next_victim_ == index_ && size > 1);
  return *team_.members_[next_victim_];
}

/// Runs the job of `gift`. False: there is none, or its owner withdrew it.
bool TeamMember::run_given(ForkGift* gift) noexcept {
  if (gift == nullptr) return false;
  if (!gift->claim(ForkGift::begun)) {
    gift->destroy();
    return false;
  }
  const bool was_busy = busy_.load(std::memory_order_relaxed);
  busy_.store(true, std::memory_order_relaxed);
  run(*gift);
  if (!was_busy) set_idle();
  return true;
}

/// False: another thief asks `victim`.
bool TeamMember::put_question(TeamMember& victim, std::uintptr_t sleeps) noexcept {
  answer_.store(pending, std::memory_order_relaxed);
  std::uintptr_t expected = 0;
  // Release: pairs with the victim's acquire: `pending` comes before the answer it stores.
  return victim.asked_.compare_exchange_strong(
      expected, reinterpret_cast<std::uintptr_t>(this) | sleeps, std::memory_order_release,
      std::memory_order_relaxed);
}

ForkGift* TeamMember::ask(TeamMember& victim) noexcept {
  if (!put_question(victim, 0)) return nullptr;
  for (int looks = 0; answer_.load(std::memory_order_relaxed) == pending; ++looks) {
    if (looks == most_looks && withdraw_from(victim)) return nullptr;
    decline();  // two members may ask each other
    spin_hint();
  }
  return taken_answer();
}

/// Sleeps until there is a root, until the victim has something to give, until the gift that the
/// member waits for has ended, or for nap_limit. Runs what it was given; false: nothing.
bool TeamMember::sleep_asking() noexcept {
  if (TeamMember* const victim = ask_for_long()) return sleep_for_answer(*victim);
  nap();
  return false;
}

/// Asks another member, and sets the sleeps bit. Null: no member is busy, or all have a thief.
TeamMember* TeamMember::ask_for_long() noexcept {
  for (std::size_t others = team_.members_.size() - 1; others != 0; --others) {
    TeamMember& victim = next_victim();
    if (victim.may_have_work() && put_question(victim, sleeps_bit)) return &victim;
  }
  return nullptr;
}

bool TeamMember::sleep_for_answer(TeamMember& victim) noexcept {
  atomic_fence(std::memory_order_seq_cst);  // pairs with the fence in set_idle()
  if (victim.may_have_work()) nap();
  if (withdraw_from(victim)) return false;
  while (answer_.load(std::memory_order_relaxed) == pending) {
    decline();
    spin_hint();
  }
  return run_given(taken_answer());
}

/// Returns the answer to a question that was answered.
ForkGift* TeamMember::taken_answer() noexcept {
  // Acquire: pairs with respond(). SAFETY: respond() stores only a gift or null.
  return reinterpret_cast<ForkGift*>(answer_.load(std::memory_order_acquire));
}

/// Withdraws the question. False: the victim has taken it, and the answer is on its way.
bool TeamMember::withdraw_from(TeamMember& victim) noexcept {
  std::uintptr_t word = victim.asked_.load(std::memory_order_relaxed);
  const auto mine = reinterpret_cast<std::uintptr_t>(this);
  while (asker_in(word) == mine) {
    // Relaxed: nothing is handed over.
    if (victim.asked_.compare_exchange_weak(word, word & look_bit, std::memory_order_relaxed,
                                            std::memory_order_relaxed)) {
      return true;
    }
  }
  return false;
}

// Without work

void TeamMember::work() noexcept {
  name_current_thread("weft-team");
  current_ = this;
  int rounds = 0;
  for (;;) {
    if (ForkRoot* const root = team_.take_root()) {
      busy_.store(true, std::memory_order_relaxed);
      run_root(*root);
      set_idle();
      rounds = 0;
    } else if (team_.active() && run_anothers()) {
      rounds = 0;
    } else if (team_.stopping() && !team_.active()) {
      break;
    } else {
      send_away();
      spin_hint();
      if (rounds < most_rounds) {
        ++rounds;
      } else if (look()) {
        rounds = 0;
      }
    }
  }
  send_away();
  current_ = nullptr;
}

/// Sleeps until there is a root, or until a busy member answers. True: it has run what it was
/// given.
bool TeamMember::look() noexcept {
  if (team_.active()) return sleep_asking();
  parker_.park();
  return false;
}

/// In the model it sleeps until it is woken: no wake-up may be left to the limit.
void TeamMember::nap() noexcept {
#if WEFT_ATOMIC_MODE == 2
  parker_.park();
#else
  static_cast<void>(parker_.park_for(Team::nap_limit));
#endif
}

}  // namespace weft::inline v0_1::detail
