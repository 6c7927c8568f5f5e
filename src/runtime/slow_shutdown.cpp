#include "runtime/slow_shutdown.hpp"

#include <chrono>
#include <iostream>
#include <sstream>
#include <system_error>

namespace weft::inline v0_1::detail {

namespace {

void report(const BlockingPool& pool) {
  const auto now = std::chrono::steady_clock::now();
  std::ostringstream text;
  for (const BlockingPool::Running& each : pool.running()) {
    const std::chrono::duration<double> since = now - each.since;
    text << "weft: the shutdown waits for a blocking call that has run for " << since.count()
         << " s: " << each.site.file_name() << ':' << each.site.line() << " in "
         << each.site.function_name() << '\n';
  }
  std::cerr << text.str();  // in one piece
}

}  // namespace

SlowShutdown::SlowShutdown(const BlockingPool& pool) noexcept : pool_(pool) {
  if (pool.submitted() == pool.ended()) return;
  try {
    thread_ = std::thread([this] { watch(); });
  } catch (const std::system_error&) {  // then it waits in silence
  }
}

SlowShutdown::~SlowShutdown() {
  if (!thread_.joinable()) return;
  over_.unpark();
  thread_.join();
}

void SlowShutdown::watch() noexcept {
  for (std::chrono::seconds wait(1); !over_.park_for(wait); wait *= 2) {
    try {
      report(pool_);
    } catch (...) {  // no memory for words: the next time, perhaps
    }
  }
}

}  // namespace weft::inline v0_1::detail
