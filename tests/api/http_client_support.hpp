// Shared by the tests of http::Client: peers that follow a script.
#pragma once

#include <sys/ioctl.h>

#include <linux/sockios.h>

#include <string>
#include <utility>
#include <vector>

#include "api/http_support.hpp"

namespace weft::testing {

/// Serves each connection of `listener` with `serve(stream, number)`, counted from 1, all at once.
template <class S>
Task<void> follow_script(SocketListener& listener, S& serve) {
  co_await scope([&](Scope& connections) -> Task<void> {
    for (int number = 1;; ++number) {
      StreamSocket accepted = co_await listener.accept();
      auto one = [&serve, number](StreamSocket stream) -> Task<void> {
        co_await serve(stream, number);
      };
      connections.spawn(one, std::move(accepted)).detach();
    }
  });
}

/// Runs `visit(urls)` beside `count` peers that follow one script; then ends them.
template <class S, class V>
Task<void> with_peers(std::size_t count, S serve, V visit) {
  std::vector<SocketListener> listeners;
  std::vector<std::string> urls;
  for (std::size_t i = 0; i < count; ++i) {
    listeners.push_back(SocketListener::bind(Endpoint::loopback(0)));
    urls.push_back("http://" + listeners.back().local_endpoint().to_string() + "/x");
  }
  co_await scope([&](Scope& children) -> Task<void> {
    for (SocketListener& listener : listeners) {
      children.spawn([&listener, &serve] { return follow_script(listener, serve); }).detach();
    }
    co_await visit(urls);
    children.cancel_children();
  });
}

/// The same with one peer and its URL.
template <class S, class V>
Task<void> with_peer(S serve, V visit) {
  auto visit_first = [&visit](const std::vector<std::string>& urls) { return visit(urls.front()); };
  co_await with_peers(1, std::move(serve), visit_first);
}

/// Waits until the peer's system has received all that was written.
inline Task<void> until_received(StreamSocket& stream) {
  const int handle = stream.native_handle();
  auto is_received = [handle] {
    int left = 0;
    return ::ioctl(handle, SIOCOUTQ, &left) == 0 && left == 0;
  };
  co_await until(is_received);
}

/// A complete response with a body.
inline std::string answer_of(std::string_view body, std::string_view fields = "") {
  std::string text("HTTP/1.1 200 OK\r\nContent-Length: ");
  return text.append(std::to_string(body.size()))
      .append("\r\n")
      .append(fields)
      .append("\r\n")
      .append(body);
}

/// The text of the IoError that `task` throws, and its code.
struct Failure {
  Failure(std::error_code its_code, std::string its_text)
      : code(its_code), text(std::move(its_text)) {}
  std::error_code code;
  std::string text;
};
template <class T>
Task<Failure> failure_of(Task<T> task) {
  try {
    static_cast<void>(co_await std::move(task));
  } catch (const IoError& error) {
    EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos) << error.what();
    co_return Failure(error.code(), error.what());
  }
  co_return Failure(std::error_code(), "no error");
}

}  // namespace weft::testing
