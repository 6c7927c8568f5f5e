// The members of a team: asking, giving, waiting, sleeping.
//
// A member's `asked_` holds who asks it for work (a pointer, or none), and two bits:
//   none → thief        compare-and-swap by the thief, one at a time; with the sleeps bit if it
//                       sleeps until it is answered, or for nap_limit
//   thief → none        by the thief, who withdraws; or taken by the member (exchange), who must
//                       then answer that thief, and wake it if it sleeps
//   + look bit          by look_at_region(): the member is to look at its region
// A thief's `answer_`: `pending` from before it asks until whoever took its question stores the
// gift or null. So a question is either withdrawn or answered, never both: a gift reaches its
// thief. The question of a thief that sleeps stands until there is something to give:
// in the middle of a long leaf nobody could tell when that will be.
//
// A gift's state: given → begun by the thief; or given → withdrawn by the owner, who has come to
// the job himself before the thief has: then the gift is the thief's to destroy, and the job may be
// gone. begun → done by the thief who has run the job, its last touch of gift, job and owner; or
// begun → awaited by the owner, who sleeps, → done, and the thief wakes him.
#include "compute/team.hpp"

#include <weft/extend/frame_pool.hpp>

#include <exception>
#include <new>
#include <utility>

#include "os/thread.hpp"

namespace weft::detail {

/// How a job that was given away comes back.
struct ForkGift {
  enum State : std::uint32_t { given, begun, withdrawn, awaited, done };

  ForkGift(ForkJob& its_job, TeamMember& its_owner, ForkRegion* its_region) noexcept
      : job(its_job), owner(its_owner), region(its_region) {}

  /// Ends what give() has made.
  void destroy() noexcept {
    this->~ForkGift();
    deallocate_frame(this, sizeof(ForkGift));
  }
  /// given → `to`: by the thief or by the owner, whoever is first.
  [[nodiscard]] bool claim(State to) noexcept {
    std::uint32_t expected = given;
    // Release: the owner's last touch. Acquire: who destroys it comes after that.
    return state.compare_exchange_strong(expected, to, std::memory_order_release,
                                         std::memory_order_acquire);
  }

  ForkJob& job;
  TeamMember& owner;
  ForkRegion* region;
  std::exception_ptr error;  // before `state` says done
  Atomic<std::uint32_t> state{given};
};

namespace {

constexpr std::uintptr_t look_bit = 1;
constexpr std::uintptr_t sleeps_bit = 2;
constexpr std::uintptr_t pending = 1;

constexpr std::uintptr_t asker_in(std::uintptr_t word) noexcept {
  return word & ~(look_bit | sleeps_bit);
}

/// How often a thief looks for the answer of a member that may be deep in a long leaf.
constexpr int most_looks = WEFT_ATOMIC_MODE == 2 ? 1 : 2000;
/// How often a member without work goes round before it sleeps: some microseconds where nobody can
/// be asked, and some milliseconds where nobody answers.
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
  // What was to be looked at meanwhile may have been this one's, and have been looked for there.
  if (region_ != nullptr && region_->cancelled()) look_at_region();
  TeamMember& owner = gift.owner;
  // Release: what the job did and threw is the owner's to see. Acquire: his sleep.
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

/// Of what was given: takes it back, if its thief has not begun.
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
    // Acquire: pairs with run().
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
    // Acquire on failure: it is done.
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
  // Relaxed: it is a look at what is taken below. Acquire there: pairs with the asker, and with
  // look_at_region().
  std::uintptr_t word = asked_.load(std::memory_order_relaxed);
  if ((word & sleeps_bit) == 0 || oldest_to_give() != nullptr) {
    word = asked_.exchange(0, std::memory_order_acquire);
    if (asker_in(word) != 0) respond(word, give());
  } else if ((word & look_bit) != 0) {
    asked_.fetch_and(~look_bit, std::memory_order_acquire);
  }
  if (region_ != nullptr && region_->cancelled()) throw ForkCancelled();
}

/// By one that has nothing to give at the moment: to who waits for an answer.
void TeamMember::decline() noexcept {
  if ((asked_.load(std::memory_order_relaxed) & sleeps_bit) == 0) send_away();
}

/// Any thread, after a region was cancelled. Release: pairs with answer(), or with whoever asks for
/// a job of the region and looks then.
void TeamMember::look_at_region() noexcept { asked_.fetch_or(look_bit, std::memory_order_release); }

/// By one that has nothing to give, and will not look here for long. Who goes to sleep meanwhile
/// with a question to it is sent away, or sees that it is not busy.
void TeamMember::set_idle() noexcept {
  busy_.store(false, std::memory_order_relaxed);
  atomic_fence(std::memory_order_seq_cst);  // pairs with the one in sleep_for_answer()
  send_away();
}

/// To whoever asks.
void TeamMember::send_away() noexcept {
  const std::uintptr_t word = asked_.load(std::memory_order_relaxed);
  if (asker_in(word) == 0) return;
  // The look bit stays: it is for the region that is run here next, or waits below.
  respond(asked_.fetch_and(look_bit, std::memory_order_acquire), nullptr);
}

void TeamMember::respond(std::uintptr_t word, ForkGift* gift) noexcept {
  if (asker_in(word) == 0) return;  // withdrawn meanwhile
  // SAFETY: only put_question() puts a pointer there.
  TeamMember& asker = *reinterpret_cast<TeamMember*>(asker_in(word));
  // Release: the job, and what its owner did before.
  asker.answer_.store(reinterpret_cast<std::uintptr_t>(gift), std::memory_order_release);
  if ((word & sleeps_bit) != 0) asker.parker_.unpark();
}

/// Of what has not been given the oldest that has something to give, or null. What will never have
/// is taken out of the list, so that it is looked at once: when it is taken back the list is what
/// it was before it.
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
    // It may fork, and answer: what passes for given is not given again.
    static_cast<void>(job->does_(*job, ForkJob::Act::set_apart, *this));
  } catch (...) {  // no memory, or what the user's copy has thrown: its owner will do it
    if (job->gift_ != nullptr) std::exchange(job->gift_, nullptr)->destroy();
  }
  return job->gift_;
}

