#include "base/check.hpp"

#include <weft/detail/misuse.hpp>
#include <weft/log.hpp>

#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace weft::inline v0_1::detail {

namespace {

constinit std::atomic<CheckHook> check_hook{nullptr};

/// Without an allocation: the state of the program may be broken.
void pass_through_hook(const char* condition, const char* message, const char* file,
                       int line) noexcept {
  // Taken, so that a check that fails within it does not call it again. Acquire: pairs with the
  // release in set_check_hook().
  const CheckHook hook = check_hook.exchange(nullptr, std::memory_order_acquire);
  if (hook == nullptr) return;
  std::array<char, 400> where{};
  std::snprintf(where.data(), where.size(), "%s:%d", file, line);
  const std::array<LogField, 2> fields{LogField{"condition", condition},
                                       LogField{"at", where.data()}};
  LogRecord record;
  record.level = LogLevel::fatal;
  record.part = "check";
  record.message = message;
  record.fields = fields;
  hook(record);
}

}  // namespace

void check_failed(const char* condition, const char* message, const char* file, int line) noexcept {
  pass_through_hook(condition, message, file, line);
  // One call, so that the output of several threads does not mix.
  std::fprintf(stderr, "%s:%d: check failed: %s: %s\n", file, line, condition, message);
  std::fflush(stderr);
  std::abort();
}

void misused(const char* object, const char* message) noexcept {
  check_failed(object, message, __FILE__, __LINE__);
}

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

CheckHook set_check_hook(CheckHook hook) noexcept {
  return detail::check_hook.exchange(hook, std::memory_order_acq_rel);
}

}  // namespace weft::inline v0_1
