// The clock of `bench/run instructions`, preloaded into the programs that it counts. Each call of
// clock_gettime() finds that 1 µs has passed since the previous call. The date does not change. A
// count thus does not depend on how fast the run was, although the scheduler measures time.
//
// It begins 30 years after the kernel's monotonic clock. A wait in the kernel with an absolute
// deadline therefore ends by a wake alone, and threads that wait periodically stay asleep.
//
// Thread-safe. Sleeps with a relative timeout take the kernel's time.
#include <atomic>
#include <cstdint>
#include <ctime>

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::int64_t step_ns = 1'000;
constexpr std::time_t date = 1'700'000'000;  // in November 2023

std::atomic<std::int64_t> now_ns = second_ns * second_ns;

}  // namespace

extern "C" int clock_gettime(clockid_t /*clock*/, std::timespec* time) noexcept {
  // Relaxed: a time orders nothing.
  const std::int64_t ns = now_ns.fetch_add(step_ns, std::memory_order_relaxed);
  time->tv_sec = ns / second_ns;
  time->tv_nsec = ns % second_ns;
  return 0;
}

extern "C" std::time_t time(std::time_t* result) noexcept {
  if (result != nullptr) *result = date;
  return date;
}
