// Tests what takes an hour, in no time.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

// [code]
/// The code under test: it knows nothing of the test.
weft::Task<void> renew_lease(std::vector<weft::TimePoint>& renewals, int times) {
  weft::Interval every = weft::interval(20min);
  for (int i = 0; i < times; ++i) {
    const weft::TimePoint due = co_await every.tick();
    renewals.push_back(due);
  }
}
// [/code]

// [test]
void expect(bool holds, const char* what) {
  std::printf("%s: %s\n", what, holds ? "passed" : "FAILED");
  if (!holds) std::exit(1);
}

/// Runs a test on a clock that stands still while anything runs, and jumps when all is idle.
void with_virtual_time(weft::Task<void> test) {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;
  weft::Runtime runtime(options);
  runtime.block_on(std::move(test));
}

weft::Task<void> test_renewals() {
  const weft::TimePoint start = weft::now();
  std::vector<weft::TimePoint> renewals;
  co_await renew_lease(renewals, 3);
  expect(weft::now() - start == 1h, "three renewals take an hour");
  expect(renewals[0] - start == 20min, "the first comes after 20 minutes");
}

weft::Task<void> test_cancel() {
  const weft::TimePoint start = weft::now();
  std::vector<weft::TimePoint> renewals;
  try {
    co_await weft::timeout(renew_lease(renewals, 100), 50min);
  } catch (const weft::IoError&) {
    expect(weft::now() - start == 50min, "it was cancelled after 50 minutes");
  }
  expect(renewals.size() == 2, "and had renewed twice");
}
// [/test]

int main() {
  const auto start = std::chrono::steady_clock::now();
  with_virtual_time(test_renewals());
  with_virtual_time(test_cancel());
  expect(std::chrono::steady_clock::now() - start < 1s, "all of it took less than a second");
}
