// What weft asks the system about threads and processors. Any thread.
#pragma once

#include <weft/atomic.hpp>
#include <weft/result.hpp>

#include <cstddef>
#include <new>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace weft::inline v0_1::detail {

/// Names the calling thread for debuggers and /proc; cut to the 15 bytes that the system keeps.
void name_current_thread(std::string_view name) noexcept;
/// As "<name>-<number>".
void name_current_thread(std::string_view name, std::size_t number) noexcept;

/// The errno with which a test lets the start of a thread fail, or 0.
[[nodiscard]] int planned_start_failure() noexcept;

/// Starts a thread that runs `body`, which must not throw, as `thread`. Fails with what the system
/// says, and with not_enough_memory; then `thread` is as before. std::thread itself throws
/// std::system_error for the one and std::bad_alloc for the other.
template <class F>
[[nodiscard]] std::error_code start_thread(std::thread& thread, F body) noexcept {
#if WEFT_ATOMIC_MODE != 2
  if (const int refused = planned_start_failure(); refused != 0) return os_error(refused);
#endif
  try {
    thread = std::thread(std::move(body));
  } catch (const std::bad_alloc&) {
    return std::make_error_code(std::errc::not_enough_memory);
  } catch (const std::system_error& error) {
    return error.code();
  }
  return {};
}

/// The number of processors on which the calling thread may run (by its affinity); at least 1.
[[nodiscard]] unsigned cpu_count() noexcept;

/// Restricts the calling thread to one of the processors on which it may run: the one with index
/// `number` modulo their count. Returns the system's number of that processor.
[[nodiscard]] Result<unsigned> pin_current_thread(std::size_t number) noexcept;

}  // namespace weft::inline v0_1::detail
