// A coroutine type of a few lines and objects that count how often they are made and destroyed:
// enough to see what a compiler does with a form of co_await. Used by allowed_forms_test.cpp and
// survey.cpp; one thread.
#pragma once

#include <coroutine>
#include <cstdio>
#include <exception>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace battery {

/// Counts its living copies. A destruction too many makes `living` negative instead of crashing.
class Counted {
 public:
  static inline int living = 0;
  static inline int made = 0;

  explicit Counted(int value = 0) noexcept : value_(value) { count(); }
  Counted(const Counted& other) noexcept : value_(other.value_) { count(); }
  Counted(Counted&& other) noexcept : value_(other.value_) { count(); }
  Counted& operator=(const Counted&) noexcept = default;
  ~Counted() { --living; }

  [[nodiscard]] int value() const noexcept { return value_; }

 private:
  static void count() noexcept {
    ++living;
    ++made;
  }
  int value_;
};

/// Lazy, awaited by symmetric transfer, as weft::Task is.
template <class T>
class Task {
 public:
  class promise_type {
   public:
    Task get_return_object() noexcept {
      return Task(std::coroutine_handle<promise_type>::from_promise(*this));
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    auto final_suspend() const noexcept { return Final(); }
    void unhandled_exception() noexcept { error_ = std::current_exception(); }
    template <class U>
    void return_value(U&& value) {
      value_.emplace(std::forward<U>(value));
    }

   private:
    friend class Task;
    class Final {
     public:
      Final() noexcept {}
      bool await_ready() const noexcept { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) noexcept {
        return self.promise().parent_;
      }
      void await_resume() const noexcept {}
    };
    std::coroutine_handle<> parent_ = std::noop_coroutine();
    std::optional<T> value_;
    std::exception_ptr error_;
  };
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle frame) noexcept : frame_(frame) {}
  Task(Task&& other) noexcept : frame_(std::exchange(other.frame_, {})) {}
  Task& operator=(Task&&) = delete;
  ~Task() {
    if (frame_) frame_.destroy();
  }

  class Awaiter {
   public:
    explicit Awaiter(Handle frame) noexcept : frame_(frame) {}
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> parent) noexcept {
      frame_.promise().parent_ = parent;
      return frame_;
    }
    T await_resume() { return take(frame_); }

   private:
    Handle frame_;
  };
  Awaiter operator co_await() && noexcept { return Awaiter(frame_); }

  /// Runs the task on this thread; no coroutine of this battery waits. Returns nothing if the body
  /// was never run.
  std::optional<T> run() && {
    frame_.resume();
    if (!frame_.done()) {
      frame_ = {};  // a body that the compiler dropped cannot be destroyed either: leak it
      return std::nullopt;
    }
    return take(frame_);
  }

 private:
  static T take(Handle frame) {
    if (frame.promise().error_) std::rethrow_exception(frame.promise().error_);
    T value = std::move(*frame.promise().value_);
    return value;
  }
  Handle frame_;
};

/// An aggregate that holds an object with a destructor.
struct Pair {
  Counted first = Counted(3);
  int second = 0;
};

/// Gives pairs, by co_yield.
struct Pairs {
  struct promise_type {
    Pairs get_return_object() noexcept {
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_always final_suspend() const noexcept { return {}; }
    std::suspend_always yield_value(Pair&& pair) noexcept {
      yielded = &pair;
      return {};
    }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
    Pair* yielded = nullptr;
  };
  std::coroutine_handle<promise_type> frame;
};

/// An awaiter that notes in itself that it was awaited: a copy would keep the note.
struct Noting {
  int value = 0;
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<>) noexcept {
    value = 3;
    return false;
  }
  int await_resume() const noexcept { return value; }
};
struct NotingMember {
  Noting noting;
};
struct NotingOperator {
  Noting noting;
  Noting& operator co_await() noexcept { return noting; }
};
/// Begins at once, and gives its promise's awaiters by reference, or by value.
template <class Given>
struct Passing {
  struct promise_type {
    Passing get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    Given await_transform(Noting& noting) const noexcept { return Given(noting); }
    Given yield_value(Noting& noting) const noexcept { return Given(noting); }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};
struct NotingReference {
  explicit NotingReference(Noting& noting) noexcept : referenced(noting) {}
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> self) noexcept {
    return referenced.await_suspend(self);
  }
  int await_resume() const noexcept { return referenced.value; }
  Noting& referenced;
};

/// Coroutines that return a value.
inline Task<Counted> counted(int value) { co_return Counted(value); }
inline Task<int> number(int value) { co_return value; }
inline Task<std::string> text(std::string value) { co_return value; }

/// The effect of a form: its result (-1 if its body was never run), and how many counted objects
/// are left at the end, negative when some were destroyed more than once.
struct Outcome {
  int result;
  int left;
};

struct Row {
  std::string_view form;
  Outcome (*observe)();
  int expected;
};

template <auto form, auto... arguments>
Outcome observed() {
  Counted::living = 0;
  const int result = form(arguments...).run().value_or(-1);
  return {result, Counted::living};
}

/// Prints a line per form and returns the number of forms that went wrong.
inline int report(std::span<const Row> rows) {
  int wrong = 0;
  for (const Row& row : rows) {
    const Outcome outcome = row.observe();
    const bool right = outcome.left == 0 && outcome.result == row.expected;
    wrong += right ? 0 : 1;
    std::printf("%s  %s", right ? "right" : "WRONG", row.form.data());
    if (!right) std::printf("  (result %d, objects left %d)", outcome.result, outcome.left);
    std::printf("\n");
  }
  return wrong;
}

}  // namespace battery
