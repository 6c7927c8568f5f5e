// ScopedContext: a thread enters a runtime, and leaves it again: its ThreadContext is swapped.
#pragma once

#include "base/thread_context.hpp"

namespace weft::inline v0_1::detail {

/// Makes `fresh` the calling thread's context; returns the one before. The fiber schedulers of both
/// are told.
ThreadContext exchange_context(const ThreadContext& fresh) noexcept;

/// `context` is the thread's for as long as this lives.
class ScopedContext {
 public:
  explicit ScopedContext(const ThreadContext& context) noexcept
      : before_(exchange_context(context)) {}
  ~ScopedContext() { exchange_context(before_); }
  ScopedContext(const ScopedContext&) = delete;
  ScopedContext& operator=(const ScopedContext&) = delete;

 private:
  ThreadContext before_;
};

}  // namespace weft::inline v0_1::detail
