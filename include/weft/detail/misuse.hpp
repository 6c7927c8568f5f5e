// misused(): the end of a program that uses an object of weft which is empty: moved from, or used
// up. For the checks of headers; sources have WEFT_CHECK. Any thread.
#pragma once

namespace weft::inline v0_1::detail {

/// Prints "check failed: object: message" to stderr and aborts. `object` names the type; `message`
/// says what is wrong and what to do.
[[noreturn, gnu::cold, gnu::noinline]] void misused(const char* object,
                                                    const char* message) noexcept;

/// The result of an operator co_await() that is deleted for lvalues, because the await uses its
/// operand up. Its name is for the compiler's message: write `co_await std::move(x)`.
struct AwaitItWithStdMove;

}  // namespace weft::inline v0_1::detail
