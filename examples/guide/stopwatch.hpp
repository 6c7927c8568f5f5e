// Stopwatch: how much time has passed on the wall, and how much of it this process has computed.
// For the guide's examples.
#pragma once

#include <chrono>
#include <ctime>

class Stopwatch {
 public:
  [[nodiscard]] double wall_s() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - wall_).count();
  }
  /// User and system time of all threads.
  [[nodiscard]] double cpu_s() const { return cpu_now_s() - cpu_s_; }

 private:
  static double cpu_now_s() {
    std::timespec time{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  }

  std::chrono::steady_clock::time_point wall_ = std::chrono::steady_clock::now();
  double cpu_s_ = cpu_now_s();
};
