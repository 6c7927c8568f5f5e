// Request and Requests: the requests of tasks to a library that only one task may call, the driver.
//
// Libraries with a loop interface are not thread-safe, and use callbacks. So one task, the driver,
// makes every call into the library and watches its handles by `queue`. Other tasks add a request
// here and wait for its end: a coroutine by `co_await`, a fiber by weft::await(). They, and the
// driver, may be on any workers.
//
// Cancel: a request that the driver has not seen is withdrawn. next_cancelled() hands the driver a
// cancelled request that it has seen. Its task waits until the driver has removed the request from
// the library, so the library never touches a destroyed frame. A request that ends before that
// keeps its result.
//
// Life of a request: outside → waiting → taken → to cancel → taken → ended, from each to the last.
#pragma once

#include <coroutine>
#include <exception>
#include <memory>
#include <mutex>
#include <utility>
#include <weft/weft.hpp>

namespace foreign {

class Requests;

/// The waiting leaf. An adapter derives its kinds of requests from it, each with an await_resume()
/// that begins with rethrow().
class Request : private weft::CancelHook {
 public:
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  template <weft::WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    return suspend(innermost.promise());
  }

  /// Called by the driver, before it ends the request: the awaiting task gets the error.
  void set_error(std::exception_ptr error) noexcept { error_ = std::move(error); }

 protected:
  explicit Request(std::shared_ptr<Requests> requests) noexcept
      : CancelHook(&Request::on_cancel_request), requests_(std::move(requests)) {}
  ~Request() = default;
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  friend class Requests;
  friend class RequestList;
  enum class Place { outside, withdrawn, waiting, taken, to_cancel, ended };

  inline bool suspend(weft::PromiseBase& innermost) noexcept;
  static inline void on_cancel_request(CancelHook& self) noexcept;

  std::shared_ptr<Requests> requests_;
  weft::TaskHeader* task_ = nullptr;
  std::exception_ptr error_;
  Place place_ = Place::outside;  // this and the next ones: guarded by the mutex of requests_
  bool cancel_wanted_ = false;
  Request* next_ = nullptr;
  Request* previous_ = nullptr;
};

/// Requests in order, an intrusive list.
class RequestList {
 public:
  [[nodiscard]] Request* first() const noexcept { return first_; }
  void append(Request& request) noexcept {
    request.previous_ = last_;
    request.next_ = nullptr;
    (last_ != nullptr ? last_->next_ : first_) = &request;
    last_ = &request;
  }
  void remove(Request& request) noexcept {
    (request.previous_ != nullptr ? request.previous_->next_ : first_) = request.next_;
    (request.next_ != nullptr ? request.next_->previous_ : last_) = request.previous_;
  }

 private:
  Request* first_ = nullptr;
  Request* last_ = nullptr;
};

/// The requests of one driver, and the event queue that wakes it. Shared by all its users.
class Requests {
 public:
  /// Throws weft::IoError if there are no more handles.
  Requests() : queue(make_queue()) {}
  Requests(const Requests&) = delete;
  Requests& operator=(const Requests&) = delete;

  /// The library's handles. Used by the driver alone, except wake().
  weft::EventQueue queue;

  // For the driver
  /// Returns the next request that the driver has not seen, now taken; null if there is none.
  [[nodiscard]] Request* next() noexcept { return take_from(waiting_); }
  /// Returns the next taken request that was cancelled, once each; null if there is none.
  [[nodiscard]] Request* next_cancelled() noexcept { return take_from(to_cancel_); }
  /// Ends the request: its task goes on with the result, or is unwound if it `was_cancelled`. The
  /// request may be destroyed when this returns, so the library must no longer know it.
  void end(Request& request, bool was_cancelled = false) noexcept {
    {
      const std::lock_guard lock(mutex_);
      list_of(request).remove(request);
      request.place_ = Place::ended;
    }
    request.task_->leaf_ended(was_cancelled);
  }
  /// The same, with an error in place of a result. A cancelled task is unwound.
  void fail(Request& request, std::exception_ptr error) noexcept {
    request.set_error(std::move(error));
    end(request, cancel_wanted(request));
  }
  /// From now on there is no driver: requests get `reason`. Returns a request that has not ended,
  /// for the driver to remove it from the library and fail it; null if there is none left.
  [[nodiscard]] Request* close(const std::exception_ptr& reason) noexcept {
    {
      const std::lock_guard lock(mutex_);
      closed_ = reason;
      if (taken_.first() != nullptr) return taken_.first();
    }
    Request* const cancelled = next_cancelled();
    return cancelled != nullptr ? cancelled : next();
  }
  /// Returns whether no more requests can come.
  [[nodiscard]] bool stopping() const noexcept {
    const std::lock_guard lock(mutex_);
    return stopping_;
  }

