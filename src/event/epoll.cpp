// Poller by epoll(7).
//
// The wake-up. wake_handle_ is an eventfd, registered edge-triggered and never read: each write is
// a new edge, so a wake costs one write and no read. wake_state_ coalesces wakes: a thread writes
// only if notify() returned true. wait() takes the wake when it meets the eventfd's event.
//
// Why no wake is lost. Take a wake() that does not write. In the modification order of the word of
// wake_state_ its notify() comes after the notify() of a thread W that wrote the eventfd (or woke
// the parked owner), and before the owner's next take().
//  - From W's write on its event is in the ready list, until a wait takes it: no wait can miss it.
//  - The wait that meets it is the present one, or else the next, and returns as woken.
//
// The eventfd's counter is full after 2^64 - 2 writes. If it is full (other processes may have the
// handle), the write fails at once; wake() then empties the counter and writes again.
//
// fork(). A child has the handles of the set and of the eventfd, and could change what the parent
// waits for, and wake it. So in a child all calls fail, and remove() and wake() do nothing.
//
// Dead registrations. The kernel keeps a registration by open file description, and drops it when
// the last descriptor of that is closed. If the watched descriptor is closed while a duplicate
// lives on (dup, or a child between fork and exec), its events go on, and no epoll_ctl reaches them
// any more. wait() recognizes them by their generation and drops them. A level-triggered one would
// make every wait return at once. So after rebuild_after waits in a row with such events, the
// kernel's set is rebuilt from the table (libev does the same). A few are tolerated, so that a
// burst of last events, which stop by themselves, does not cost a rebuild.
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <mutex>
#include <new>
#include <utility>

#include "event/poller.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1::detail {
namespace {

constexpr unsigned rebuild_after = 16;

constexpr std::uint64_t wake_data = ~std::uint64_t{0};  // no handle is negative

std::uint64_t pack(NativeHandle handle, std::uint32_t generation) noexcept {
  return std::uint64_t{generation} << 32 | static_cast<std::uint32_t>(handle);
}

std::uint32_t mask_of(Interest interest, Trigger trigger) noexcept {
  const auto bits = static_cast<unsigned>(interest);
  std::uint32_t mask = 0;
  // EPOLLPRI only with edges: a level-triggered caller could not clear it.
  if (bits & 1U) mask |= EPOLLIN | EPOLLRDHUP | (trigger == Trigger::edge ? EPOLLPRI : 0U);
  if (bits & 2U) mask |= EPOLLOUT;
  if (trigger == Trigger::edge) mask |= EPOLLET;
  if (trigger == Trigger::one_shot) mask |= EPOLLONESHOT;
  return mask;
}

std::uint8_t bits_of(std::uint32_t mask) noexcept {
  std::uint32_t bits = 0;
  if (mask & (EPOLLIN | EPOLLRDHUP | EPOLLPRI)) bits |= ready_bit::readable;
  if (mask & EPOLLOUT) bits |= ready_bit::writable;
  if (mask & EPOLLPRI) bits |= ready_bit::urgent;
  if (mask & (EPOLLRDHUP | EPOLLHUP)) bits |= ready_bit::read_closed;
  // A pipe whose reader has gone reports EPOLLERR alone, or with EPOLLOUT.
  const bool error_on_write =
      mask == EPOLLERR || (mask & (EPOLLERR | EPOLLOUT)) == (EPOLLERR | EPOLLOUT);
  if ((mask & EPOLLHUP) || error_on_write) bits |= ready_bit::write_closed;
  if (mask & EPOLLERR) bits |= ready_bit::error;
  if (mask & (EPOLLERR | EPOLLHUP)) bits |= ready_bit::readable | ready_bit::writable;
  return static_cast<std::uint8_t>(bits);
}

std::int64_t watch_wake_handle(int epoll, int wake_handle) noexcept {
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.u64 = wake_data}};
  return Syscalls::epoll_ctl(epoll, EPOLL_CTL_ADD, wake_handle, &event);
}

}  // namespace

struct Poller::Buffers {
  std::array<epoll_event, batch> from_kernel;
  std::array<Ready, batch> ready;
};

