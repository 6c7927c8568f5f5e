// Limits of time: for one operation, without an exception, and for all that a request leads to.
#include <chrono>
#include <cstdio>
#include <string>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

weft::Task<std::string> ask_server() {
  co_await weft::sleep_for(200ms);  // stands for a conversation over the network
  co_return "an answer";
}

// [one]
weft::Task<void> limit_one_operation() {
  try {
    const std::string answer = co_await weft::timeout(ask_server(), 50ms);
    std::printf("in time: %s\n", answer.c_str());
  } catch (const weft::IoError& error) {
    if (error.code() != std::errc::timed_out) throw;
    std::printf("too late: %s\n", error.what());
  }
}
// [/one]

// [attempt]
weft::Task<void> limit_without_exceptions(weft::StreamSocket& stream) {
  std::byte buffer[64];
  const auto size = co_await weft::attempt(weft::timeout(stream.read(buffer), 50ms));
  if (size) {
    std::printf("read %zu bytes\n", *size);
  } else {
    std::printf("nothing to read: %s\n", size.error().message().c_str());
  }
}
// [/attempt]

// [deadline]
weft::Task<void> handle_request() {
  const std::string first = co_await ask_server();
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(weft::remaining());
  std::printf("%d ms are left for the second question\n", static_cast<int>(left.count()));
  const std::string second = co_await ask_server();
}

weft::Task<void> limit_all_below() {
  try {
    co_await weft::with_deadline(handle_request(), 300ms);
  } catch (const weft::IoError& error) {
    std::printf("the request was given up: %s\n", error.what());
  }
}
// [/deadline]

weft::Task<void> program() {
  co_await limit_one_operation();
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  weft::StreamSocket silent = co_await weft::StreamSocket::connect(listener.local_endpoint());
  co_await limit_without_exceptions(silent);
  co_await limit_all_below();
}

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;  // so that no time passes; leave it out in a program
  weft::Runtime runtime(options);
  runtime.block_on(program());
}