// Asking

/// Runs a job of another member. False: nobody has given one.
bool TeamMember::run_anothers() noexcept {
  for (std::size_t others = team_.members_.size() - 1; others != 0; --others) {
    TeamMember& victim = next_victim();
    if (victim.may_have_work() && run_given(ask(victim))) return true;
  }
  return false;
}

/// Of the others the next in turn, if there are any.
TeamMember& TeamMember::next_victim() noexcept {
  const std::size_t size = team_.members_.size();
  do {
    next_victim_ = next_victim_ + 1 < size ? next_victim_ + 1 : 0;
  } while (next_victim_ == index_ && size > 1);
  return *team_.members_[next_victim_];
}

/// False: there is none, or it was withdrawn.
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

/// False: another one asks it.
bool TeamMember::put_question(TeamMember& victim, std::uintptr_t sleeps) noexcept {
  answer_.store(pending, std::memory_order_relaxed);
  std::uintptr_t expected = 0;
  // Release: the victim sees `pending`, before it stores an answer.
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

/// Sleeps until there is a root, until who is asked has something to give, until what the member
/// waits for has ended, or for a while. Runs what it has been given; false: nothing.
bool TeamMember::sleep_asking() noexcept {
  if (TeamMember* const victim = ask_for_long()) return sleep_for_answer(*victim);
  nap();
  return false;
}

/// Asks another member, as one that sleeps. Null: nobody is busy, or others ask them all.
TeamMember* TeamMember::ask_for_long() noexcept {
  for (std::size_t others = team_.members_.size() - 1; others != 0; --others) {
    TeamMember& victim = next_victim();
    if (victim.may_have_work() && put_question(victim, sleeps_bit)) return &victim;
  }
  return nullptr;
}

bool TeamMember::sleep_for_answer(TeamMember& victim) noexcept {
  atomic_fence(std::memory_order_seq_cst);  // pairs with the one in set_idle()
  if (victim.may_have_work()) nap();
  if (withdraw_from(victim)) return false;
  while (answer_.load(std::memory_order_relaxed) == pending) {
    decline();
    spin_hint();
  }
  return run_given(taken_answer());
}

/// Of a question that was answered.
ForkGift* TeamMember::taken_answer() noexcept {
  // Acquire: pairs with respond(), which stores nothing else. SAFETY: so it is a gift or null.
  return reinterpret_cast<ForkGift*>(answer_.load(std::memory_order_acquire));
}

/// False: the question has been taken, and the answer is on its way.
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

/// Sleeps until there is a root, or asks for long who runs one. True: it has run what it was given.
bool TeamMember::look() noexcept {
  if (team_.active()) return sleep_asking();
  parker_.park();
  return false;
}

/// Under the model until it is woken: no wake-up may be left to the limit.
void TeamMember::nap() noexcept {
#if WEFT_ATOMIC_MODE == 2
  parker_.park();
#else
  static_cast<void>(parker_.park_for(Team::nap_limit));
#endif
}

}  // namespace weft::detail