Result<std::unique_ptr<Poller>> Poller::create() noexcept try {
  if (!ForkCount::begin()) return fail(std::errc::not_enough_memory);
  const std::int64_t epoll = Syscalls::epoll_create();
  if (epoll < 0) return fail(os_error(static_cast<int>(-epoll)));
  Fd epoll_fd(static_cast<int>(epoll));
  const std::int64_t wake_handle = Syscalls::eventfd(0);
  if (wake_handle < 0) return fail(os_error(static_cast<int>(-wake_handle)));
  Fd wake_fd(static_cast<int>(wake_handle));
  const std::int64_t watched = watch_wake_handle(epoll_fd.get(), wake_fd.get());
  if (watched < 0) return fail(os_error(static_cast<int>(-watched)));
  return std::unique_ptr<Poller>(
      new Poller(std::move(epoll_fd), std::move(wake_fd), std::make_unique<Buffers>()));
} catch (const std::bad_alloc&) {
  return fail(std::errc::not_enough_memory);
}

Poller::Poller(Fd epoll, Fd wake_handle, std::unique_ptr<Buffers> buffers) noexcept
    : epoll_(std::move(epoll)),
      wake_handle_(std::move(wake_handle)),
      buffers_(std::move(buffers)) {}

Poller::~Poller() = default;

int Poller::arm(NativeHandle handle, Registration& registration, int operation) noexcept {
  epoll_event event{.events = mask_of(registration.interest, registration.trigger),
                    .data = {.u64 = pack(handle, registration.generation)}};
  return static_cast<int>(-Syscalls::epoll_ctl(epoll_.get(), operation, handle, &event));
}

int Poller::add(NativeHandle handle, std::uint64_t token, Interest interest, Trigger trigger,
                bool* is_other) noexcept {
  if (handle < 0) return EBADF;
  if (inherited()) return of_another_process;
  Registration* const found = registrations_.find_or_make(handle);
  if (found == nullptr) return ENOMEM;
  Registration wanted = *found;
  wanted.token = token;
  wanted.generation = found->generation + 1;
  wanted.interest = interest;
  wanted.trigger = trigger;
  wanted.active = true;
  wanted.spent = false;
  wanted.absent = false;
  // A registration that was left out of a rebuilt set tells nothing.
  const bool was_in_set = found->active && !found->absent;
  int error = arm(handle, wanted, EPOLL_CTL_ADD);
  if (is_other != nullptr) *is_other = was_in_set && error == 0;
  // EEXIST: the same open file description under the same number; replaces its registration.
  if (error == EEXIST) error = arm(handle, wanted, EPOLL_CTL_MOD);
  if (error == 0) *found = wanted;
  return error;
}

int Poller::modify(NativeHandle handle, std::uint64_t token, Interest interest,
                   Trigger trigger) noexcept {
  Registration* const found = registrations_.find(handle);
  if (found == nullptr || !found->active) return ENOENT;
  if (inherited()) return of_another_process;
  if (found->absent) return add(handle, token, interest, trigger);
  Registration wanted = *found;
  wanted.token = token;
  wanted.generation = found->generation + 1;
  wanted.interest = interest;
  wanted.trigger = trigger;
  wanted.spent = false;
  const int error = arm(handle, wanted, EPOLL_CTL_MOD);
  if (error == 0) *found = wanted;
  return error;
}

int Poller::remove(NativeHandle handle) noexcept {
  Registration* const found = registrations_.find(handle);
  if (found == nullptr || !found->active) return ENOENT;
  found->active = false;
  if (inherited()) return 0;  // the registration is the parent's
  // Fails if the handle was closed before. Then the kernel has dropped the registration, or
  // sort_out() drops its events.
  static_cast<void>(Syscalls::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, handle, nullptr));
  return 0;
}

Poller::Waited Poller::wait(std::size_t room, std::int64_t timeout_ns) noexcept {
  if (inherited()) [[unlikely]]
    return {.events = {}, .error = of_another_process};
  const auto limit = static_cast<int>(std::clamp<std::size_t>(room, 1, batch));
  const std::int64_t count =
      Syscalls::epoll_wait(epoll_.get(), buffers_->from_kernel.data(), limit, timeout_ns);
  if (count < 0) return {.events = {}, .error = static_cast<int>(-count)};
  bool woken = false;
  const std::size_t genuine = sort_out(static_cast<std::size_t>(count), woken);
  return {.events = {buffers_->ready.data(), genuine}, .woken = woken};
}

