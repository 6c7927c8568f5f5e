#include "process/reaper.hpp"

#include <pthread.h>
#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <mutex>
#include <thread>
#include <utility>

#include "os/syscalls.hpp"
#include "os/thread.hpp"

namespace weft::inline v0_1::detail {

namespace {

/// How often children are looked at that could not be added to the set.
constexpr std::int64_t sweep_period_ns = 500'000'000;

}  // namespace

void Reaper::take(std::shared_ptr<ChildState> child) noexcept {
  if (child->inherited() || child->reap()) return;
  if (!follow_forks()) return;  // no memory: the child stays a zombie until this process ends
  const std::lock_guard lock(mutex_);
  ChildState* const added = child.get();
  added->next_ = std::exchange(first_, added);
  added->kept_ = std::move(child);
  watch_locked();
}

void Reaper::sweep() noexcept {
  ChildState* ended = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (is_running_) return;
    reap_locked(nullptr, ended);
    watch_locked();
    if (first_ == nullptr) close_set_locked();
  }
  discard(ended);
}

/// Adds the children to the set, and starts the thread. What fails is tried again later.
void Reaper::watch_locked() noexcept {
  if (first_ == nullptr) return;
  all_watched_ = false;
  if (epoll_ < 0) {
    const std::int64_t epoll = Syscalls::epoll_create();
    if (epoll < 0) return;
    epoll_ = static_cast<int>(epoll);
  }
  all_watched_ = true;
  for (ChildState* each = first_; each != nullptr; each = each->next_) {
    if (each->watched_) continue;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = each;
    each->watched_ = Syscalls::epoll_ctl(epoll_, EPOLL_CTL_ADD, each->pidfd(), &event) == 0;
    all_watched_ = all_watched_ && each->watched_;
  }
  if (is_running_) return;
  std::thread thread;
  if (start_thread(thread, [] { run(); })) return;
  is_running_ = true;
  thread.detach();
}

void Reaper::close_set_locked() noexcept {
  if (epoll_ >= 0) static_cast<void>(Syscalls::close(std::exchange(epoll_, Fd::none)));
}

/// Moves `only`, or all, that have ended from the list to `ended`.
void Reaper::reap_locked(ChildState* only, ChildState*& ended) noexcept {
  for (ChildState** link = &first_; *link != nullptr;) {
    ChildState* const each = *link;
    if ((only != nullptr && each != only) || !each->reap()) {
      link = &each->next_;
      continue;
    }
    *link = std::exchange(each->next_, ended);
    ended = each;
    if (each->watched_) {
      static_cast<void>(Syscalls::epoll_ctl(epoll_, EPOLL_CTL_DEL, each->pidfd(), nullptr));
    }
  }
}

/// Without the lock: this may close handles.
void Reaper::discard(ChildState* ended) noexcept {
  while (ended != nullptr) {
    const std::shared_ptr<ChildState> last = std::move(ended->kept_);
    ended = last->next_;
  }
}

void Reaper::run() noexcept {
  name_current_thread("weft-reaper");
  while (run_once()) {
  }
}

/// False: no child is left, and the thread ends.
bool Reaper::run_once() noexcept {
  int epoll = Fd::none;
  std::int64_t limit_ns = -1;
  {
    const std::lock_guard lock(mutex_);
    epoll = epoll_;
    if (!all_watched_) limit_ns = sweep_period_ns;
  }
  std::array<epoll_event, 16> events;
  const std::int64_t count =
      Syscalls::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), limit_ns);
  ChildState* ended = nullptr;
  bool goes_on = true;
  {
    const std::lock_guard lock(mutex_);
    for (std::int64_t i = 0; i < count; ++i) {
      // Found in the list first: another thread may have reaped it meanwhile.
      reap_locked(static_cast<ChildState*>(events[static_cast<std::size_t>(i)].data.ptr), ended);
    }
    if (count <= 0) {
      reap_locked(nullptr, ended);
      watch_locked();
    }
    if (first_ == nullptr) {
      goes_on = false;
      is_running_ = false;
      close_set_locked();
    }
  }
  discard(ended);
  return goes_on;
}

bool Reaper::follow_forks() noexcept {
  static const bool follows = ::pthread_atfork(&before_fork, &after_fork, &in_child) == 0;
  return follows;
}

void Reaper::before_fork() noexcept { mutex_.lock(); }
void Reaper::after_fork() noexcept { mutex_.unlock(); }

/// The children are the parent's, and so is the thread.
void Reaper::in_child() noexcept {
  first_ = nullptr;
  is_running_ = false;
  close_set_locked();
  mutex_.unlock();
}

}  // namespace weft::inline v0_1::detail
