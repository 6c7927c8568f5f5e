// LogRecord and LogHandler: what weft reports by itself, as a program's own logger gets it.
//
//   weft::RuntimeOptions options;
//   options.log = [](const weft::LogRecord& record) { my_logger(record.message); };
//   weft::Runtime runtime(options);
//
// weft reports little: the failure of a task that nothing awaits, unless RuntimeOptions::on_failure
// takes it; an on_failure that throws; and, after some seconds, what a shutdown waits for. Without
// a handler each record goes to standard error, as to_string() has it. With a handler nothing does,
// so one that does nothing silences the runtime. There is no logger for all runtimes: two in one
// process may report to two places, and a handler lives as long as its runtime and the tasks'
// records of failures need it.
//
// A failed check of the program's code ends the process, with a line on standard error; it may come
// where there is no runtime. set_check_hook() has it pass through a function of the program first.
// So does not the overflow of a fiber's stack, which is found within a signal handler.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace weft::inline v0_1 {

enum class LogLevel : std::uint8_t {
  info,     ///< for the curious
  warning,  ///< goes on, but may need attention
  error,    ///< something has failed
  fatal,    ///< the process ends after this
};

/// "info", "warning", "error" or "fatal".
[[nodiscard]] std::string_view to_string(LogLevel level) noexcept;

/// More about a record: for one, "awaited at" and "main.cpp:7 in program()".
struct LogField {
  std::string_view name;
  std::string_view value;
};

/// One report. Its texts are valid during the call of the handler.
struct LogRecord {
  LogLevel level = LogLevel::info;
  std::string_view runtime = {};  ///< RuntimeOptions::name; empty for a check
  std::string_view part = {};     ///< what reports: "task", "shutdown", "check"
  std::string_view message = {};  ///< one line, without an end of line
  std::span<const LogField> fields = {};
};

/// The record as text: "weft: " and the message, and a line for each field, indented. Throws
/// std::bad_alloc.
[[nodiscard]] std::string to_string(const LogRecord& record);

/// Called on the thread on which something is noticed, by several threads at once, also within
/// destructors; must not block for long. What it throws is dropped, and the record goes to standard
/// error.
using LogHandler = std::function<void(const LogRecord&)>;

/// Has failed checks pass through `hook` before the process ends; null: no hook. Returns the one
/// before. The hook runs on the failing thread, whose state may be broken: it should write and
/// return. Any thread.
using CheckHook = void (*)(const LogRecord&) noexcept;
CheckHook set_check_hook(CheckHook hook) noexcept;

}  // namespace weft::inline v0_1