std::optional<bool> Poller::await_wake(std::int64_t timeout_ns) noexcept {
  using Clock = std::chrono::steady_clock;
  Clock::time_point deadline;
  if (timeout_ns >= 0) {
    const Clock::time_point now = Clock::now();
    deadline = now + std::min<Clock::duration>(std::chrono::nanoseconds(timeout_ns),
                                               Clock::time_point::max() - now);
  }
  if (!wake_state_.park(timeout_ns >= 0 ? &deadline : nullptr)) return std::nullopt;
  return wake_state_.take();
}

std::size_t Poller::sort_out(std::size_t count, bool& woken) noexcept {
  std::size_t genuine = 0;
  bool stale = false;
  for (std::size_t i = 0; i < count; ++i) {
    const epoll_event event = buffers_->from_kernel[i];
    const std::uint64_t data = event.data.u64;
    if (data == wake_data) {
      wake_state_.take();
      woken = true;
      continue;
    }
    const auto handle = static_cast<NativeHandle>(static_cast<std::uint32_t>(data));
    const auto generation = static_cast<std::uint32_t>(data >> 32);
    Registration* const found = registrations_.find(handle);
    if (found == nullptr || !found->active || found->generation != generation) {
      stale = true;
      continue;
    }
    found->spent = found->trigger == Trigger::one_shot;
    buffers_->ready[genuine++] = {found->token, handle, generation, bits_of(event.events)};
  }
  note_stale(stale);
  return genuine;
}

void Poller::note_stale(bool stale) noexcept {
  if (!stale) {
    stale_waits_ = 0;
  } else if (++stale_waits_ == rebuild_after) {
    stale_waits_ = 0;
    rebuild();
  }
}

void Poller::rebuild() noexcept {
  const std::int64_t created = Syscalls::epoll_create();
  // Without descriptors or memory the old set stays in use; a later wait tries again.
  if (created < 0) return;
  Fd fresh(static_cast<int>(created));
  if (watch_wake_handle(fresh.get(), wake_handle_.get()) < 0) return;
  std::swap(epoll_, fresh);
  registrations_.for_each([&](NativeHandle handle, Registration& registration) {
    if (!registration.active || registration.absent) return;
    // The old set knows whether the number still means the registered object: it may have been
    // closed without remove() and reused for another one.
    epoll_event event{.events = 0, .data = {}};
    if (Syscalls::epoll_ctl(fresh.get(), EPOLL_CTL_MOD, handle, &event) != 0) {
      registration.active = false;
      return;
    }
    // A reported one-shot registration gives no events until it is armed again; leaving it out has
    // the same effect.
    registration.absent = registration.spent || arm(handle, registration, EPOLL_CTL_ADD) != 0;
  });
}

void Poller::end() noexcept {
  const std::lock_guard lock(end_mutex_);
  ended_ = true;
  while (Watcher* const watcher = watchers_.pop_front()) watcher->poller_ended();
}

bool Poller::ended() noexcept {
  const std::lock_guard lock(end_mutex_);
  return ended_;
}

void Poller::add(Watcher& watcher) noexcept {
  const std::lock_guard lock(end_mutex_);
  if (ended_) return watcher.poller_ended();
  watchers_.push_back(watcher);
}

void Poller::remove(Watcher& watcher) noexcept {
  const std::lock_guard lock(end_mutex_);
  if (watcher.is_linked()) watchers_.erase(watcher);
}

void Poller::wake() noexcept {
  if (inherited() || !wake_state_.notify()) return;
  const std::uint64_t one = 1;
  if (Syscalls::write(wake_handle_.get(), &one, sizeof one) == -EAGAIN) {
    std::uint64_t sum = 0;
    static_cast<void>(Syscalls::read(wake_handle_.get(), &sum, sizeof sum));
    static_cast<void>(Syscalls::write(wake_handle_.get(), &one, sizeof one));
  }
}

}  // namespace weft::inline v0_1::detail
