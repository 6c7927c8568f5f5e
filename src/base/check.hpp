// WEFT_CHECK: a precondition that is checked in every build. Only for mistakes of the calling code:
// what a peer or the operating system can cause is reported as an error, never checked. Any thread.
#pragma once

namespace weft::inline v0_1::detail {

/// Prints "file:line: check failed: condition: message" to stderr and aborts.
[[noreturn, gnu::cold, gnu::noinline]] void check_failed(const char* condition, const char* message,
                                                         const char* file, int line) noexcept;

}  // namespace weft::inline v0_1::detail

/// WEFT_CHECK(task.joinable(), "the task was joined already: join a task once"): the message says
/// what is wrong and what to do. Evaluates the condition exactly once. A macro, because only a
/// macro knows the text of the condition and its line.
#define WEFT_CHECK(condition, message) \
  ((condition) ? static_cast<void>(0)  \
               : ::weft::detail::check_failed(#condition, (message), __FILE__, __LINE__))
