// Cancellation is a third outcome, and it loses nothing.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <weft/weft.hpp>

using std::chrono::microseconds;

// [outcome]
weft::Task<int> patient() {
  co_await weft::sleep_for(std::chrono::hours(1));
  co_return 1;
}

weft::Task<int> quick() { co_return 2; }

void show(const char* name, weft::Outcome<int>& outcome) {
  std::printf("%-8s value: %-3s  exception: %-3s  cancelled: %s\n", name,
              outcome.has_value() ? "yes" : "no", outcome.failed() ? "yes" : "no",
              outcome.cancelled() ? "yes" : "no");
}

weft::Task<void> cancel_both() {
  weft::JoinHandle<int> first = weft::spawn(patient);
  weft::JoinHandle<int> second = weft::spawn(quick);
  co_await weft::yield_now();  // both have begun, and quick() has ended
  first.cancel();
  second.cancel();
  weft::Outcome<int> of_first = co_await std::move(first).outcome();
  weft::Outcome<int> of_second = co_await std::move(second).outcome();
  show("patient", of_first);
  show("quick", of_second);
  std::printf("quick has given %d\n", of_second.take());
}
// [/outcome]

// [lossless]
constexpr int sent_bytes = 500;

weft::Task<void> send_slowly(weft::StreamSocket stream) {
  for (int i = 0; i < sent_bytes; ++i) {
    co_await stream.write("x");
    co_await weft::sleep_for(microseconds(150));
  }
}

/// Reads with a limit so short that many a read is cancelled just when its byte arrives.
weft::Task<void> receive_impatiently(weft::StreamSocket stream) {
  std::array<std::byte, 16> buffer;
  std::size_t received = 0;
  int cancelled = 0;
  for (;;) {
    const auto size = co_await weft::attempt(weft::timeout(stream.read(buffer), microseconds(50)));
    if (!size) {
      ++cancelled;
    } else if (*size == 0) {
      break;
    } else {
      received += *size;
    }
  }
  std::printf("received %zu of %d bytes, although %d reads were cancelled\n", received, sent_bytes,
              cancelled);
}
// [/lossless]

weft::Task<void> send_and_receive() {
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  weft::StreamSocket out = co_await weft::StreamSocket::connect(listener.local_endpoint());
  weft::StreamSocket in = co_await listener.accept();
  co_await weft::when_all(send_slowly(std::move(out)), receive_impatiently(std::move(in)));
}

int main() {
  weft::block_on(cancel_both());
  weft::block_on(send_and_receive());
}
