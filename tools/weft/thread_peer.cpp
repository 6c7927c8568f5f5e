#include "thread_peer.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "blocking_socket.hpp"
#include "commands.hpp"
#include "fd_limit.hpp"
#include "process_usage.hpp"
#include "small_thread.hpp"
#include "standard_streams.hpp"

namespace weft::tool {

namespace {

// Receives until `text` holds the end of a head. Returns where the body begins, or npos.
std::size_t receive_head(int socket, std::string& text) {
  char buffer[1024];
  for (;;) {
    if (const auto end = text.find("\r\n\r\n"); end != text.npos) return end + 4;
    const ssize_t got = ::recv(socket, buffer, sizeof buffer, 0);
    if (got <= 0) return text.npos;
    text.append(buffer, static_cast<std::size_t>(got));
  }
}

void serve_connection(int socket) {
  std::string request;
  if (receive_head(socket, request) != request.npos && request.starts_with("GET /")) {
    char* after = nullptr;
    const long delay_ms = std::strtol(request.c_str() + 5, &after, 10);
    const std::string text(
        after + 1, request.find(' ', 5) - static_cast<std::size_t>(after + 1 - request.c_str()));
    std::this_thread::sleep_for(std::chrono::milliseconds(delay_ms));
    send_all(socket,
             "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: " +
                 std::to_string(text.size()) + "\r\n\r\n" + text);
  }
  ::close(socket);
}

bool fetch_one(const sockaddr_in& server, const std::string& path, std::string_view expected) {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // SAFETY: sockaddr_in is the sockaddr of AF_INET.
  const auto* address = reinterpret_cast<const sockaddr*>(&server);
  std::string response;
  bool right = socket >= 0 && ::connect(socket, address, sizeof server) == 0 &&
               send_all(socket, "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
  if (right) {
    const std::size_t body = receive_head(socket, response);
    while (right && response.size() < body + expected.size()) {
      char buffer[256];
      const ssize_t got = ::recv(socket, buffer, sizeof buffer, 0);
      right = got > 0;
      if (right) response.append(buffer, static_cast<std::size_t>(got));
    }
    right = right && body != response.npos && response.starts_with("HTTP/1.1 200 ") &&
            response.substr(body) == expected;
  }
  if (socket >= 0) ::close(socket);
  return right;
}

// One line of JSON for the demo: getrusage counts ended threads too; /proc, read from outside, does
// not.
void print_result(std::size_t threads, std::size_t failures, std::chrono::nanoseconds wall) {
  const ProcessUsage usage = usage_of_self();
  const nlohmann::json result = {{"requests", threads},
                                 {"failures", failures},
                                 {"wall_ns", wall.count()},
                                 {"cpu_ns", usage.cpu.count()},
                                 {"peak_memory_bytes", usage.peak_memory_bytes},
                                 {"threads", threads + 1},
                                 {"voluntary_switches", usage.voluntary_switches},
                                 {"involuntary_switches", usage.involuntary_switches}};
  print(result.dump() + "\n");
}

}  // namespace

int run_thread_serve(const ThreadServeOptions& options) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  raise_fd_limit();
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  // SAFETY: sockaddr_in is the sockaddr of AF_INET.
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener, generic, size) != 0 || ::listen(listener, 4096) != 0 ||
      ::getsockname(listener, generic, &size) != 0) {
    return exit_failed;
  }
  print("listening on 127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "\n");
  std::vector<std::unique_ptr<SmallThread>> threads;
  while (threads.size() < options.count) {
    const int socket = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) continue;
    threads.push_back(std::make_unique<SmallThread>([socket] { serve_connection(socket); }));
    if (!threads.back()->started()) ::close(socket);
  }
  threads.clear();
  ::close(listener);
  print_result(options.count, 0, {});
  return 0;
}

int run_thread_fetch(const ThreadFetchOptions& options) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  raise_fd_limit();
  const sockaddr_in server = loopback(port_of(options.server));
  const std::string prefix = "/" + std::to_string(options.delay.count()) + "/";
  std::atomic<std::size_t> failures = 0;
  std::size_t started = 0;
  const auto begin = std::chrono::steady_clock::now();
  {
    std::vector<std::unique_ptr<SmallThread>> threads;
    for (unsigned i = 0; i < options.count; ++i) {
      threads.push_back(std::make_unique<SmallThread>([&, i] {
        const std::string text = "text-" + std::to_string(i);
        if (!fetch_one(server, prefix + text, text)) ++failures;
      }));
      if (!threads.back()->started()) break;
      ++started;
    }
  }
  const std::chrono::nanoseconds wall = std::chrono::steady_clock::now() - begin;
  print_result(started, failures.load(), wall);
  return failures == 0 ? 0 : exit_failed;
}

}  // namespace weft::tool
