// The functions of <weft/atomic.hpp>, <weft/model/data.hpp> and base/futex.hpp that call the
// scheduler of the model checker. On a thread that runs no execution they act at once.
#include <weft/model.hpp>

#include <array>
#include <thread>

#include "base/futex.hpp"
#include "model/scheduler.hpp"

namespace weft::inline v0_1 {
inline namespace WEFT_ATOMIC_NAMESPACE {

using model::ModelObject;
using model::Scheduler;
using Effect = model::TraceStep::Effect;
using Where = std::source_location;

namespace {

ModelAccess access_to(const void* object, const char* operation, Where where,
                      ModelAccess::Kind kind = ModelAccess::Kind::none,
                      std::memory_order order = std::memory_order_relaxed) noexcept {
  return {object, operation, order, order, kind, 0, where};
}

}  // namespace

namespace model_hooks {

void atomic_begins(const void* object, std::uint64_t value) noexcept {
  Scheduler* const scheduler = Scheduler::current();
  if (scheduler == nullptr) return;
  scheduler->memory().made(scheduler->self(), object, ModelObject::Kind::atomic);
  scheduler->memory().atomic_made(object, value);
}

void mutex_begins(const void* object) noexcept {
  Scheduler* const scheduler = Scheduler::current();
  if (scheduler == nullptr) return;
  scheduler->memory().made(scheduler->self(), object, ModelObject::Kind::other);
}

void object_ends(const void* object) noexcept {
  Scheduler* const scheduler = Scheduler::current();
  if (scheduler == nullptr) return;
  scheduler->check(scheduler->memory().destroyed(scheduler->self(), object),
                   access_to(object, "destroys", Where()));
}

bool before(const ModelAccess& access) noexcept {
  Scheduler* const scheduler = Scheduler::current();
  if (scheduler == nullptr) return false;
  scheduler->step(access);
  return true;
}

std::uint64_t load(const ModelAccess& access, std::uint64_t newest) noexcept {
  Scheduler& scheduler = *Scheduler::current();
  const std::uint64_t value = scheduler.memory().load(scheduler.self(), access, newest);
  scheduler.note(access, value == newest ? Effect::read : Effect::read_old, value, newest);
  return value;
}

std::uint64_t load_newest(const ModelAccess& access, std::uint64_t newest) noexcept {
  Scheduler& scheduler = *Scheduler::current();
  scheduler.note(access, Effect::read, newest);
  return scheduler.memory().load_newest(scheduler.self(), access, newest);
}

void store(const ModelAccess& access, std::uint64_t value) noexcept {
  Scheduler& scheduler = *Scheduler::current();
  scheduler.memory().store(scheduler.self(), access, value);
  scheduler.note(access, Effect::write, 0, value);
}

void modify(const ModelAccess& access, std::uint64_t before, std::uint64_t after) noexcept {
  Scheduler& scheduler = *Scheduler::current();
  scheduler.memory().modify(scheduler.self(), access, before, after);
  scheduler.note(access, Effect::modify, before, after);
}

bool compare(const ModelAccess& access, std::uint64_t newest, std::uint64_t& expected,
             std::uint64_t desired, bool weak) noexcept {
  Scheduler& scheduler = *Scheduler::current();
  const bool done =
      scheduler.memory().compare(scheduler.self(), access, newest, expected, desired, weak);
  scheduler.note(access, done ? Effect::succeeds : Effect::fails, done ? newest : expected,
                 desired);
  return done;
}

void fence(std::memory_order order, Where where) noexcept {
  Scheduler* const scheduler = Scheduler::current();
  if (scheduler == nullptr) return std::atomic_thread_fence(order);
  const ModelAccess access = access_to(nullptr, "fence", where, ModelAccess::Kind::none, order);
  scheduler->step(access);
  scheduler->memory().fence(scheduler->self(), order);
  scheduler->note(access);
}

void asymmetric_fence(bool heavy, Where where) noexcept {
  Scheduler* const scheduler = Scheduler::current();
  if (scheduler == nullptr) return std::atomic_thread_fence(std::memory_order_seq_cst);
  const ModelAccess access = access_to(nullptr, heavy ? "heavy fence" : "light fence", where);
  scheduler->step(access);
  if (heavy) {
    scheduler->memory().heavy_fence(scheduler->self());
  } else {
    scheduler->memory().light_fence(scheduler->self());
  }
  scheduler->note(access);
}

}  // namespace model_hooks

void spin_hint() noexcept {
  if (Scheduler* const scheduler = Scheduler::current()) {
    scheduler->yield();
  } else {
    std::this_thread::yield();
  }
}

const void* this_thread_mark() noexcept {
  // The program's threads run on the exploring thread and so share its thread_local variables.
  static constexpr std::array<char, 16> marks{};
  Scheduler* const scheduler = Scheduler::current();
  return &marks.at(scheduler != nullptr ? 1 + scheduler->self() : 0);
}

void ThreadMutex::lock(Where where) {
  Scheduler* const scheduler = Scheduler::current();
  if (scheduler == nullptr) {
    while (locked_.exchange(true, std::memory_order_acquire)) std::this_thread::yield();
    return;
  }
  const ModelAccess access = access_to(this, "locks", where);
  scheduler->step(access);
  while (locked_.exchange(true, std::memory_order_relaxed)) {
    scheduler->block(this, Scheduler::Wait::mutex, false);
  }
  scheduler->memory().lock(scheduler->self(), this);
  scheduler->note(access);
}

bool ThreadMutex::try_lock(Where where) {
  Scheduler* const scheduler = Scheduler::current();
  if (scheduler == nullptr) return !locked_.exchange(true, std::memory_order_acquire);
  ModelAccess access = access_to(this, "locks", where);
  scheduler->step(access);
  const bool locked = !locked_.exchange(true, std::memory_order_relaxed);
  if (locked) scheduler->memory().lock(scheduler->self(), this);
  if (!locked) access.operation = "fails to lock";
  scheduler->note(access);
  return locked;
}

void ThreadMutex::unlock(Where where) {
  Scheduler* const scheduler = Scheduler::current();
  if (scheduler == nullptr) return locked_.store(false, std::memory_order_release);
  const ModelAccess access = access_to(this, "unlocks", where);
  scheduler->step(access);
  scheduler->memory().unlock(scheduler->self(), this);
  scheduler->note(access);
  locked_.store(false, std::memory_order_relaxed);
  scheduler->wake(this, true);
}

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {
inline namespace WEFT_ATOMIC_NAMESPACE {

bool futex_wait(const Atomic<std::uint32_t>& word, std::uint32_t expected,
                const std::chrono::steady_clock::time_point* deadline) noexcept {
  // The load is the scheduling point. From it to block() no other thread runs, as under the
  // kernel's lock. It reads the newest value: a thread that changes the word and then wakes
  // executes a fence in the kernel, and so does a thread that goes to sleep.
  if (word.load_newest("futex_wait") != expected) return true;
  if (Scheduler* const scheduler = Scheduler::current()) {
    return scheduler->block(&word, Scheduler::Wait::wake, deadline != nullptr);
  }
  std::this_thread::yield();
  return deadline == nullptr || std::chrono::steady_clock::now() < *deadline;
}

void futex_wake_one(const Atomic<std::uint32_t>* word) noexcept {
  Scheduler* const scheduler = Scheduler::current();
  if (scheduler == nullptr) return;
  // Does not access the word, which may be gone.
  const ModelAccess access = access_to(nullptr, "futex_wake", Where());
  scheduler->step(access);
  scheduler->note(access_to(word, "futex_wake", Where()));
  scheduler->wake(word, false);
}

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1::model {
inline namespace WEFT_ATOMIC_NAMESPACE {
namespace hooks {

namespace {

void begins(const void* object, ModelObject::Kind kind) noexcept {
  if (Scheduler* const scheduler = Scheduler::current()) {
    scheduler->memory().made(scheduler->self(), object, kind);
  }
}

}  // namespace

void data_begins(const void* object, Where where) noexcept {
  begins(object, ModelObject::Kind::data);
  if (Scheduler::current() != nullptr) data_written(object, where);
}

void data_ends(const void* object) noexcept { model_hooks::object_ends(object); }

void data_read(const void* object, Where where) noexcept {
  Scheduler* const scheduler = Scheduler::current();
  if (scheduler == nullptr) return;
  const ModelAccess access = access_to(object, "reads data", where);
  scheduler->check(scheduler->memory().read_data(scheduler->self(), object, where), access);
  scheduler->note(access);
}

void data_written(const void* object, Where where) noexcept {
  Scheduler* const scheduler = Scheduler::current();
  if (scheduler == nullptr) return;
  const ModelAccess access = access_to(object, "writes data", where);
  scheduler->check(scheduler->memory().write_data(scheduler->self(), object, where), access);
  scheduler->note(access);
}

void tracked_begins(const void* object) noexcept { begins(object, ModelObject::Kind::tracked); }

void tracked_ends(const void* object) noexcept { model_hooks::object_ends(object); }

void name(const void* object, const char* name) noexcept {
  if (Scheduler* const scheduler = Scheduler::current()) scheduler->memory().set_name(object, name);
}

}  // namespace hooks
}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::inline v0_1::model