  // For any thread
  /// Asks the driver to end.
  void stop() noexcept {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    queue.wake();
  }

 private:
  friend class Request;
  using Place = Request::Place;

  static weft::EventQueue make_queue() {
    weft::Result<weft::EventQueue> made = weft::EventQueue::create();
    if (!made) throw weft::IoError(made.error(), "create event queue");
    return std::move(*made);
  }

  Request* take_from(RequestList& list) noexcept {
    const std::lock_guard lock(mutex_);
    Request* const request = list.first();
    if (request == nullptr) return nullptr;
    list.remove(*request);
    taken_.append(*request);
    request->place_ = Place::taken;
    return request;
  }
  [[nodiscard]] bool cancel_wanted(const Request& request) const noexcept {
    const std::lock_guard lock(mutex_);
    return request.cancel_wanted_;
  }
  /// With the mutex held; precondition: the request is in a list.
  RequestList& list_of(const Request& request) noexcept {
    if (request.place_ == Place::waiting) return waiting_;
    return request.place_ == Place::taken ? taken_ : to_cancel_;
  }

  /// Returns the place of the request afterwards: waiting, withdrawn or ended (closed).
  Place submit(Request& request) noexcept {
    {
      const std::lock_guard lock(mutex_);
      if (request.place_ == Place::withdrawn) return Place::withdrawn;
      if (closed_) {
        request.error_ = closed_;
        return request.place_ = Place::ended;
      }
      request.place_ = Place::waiting;
      waiting_.append(request);
    }
    queue.wake();
    return Place::waiting;
  }
  /// True: the driver has not seen it, and never will.
  bool withdraw(Request& request) noexcept {
    {
      const std::lock_guard lock(mutex_);
      if (request.place_ == Place::outside) request.place_ = Place::withdrawn;
      if (request.place_ == Place::waiting) {
        waiting_.remove(request);
        request.place_ = Place::ended;
        return true;
      }
      if (request.place_ != Place::taken) return false;
      taken_.remove(request);
      to_cancel_.append(request);
      request.place_ = Place::to_cancel;
      request.cancel_wanted_ = true;
    }
    queue.wake();
    return false;
  }

  mutable std::mutex mutex_;
  RequestList waiting_;  // this and the next ones: guarded by mutex_
  RequestList taken_;
  RequestList to_cancel_;
  std::exception_ptr closed_;
  bool stopping_ = false;
};

/// In a driver's task: calls abandon() on every path, also when the owner cancels it.
template <class Driver>
class AbandonAtEnd {
 public:
  explicit AbandonAtEnd(Driver& driver) noexcept : driver_(driver) {}
  AbandonAtEnd(const AbandonAtEnd&) = delete;
  AbandonAtEnd& operator=(const AbandonAtEnd&) = delete;
  ~AbandonAtEnd() { driver_.abandon(); }

 private:
  Driver& driver_;
};

// A pointer of its own holds the state while it wakes the driver: once the request waits, its task
// may go on elsewhere and destroy the request.
inline bool Request::suspend(weft::PromiseBase& innermost) noexcept {
  weft::TaskHeader& task = innermost.task();
  const std::shared_ptr<Requests> requests = requests_;
  task_ = &task;
  task.suspended_at(innermost);
  if (!task.arm(*this)) {
    task.leaf_ended(true);
    return true;
  }
  switch (requests->submit(*this)) {
    case Place::ended:
      return !task.leaf_ended_inline();
    case Place::withdrawn:
      task.leaf_ended(true);
      return true;
    default:
      return true;
  }
}

inline void Request::on_cancel_request(CancelHook& self) noexcept {
  // SAFETY: this function is given only to the CancelHook of a Request, which lives until
  // request_finished().
  auto& request = static_cast<Request&>(self);
  weft::TaskHeader* const task = request.task_;
  if (request.requests_->withdraw(request)) task->leaf_ended(true);
  task->request_finished();
}

}  // namespace foreign
