// A server in which three things go wrong, one after the other, and the places that are told.
#include <array>
#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

namespace {

using Reports = weft::Sender<std::string>;

std::string text_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& error) {
    return error.what();
  }
}

// [handler]
weft::Task<void> count_visit() {
  co_await weft::yield_now();
  throw std::runtime_error("the disk is full");
}

weft::Task<void> handle(weft::StreamSocket stream) {
  std::array<char, 1> request;
  co_await stream.read_exact(request);                            // the peer may be gone
  if (request[0] == 'b') throw std::logic_error("no such room");  // a mistake of this program
  weft::spawn(count_visit).detach();                              // nothing awaits it
  co_await stream.write_all("done");
}
// [/handler]

// [serve]
weft::Task<void> serve(weft::SocketListener& listener, weft::ManualResetEvent& stop,
                       Reports reports) {
  weft::ServeOptions options;
  options.on_failure = [&](const weft::Endpoint&, std::exception_ptr failure) {
    static_cast<void>(reports.try_send("the server: " + text_of(failure)));
  };
  co_await weft::serve_until(listener, stop.wait(), handle, options);
}
// [/serve]

/// Sends one byte, or resets the connection, and waits for a report.
weft::Task<void> visit(const char* name, weft::Endpoint server, std::string_view request,
                       weft::Receiver<std::string>& reports) {
  weft::StreamSocket stream = co_await weft::StreamSocket::connect(std::move(server));
  if (request.empty()) {
    static_cast<void>(stream.set_linger(0s));  // a close is a reset
    stream.close();
  } else {
    co_await stream.write_all(request);
  }
  const auto report = co_await reports.receive();
  std::printf("%-28s %s\n", name, report->c_str());
}

weft::Task<void> program(Reports sender, weft::Receiver<std::string> reports) {
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  const weft::Endpoint server = listener.local_endpoint();
  weft::ManualResetEvent stop;
  auto serving = weft::spawn(serve, std::ref(listener), std::ref(stop), std::move(sender));
  co_await visit("a client resets", server, "", reports);
  co_await visit("a mistake in the handler", server, "b", reports);
  co_await visit("a task that nothing awaits", server, "x", reports);
  stop.set();
  co_await std::move(serving);
  const auto refused = co_await weft::attempt(weft::StreamSocket::connect(server));
  std::printf("%-28s %s\n", "a client that comes too late", refused.error().what());
}

}  // namespace

int main() {
  auto [sender, receiver] = weft::channel<std::string>(8);
  // [runtime]
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.on_failure = [&](const weft::UnhandledFailure& failure) {
    static_cast<void>(sender.try_send("the runtime: " + text_of(failure.error)));
  };
  weft::Runtime runtime(options);
  // [/runtime]
  runtime.block_on(program(sender, std::move(receiver)));
}
