// The members of a team: asking, giving, waiting, sleeping.
//
// A member's `asked_` holds who asks it for work (a pointer, or none), and the look bit:
//   none → thief        compare-and-swap by the thief, one at a time
//   thief → none        by the thief, who withdraws; or taken by the member (exchange), who must
//                       then answer that thief
//   + look bit          by Team::cancel(): the member is to look at its region
// A thief's `answer_`: `pending` from before it asks until whoever took its question stores the
// job or null. So a question is either withdrawn or answered, never both: a job that is given
// reaches its thief.
//
// A gift's state: running → done by the thief who has run the job, its last touch of gift, job and
// owner; or running → awaited by the owner, who sleeps, → done, and the thief wakes him.
#include "exec/team.hpp"

#include <weft/frame_pool.hpp>

#include <exception>
#include <mutex>
#include <new>
#include <system_error>
#include <utility>

#include "base/thread_pointer.hpp"
#include "os/thread.hpp"

namespace weft {

/// How a job that was given away comes back.
struct ForkGift {
  enum State : std::uint32_t { running, awaited, done };

  ForkGift(TeamMember& its_owner, ForkRegion* its_region) noexcept
      : owner(its_owner), region(its_region) {}

  TeamMember& owner;
  ForkRegion* region;
  std::exception_ptr error;  // before `state` says done
  Atomic<std::uint32_t> state{running};
};

namespace {

constexpr std::uintptr_t look_bit = 1;
constexpr std::uintptr_t pending = 1;

/// How often a thief looks for the answer of a member that may be deep in a long leaf.
constexpr int most_looks = WEFT_ATOMIC_MODE == 2 ? 1 : 2000;
/// How often a member without work goes round before it sleeps: some tens of microseconds.
constexpr int most_rounds = WEFT_ATOMIC_MODE == 2 ? 1 : 200;

}  // namespace

// The member's own work

void TeamMember::run(ForkJob& job) noexcept {
  ForkGift& gift = *job.gift_;
  ForkRegion* const region_before = std::exchange(region_, gift.region);
  try {
    if (region_->cancelled()) throw ForkCancelled();
    job.run_(job);
  } catch (...) {
    gift.error = std::current_exception();
  }
  region_ = region_before;
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
  ForkGift& gift = *job.gift_;
  wait_for(gift);
  newest_ = job.older_;
  const std::exception_ptr error = std::move(gift.error);
  gift.~ForkGift();
  deallocate_frame(&gift, sizeof(ForkGift));
  if (error != nullptr) std::rethrow_exception(error);
}

void TeamMember::drop(ForkJob& job) noexcept {
  if (take_back(job)) return;
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
    if (++rounds < most_rounds) continue;
    std::uint32_t expected = ForkGift::running;
    // Acquire on failure: it is done.
    if (!gift.state.compare_exchange_strong(expected, ForkGift::awaited, std::memory_order_release,
                                            std::memory_order_acquire) &&
        expected == ForkGift::done) {
      break;
    }
    busy_.store(false, std::memory_order_relaxed);
    nap();
    busy_.store(true, std::memory_order_relaxed);
  }
}

// Giving

void TeamMember::answer() {
  // Acquire: pairs with the asker and with Team::cancel().
  const std::uintptr_t word = asked_.exchange(0, std::memory_order_acquire);
  if ((word & ~look_bit) != 0) respond(word, give());
  if (region_ != nullptr && region_->cancelled()) throw ForkCancelled();
}

/// To whoever asks one that has nothing.
void TeamMember::decline() noexcept {
  const std::uintptr_t word = asked_.load(std::memory_order_relaxed);
  if ((word & ~look_bit) == 0) return;
  // The look bit stays: it is for the region that is run here next, or waits below.
  respond(asked_.fetch_and(look_bit, std::memory_order_acquire), nullptr);
}

void TeamMember::respond(std::uintptr_t word, ForkJob* job) noexcept {
  word &= ~look_bit;
  if (word == 0) return;  // withdrawn meanwhile
  // SAFETY: only ask() puts a pointer there. Release: the job, and what its owner did before.
  reinterpret_cast<TeamMember*>(word)->answer_.store(reinterpret_cast<std::uintptr_t>(job),
                                                     std::memory_order_release);
}

/// The oldest job that has not been given, or null.
ForkJob* TeamMember::give() noexcept {
  if (!can_give()) return nullptr;
  ForkJob* job = newest_;
  while (job->older_ != nullptr && job->older_->gift_ == nullptr) job = job->older_;
  try {
    job->gift_ = ::new (allocate_frame(sizeof(ForkGift))) ForkGift(*this, region_);
  } catch (const std::bad_alloc&) {
    return nullptr;  // its owner will do it
  }
  return job;
}

// Asking

/// Runs a job of another member. False: nobody has given one.
bool TeamMember::run_anothers() noexcept {
  const std::size_t size = team_.members_.size();
  for (std::size_t step = 0; step < size; ++step) {
    next_victim_ = next_victim_ + 1 < size ? next_victim_ + 1 : 0;
    TeamMember& victim = *team_.members_[next_victim_];
    if (&victim == this || !victim.busy_.load(std::memory_order_relaxed)) continue;
    if (ForkJob* const job = ask(victim)) {
      const bool was_busy = busy_.load(std::memory_order_relaxed);
      busy_.store(true, std::memory_order_relaxed);
      run(*job);
      busy_.store(was_busy, std::memory_order_relaxed);
      return true;
    }
  }
  return false;
}

