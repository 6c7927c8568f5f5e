// FiberCore and FiberBody: start, wait, resume, end and unwinding of a fiber. The contracts are in
// fiber/scheduler.hpp and <weft/detail/fiber_body.hpp>. Everything on the fiber's worker.
#include <weft/fiber.hpp>

#include <memory>
#include <new>
#include <stdexcept>

#include "base/check.hpp"
#include "fiber/locals.hpp"
#include "fiber/scheduler.hpp"

namespace weft::inline v0_1::detail {

namespace {

/// The exception that unwinds a cancelled fiber. It cannot be caught by its type.
struct Unwinding {};

FiberCore* running_fiber(const FiberScheduler* scheduler) noexcept {
  return scheduler != nullptr ? scheduler->running() : nullptr;
}

// Out of line: the stack it needs would be added to that of every await.
[[noreturn, gnu::cold, gnu::noinline]] void throw_no_fiber(const char* what) {
  throw std::logic_error(std::string(what) +
                         ": no fiber runs here; in a coroutine use co_await, on a thread of your "
                         "own block_on()");
}

FiberCore& require_fiber(const FiberScheduler* scheduler, const char* what) {
  FiberCore* const fiber = running_fiber(scheduler);
  if (fiber == nullptr || !fiber->may_await()) [[unlikely]]
    throw_no_fiber(what);
  return *fiber;
}

std::string described(std::string_view name, std::size_t stack_bytes) {
  return "'" + std::string(name.empty() ? "(no name)" : name) + "': a stack of " +
         std::to_string(stack_bytes) + " bytes (see ulimit -v and vm.max_map_count)";
}

}  // namespace

// The core, on its stack

FiberCore::FiberCore(FiberBody& body, FiberStack& stack, FiberScheduler& scheduler,
                     PromiseBase& drive) noexcept
    : Runnable(&FiberCore::run_fiber),
      task_(drive.task()),
      drive_(drive),
      scheduler_(scheduler),
      queue_(scheduler.queue()),
      body_(body),
      stack_(stack),
      name_(body.name()),
      executor_(*this, task_.executor()) {
  // SAFETY: this object is at the top of the stack's memory; the flow gets what is below it.
  auto* const bottom = stack.memory.data();
  const std::span below(bottom,
                        static_cast<std::size_t>(reinterpret_cast<std::byte*>(this) - bottom));
  // A fiber begins with the floating-point control of its worker, even if another fiber starts it.
  if (scheduler.running() != nullptr) {
    new (&flow_.context) FlowContext(below, &FiberCore::entry, scheduler.loop());
  } else {
    new (&flow_.context) FlowContext(below, &FiberCore::entry);
  }
  know_stack(flow_.sanitizer, stack.memory, stack.sanitizer_flow, stack.uses);
  task_.move_to(executor_);
}

inline void FiberCore::go_on_with(FiberScheduler& scheduler, FiberCore& other, bool ends) noexcept {
  other.task_.refill_budget();
  if (&other != this) scheduler.switch_to(*this, other, ends);
}

/// Ends a fiber without its drive, so that its joiner may be resumed without the loop. Returns only
/// if the drive is needed. Inlined into entry(), as the last call of a fiber: a switch from within
/// another call would leave that call's return where the processor expects the next one.
[[gnu::always_inline]] inline void FiberCore::complete() noexcept {
  FiberBody& body = body_;
  if (body.complete_ == nullptr) return;
  const bool to_loop = needs_loop();
  hand_task_back();
  waiting_ = true;  // code that runs from here on must not await
  name_ = {};       // its string may be destroyed below
  body.core_ = nullptr;
  if (!body.complete_(body)) {
    body.core_ = this;
    return;
  }
  // The body, its task and its drive may be destroyed now. The next fiber is chosen before the
  // stack is given back: choosing may take a stack, and must not take this one.
  FiberCore* const other = to_loop ? nullptr : next_direct();
  scheduler_.stacks().give_back(stack_);
  if (other != nullptr) {
    go_on_with(scheduler_, *other, true);
  } else {
    scheduler_.leave(*this, nullptr, true);
  }
}

void FiberCore::entry(void* self) noexcept {
  auto& fiber = *static_cast<FiberCore*>(self);
  fiber.scheduler_.arrived(fiber);
  if (!fiber.unwinding_) fiber.body_.call_(fiber.body_);
  destroy_fiber_locals(fiber.locals_);
  fiber.body_.ended_ = true;
  if (fiber.unwinding_) {
    fiber.scheduler_.leave(fiber, nullptr, true);  // back to unwind(), which entered it
  } else {
    fiber.complete();
    fiber.scheduler_.leave(fiber, fiber.drive_.handle(), true);
  }
  __builtin_unreachable();
}

void FiberCore::run_fiber(Runnable& self) noexcept {
  auto& fiber = static_cast<FiberCore&>(self);
  if (!fiber.enterable()) {  // resumes its child, or ends it
    fiber.task_.resume();
    return;
  }
  fiber.task_.refill_budget();
  if (fiber.task_.context() == nullptr) [[likely]] {
    fiber.scheduler_.enter(fiber).resume();
    return;
  }
  const ContextScope scope(fiber.task_.context());
  fiber.scheduler_.enter(fiber).resume();
}

FiberCore* FiberCore::enterable(Runnable* work) noexcept {
  if (work == nullptr || !work->runs(&FiberCore::run_fiber)) return nullptr;
  auto* const fiber = static_cast<FiberCore*>(work);
  return fiber->enterable() && !fiber->needs_loop() ? fiber : nullptr;
}

std::coroutine_handle<> FiberCore::enter_or_schedule() noexcept {
  publish_site();  // the drive's co_await has set its own site, which is not the user's
  if (scheduler_.running() == nullptr) {
    task_.goes_on_at(drive_);
    return scheduler_.enter(*this);
  }
  // This fiber is the child of another one, on whose stack this runs.
  task_.suspended_at(drive_);
  queue_.push(*this);
  return std::noop_coroutine();
}

void FiberCore::unwind() noexcept {
  unwinding_ = body_.unwinding_ = true;
  static_cast<void>(scheduler_.enter(*this));
}

inline FiberWait FiberCore::begin_wait(std::source_location site) {
  if (unwinding_) throw Unwinding();
  site_ = site;
  publish_site();
  waiting_ = true;
  return FiberWait(*this, drive_, waiting_);
}

void FiberCore::suspend() {
  FiberCore* const other = needs_loop() ? nullptr : next_direct();
  if (other != nullptr) {
    go_on_with(scheduler_, *other);
  } else {
    scheduler_.leave(*this, nullptr);
  }
  resumed();
}

/// Returns a fiber that this one, which has to wait or has ended, can switch to without the loop,
/// or null.
FiberCore* FiberCore::next_direct() noexcept {
  if (FiberCore* const other = enterable(queue_.front_direct())) {
    queue_.pop_direct(*other);
    return other;
  }
  return start_fresh(nullptr);
}

/// If the worker would next start a fiber (that of `task`; any, if `task` is null), prepares it for
/// a switch and returns it. Else null.
FiberCore* FiberCore::start_fresh(const Runnable* task) noexcept {
  Runnable* const work = queue_.take_fresh(&FiberBody::starts, task);
  if (work == nullptr) return nullptr;
  // SAFETY: every Runnable with this run function is the base of a FiberBody.
  FiberCore* const started = static_cast<FiberBody*>(work)->start_beside(scheduler_);
  if (started == nullptr) queue_.push(*work);  // no stack: its drive will report it
  return started;
}

/// Called by a fiber about to wait for `child`: see TaskHeader::run_ahead(). Returns whether the
/// child has ended.
bool FiberCore::run_ahead(SpawnedTask& child, std::source_location site) {
  if (unwinding_) throw Unwinding();
  if (task_.cancel_requested() || needs_loop()) return false;
  FiberCore* const started = start_fresh(&child);
  if (started == nullptr) return false;
  site_ = site;
  started->task_.begins_ahead();
  // Not suspended: for its task, this fiber goes on.
  task_.goes_on_at(drive_);
  queue_.push_front(*this);
  go_on_with(scheduler_, *started);
  return child.ended();
}

void FiberCore::suspend_into(std::coroutine_handle<> child) {
  scheduler_.leave(*this, child);
  resumed();
}

void FiberCore::resumed() {
  waiting_ = false;
  if (unwinding_) throw Unwinding();
}

/// Prefetches for the fiber after `other`, which runs next: where many fibers take turns, it will
/// run soon. What it touches first is then on its way for one turn, and the core that refers to it
/// for two.
inline void FiberCore::prefetch_after(const FiberCore& other) noexcept {
  // SAFETY: only a hint is made of the next but one, which may not be a fiber; the next one is a
  // fiber if it runs as one.
  Runnable* const second = other.next;
  if (second == nullptr || !second->runs(&FiberCore::run_fiber)) return;
  const auto& next = *static_cast<const FiberCore*>(second);
  __builtin_prefetch(next.flow_.context.stack_pointer());
  __builtin_prefetch(&next.task_, 1);
  __builtin_prefetch(next.next, 1);
  __builtin_prefetch(reinterpret_cast<const std::byte*>(next.next) + 64, 1);
}

// `scheduler` is the fiber's: taken from the caller, so that the choice need not wait for a load
// from the core.
inline void FiberCore::yield(FiberScheduler& scheduler, std::source_location site) {
  if (unwinding_) throw Unwinding();
  site_ = site;
  waiting_ = true;  // suspended_at() may begin parts of forks, by functions of the user
  task_.suspended_at(drive_);
  waiting_ = false;
  PinnedQueue& queue = scheduler.queue();
  FiberCore* const other = enterable(queue.front_direct());
  if (other != nullptr && !task_.cancel_requested() && !needs_loop()) {
    queue.rotate_direct(*other, *this);
    prefetch_after(*other);
    go_on_with(scheduler, *other);
    if (unwinding_) throw Unwinding();
    return;
  }
  if (task_.cancel_requested()) {
    task_.leaf_ended(true);
  } else {
    queue_.defer(*this);
  }
  scheduler_.leave(*this, nullptr);  // no other fiber is ready here; the loop finds what else is
  resumed();
}

// The body, in the task's frame

void FiberBody::run_start(Runnable& self) noexcept {
  PromiseBase& drive = *static_cast<FiberBody&>(self).drive_;
  drive.task().refill_budget();
  if (drive.task().context() == nullptr) [[likely]] {
    drive.handle().resume();
    return;
  }
  const ContextScope scope(drive.task().context());
  drive.handle().resume();
}

/// Whether `work` starts a fiber; if `task` is not null, the fiber of `task`.
bool FiberBody::starts(const Runnable& work, const Runnable* task) noexcept {
  if (!work.runs(&FiberBody::run_start)) return false;
  // SAFETY: every Runnable with this run function is the base of a FiberBody.
  const TaskHeader& its_task = static_cast<const FiberBody&>(work).drive_->task();
  // A fiber that inherits a context starts from the loop, which makes the context current.
  return its_task.context() == nullptr && (task == nullptr || &its_task == task);
}

std::coroutine_handle<> FiberBody::enter_for(PromiseBase& drive) {
  if (core_ == nullptr) {
    drive_ = &drive;
    start();
  }
  return core_->enter_or_schedule();
}

void FiberBody::start() {
  FiberScheduler* const scheduler = FiberScheduler::current();
  if (scheduler == nullptr) {
    throw std::logic_error("weft::fiber: a fiber runs on a worker of a runtime alone");
  }
  const Result<FiberStack*> stack = scheduler->stacks().take(stack_bytes());
  if (!stack) throw IoError(stack.error(), "fiber", described(name(), stack_bytes()));
  scheduler->before_first_start();
  start_on(**stack, *scheduler);
}

std::size_t FiberBody::stack_bytes() const noexcept {
  return options_ != nullptr ? options_->stack_bytes() : FiberOptions::usual_stack_bytes;
}

std::string_view FiberBody::name() const noexcept {
  return options_ != nullptr ? std::string_view(options_->name()) : std::string_view();
}

// Called by another fiber of `scheduler`: prepares this one for a switch. Null: there is no stack.
FiberCore* FiberBody::start_beside(FiberScheduler& scheduler) noexcept {
  const Result<FiberStack*> stack = scheduler.stacks().take(stack_bytes());
  if (!stack) return nullptr;
  start_on(**stack, scheduler);
  return core_;
}

void FiberBody::start_on(FiberStack& stack, FiberScheduler& scheduler) noexcept {
  std::byte* const end = stack.memory.data() + stack.memory.size();
  std::byte* const top = end - sizeof(FiberCore);
  // SAFETY: aligned down, within the memory of the stack, which nothing else uses.
  void* const place = top - reinterpret_cast<std::uintptr_t>(top) % alignof(FiberCore);
  core_ = ::new (place) FiberCore(*this, stack, scheduler, *drive_);
}

void FiberBody::finish() noexcept {
  FiberStack& stack = core_->stack();
  FiberScheduler& scheduler = core_->scheduler();
  core_->hand_task_back();
  core_->~FiberCore();
  core_ = nullptr;
  scheduler.stacks().give_back(stack);
}

void FiberBody::publish_site() noexcept { core_->publish_site(); }

void FiberBody::unwind_stack() noexcept {
  if (core_ == nullptr) return;
  core_->unwind();
  finish();
}

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

// The public functions

bool in_fiber() noexcept {
  const detail::FiberCore* const fiber = detail::running_fiber(detail::FiberScheduler::current());
  return fiber != nullptr && fiber->may_await();
}

std::string_view this_fiber::name() {
  return detail::require_fiber(detail::FiberScheduler::current(), "this_fiber::name").name();
}

std::size_t this_fiber::stack_left() {
  const detail::FiberCore& fiber =
      detail::require_fiber(detail::FiberScheduler::current(), "this_fiber::stack_left");
  const auto* const here = static_cast<const std::byte*>(__builtin_frame_address(0));
  return static_cast<std::size_t>(here - fiber.stack().memory.data());
}

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

FiberWait FiberWait::begin(std::source_location site) {
  return require_fiber(FiberScheduler::current(), "weft::await").begin_wait(site);
}

void FiberWait::suspend() { fiber_.suspend(); }

void FiberWait::suspend_into(std::coroutine_handle<> child) { fiber_.suspend_into(child); }

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

bool detail::run_ahead_of_join(SpawnedTask& task, std::source_location site) {
  return require_fiber(FiberScheduler::current(), "weft::await").run_ahead(task, site);
}

void await(detail::YieldAwaiter, std::source_location site) {
  detail::FiberScheduler* const scheduler = detail::FiberScheduler::current();
  detail::require_fiber(scheduler, "weft::await").yield(*scheduler, site);
}

}  // namespace weft::inline v0_1
