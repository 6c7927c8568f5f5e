// A request has a number and a deadline, and all that it leads to knows both. What must not be
// broken off is shielded, and what was taken is given back.
#include <chrono>
#include <cstdio>
#include <weft/weft.hpp>

using std::chrono::milliseconds;

// [note]
const weft::TaskLocal<int> request_number;

/// An ordinary function, far below: nobody has given it a number or a time.
void note(const char* what) {
  const auto left = std::chrono::duration_cast<milliseconds>(weft::remaining());
  if (weft::remaining() == weft::Nanoseconds::max()) {
    std::printf("  %d, no limit: %s\n", request_number.get(), what);
  } else {
    std::printf("  %d, %d ms left: %s\n", request_number.get(), static_cast<int>(left.count()),
                what);
  }
}
// [/note]

// [handle]
weft::Task<void> write_audit_line() {
  co_await weft::sleep_for(milliseconds(20));
  note("the audit line is written");
}

weft::Task<void> query() {
  note("the database is asked");
  co_await weft::sleep_for(milliseconds(70));
  note("it has answered");
}

weft::Task<void> give_connection_back() {
  co_await weft::sleep_for(milliseconds(5));
  note("the connection is given back");
}

weft::Task<void> handle() {
  note("begins");
  co_await weft::shield(write_audit_line());
  co_await weft::finally(query(), give_connection_back);
  note("done");
}
// [/handle]

// [serve]
weft::Task<void> serve(int number, milliseconds limit) {
  try {
    co_await request_number.with(number, weft::with_deadline(handle(), limit));
  } catch (const weft::IoError& error) {
    std::printf("  %d: %s\n", number, error.what());
  }
}
// [/serve]

// [main]
weft::Task<void> serve_three() {
  std::puts("in time:");
  co_await serve(1, milliseconds(200));
  std::puts("the time is over during the query:");
  co_await serve(2, milliseconds(50));
  std::puts("the time is over during the shield:");
  co_await serve(3, milliseconds(10));
}

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;  // so that the milliseconds are exact
  weft::Runtime runtime(std::move(options));
  runtime.block_on(serve_three());
}
// [/main]