ForkJob* TeamMember::ask(TeamMember& victim) noexcept {
  answer_.store(pending, std::memory_order_relaxed);
  std::uintptr_t expected = 0;
  // Release: the victim sees `pending`, before it stores an answer.
  if (!victim.asked_.compare_exchange_strong(expected, reinterpret_cast<std::uintptr_t>(this),
                                             std::memory_order_release,
                                             std::memory_order_relaxed)) {
    return nullptr;  // another one asks
  }
  for (int looks = 0;; ++looks) {
    // Acquire: pairs with respond().
    const std::uintptr_t answer = answer_.load(std::memory_order_acquire);
    // SAFETY: respond() stores nothing else.
    if (answer != pending) return reinterpret_cast<ForkJob*>(answer);
    if (looks == most_looks && withdraw_from(victim)) return nullptr;
    decline();  // two members may ask each other
    spin_hint();
  }
}

/// False: the question has been taken, and the answer is on its way.
bool TeamMember::withdraw_from(TeamMember& victim) noexcept {
  std::uintptr_t word = victim.asked_.load(std::memory_order_relaxed);
  const auto mine = reinterpret_cast<std::uintptr_t>(this);
  while ((word & ~look_bit) == mine) {
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
      busy_.store(false, std::memory_order_relaxed);
      rounds = 0;
    } else if (team_.active() && run_anothers()) {
      rounds = 0;
    } else if (team_.stopping() && !team_.active()) {
      break;
    } else {
      decline();
      spin_hint();
      if (++rounds >= most_rounds) look();
    }
  }
  decline();
  current_ = nullptr;
}

/// Sleeps until there is a root, or for a while if one runs that may have something to give later.
void TeamMember::look() noexcept {
  if (team_.active()) {
    nap();
  } else {
    parker_.park();
  }
}

/// Under the model until it is woken: no wake-up may be left to the limit.
void TeamMember::nap() noexcept {
#if WEFT_ATOMIC_MODE == 2
  parker_.park();
#else
  static_cast<void>(parker_.park_for(Team::nap_limit));
#endif
}

// The team

// Never inlined: a compiler may keep the address of a thread_local over a suspension.
[[gnu::noinline]] Team* Team::current() noexcept { return thread_pointer<Team>(); }

[[gnu::noinline]] Team* Team::make_current(Team* team) noexcept {
  return std::exchange(thread_pointer<Team>(), team);
}

Result<void> Team::submit(ForkRoot& root) noexcept {
  const std::lock_guard lock(mutex_);
  if (stopping()) return fail(std::errc::operation_canceled);
  if (threads_.empty()) {
    if (const std::error_code error = start()) return fail(error);
  }
  root.next_ = nullptr;
  root.queued_ = true;
  (first_ != nullptr ? last_->next_ : first_) = &root;
  last_ = &root;
  active_.fetch_add(1, std::memory_order_relaxed);
  submitted_.fetch_add(1, std::memory_order_relaxed);
  wake_all();
  return {};
}

void Team::make_members() {
  if (size_ == 0) size_ = cpu_count();
  members_.clear();
  members_.reserve(size_);
  for (std::size_t i = 0; i < size_; ++i) {
    members_.push_back(std::make_unique<TeamMember>(*this, i));
  }
}

/// With the mutex held. Fewer threads than wanted will do, as long as there is one.
std::error_code Team::start() noexcept try {
  make_members();
  threads_.reserve(size_);
  try {
    for (std::size_t i = 0; i < size_; ++i) {
      threads_.emplace_back([member = members_[i].get()] { member->work(); });
    }
  } catch (const std::system_error& error) {
    if (threads_.empty()) return error.code();
  }
  return {};
} catch (const std::bad_alloc&) {
  return std::make_error_code(std::errc::not_enough_memory);
}

/// With the mutex held: the token that each gets is there when it next means to sleep.
void Team::wake_all() noexcept {
  for (const auto& member : members_) member->parker_.unpark();
}

ForkRoot* Team::take_root() noexcept {
  if (!active()) return nullptr;
  const std::lock_guard lock(mutex_);
  ForkRoot* const root = first_;
  if (root == nullptr) return nullptr;
  first_ = root->next_;
  root->queued_ = false;
  return root;
}

bool Team::withdraw(ForkRoot& root) noexcept {
  const std::lock_guard lock(mutex_);
  if (!root.queued_) return false;
  ForkRoot* before = nullptr;
  for (ForkRoot* each = first_; each != &root; each = each->next_) before = each;
  (before != nullptr ? before->next_ : first_) = root.next_;
  if (last_ == &root) last_ = before;
  root.queued_ = false;
  root_ended();
  return true;
}

void Team::cancel(ForkRegion& region) noexcept {
  region.cancelled_.store(true, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  for (const auto& member : members_) {
    // Release: pairs with answer(), or with whoever asks for a job of the region and looks then.
    member->asked_.fetch_or(look_bit, std::memory_order_release);
  }
}

void Team::stop() noexcept {
  std::vector<std::thread> threads;
  {
    const std::lock_guard lock(mutex_);
    stopping_.store(true, std::memory_order_relaxed);
    threads.swap(threads_);
    wake_all();
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace weft
