// Cells of weft's HTTP server, which `bench/run instructions` counts. A program of its own, so that
// core_weft contains no HTTP.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string>
#include <string_view>
#include <weft/http.hpp>
#include <weft/runtime.hpp>

#include "core/core.hpp"

namespace {

using bench::Figures;
using bench::Job;

constexpr std::string_view request = "GET /0/x HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n";
constexpr std::string_view head = "HTTP/1.1 200 OK\r\n";  // the begin of a response

/// A keep-alive connection of plain system calls. Polls the server's runtime between them, on one
/// thread, so that the count is the server's work and two system calls.
class Client {
 public:
  /// `name`: the server's abstract Unix socket, which begins with '@'.
  Client(weft::Runtime& runtime, std::string_view name) : runtime_(runtime) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.substr(1).copy(address.sun_path + 1, sizeof address.sun_path - 1);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    bench::require(fd_ >= 0, "socket");
    bench::require(connect(fd_, reinterpret_cast<sockaddr*>(&address), size) == 0, "connect");
  }
  ~Client() { close(fd_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Sends one request and returns its response, which is valid until the next call.
  std::string_view get() {
    const ssize_t sent = send(fd_, request.data(), request.size(), MSG_NOSIGNAL);
    bench::require(sent == static_cast<ssize_t>(request.size()), "send");
    for (;;) {
      runtime_.poll();
      const ssize_t size = recv(fd_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
      if (size > 0) return {buffer_.data(), static_cast<std::size_t>(size)};
      bench::require(size < 0 && errno == EAGAIN, "recv");
    }
  }

 private:
  weft::Runtime& runtime_;
  int fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::array<char, 4096> buffer_{};
};

Figures get(Job job) {
  const std::string name = "@weft-bench-" + std::to_string(getpid());
  weft::SocketListener listener = weft::SocketListener::bind("unix:" + name);
  weft::http::Server server({}, [](weft::http::Request&) -> weft::Task<weft::http::Response> {
    co_return weft::http::Response::text("x");
  });
  weft::RuntimeOptions options;
  options.current_thread = true;
  weft::Runtime runtime(options);
  auto serving = runtime.spawn([&] { return server.serve(listener); });
  Client client(runtime, name);
  const std::size_t size = client.get().size();
  const bench::Stopwatch watch;
  std::size_t right = 0;
  for (std::size_t i = 0; i < job.count; ++i) {
    const std::string_view response = client.get();
    right += response.starts_with(head) && response.size() == size && response.back() == 'x';
  }
  const double ns = watch.ns_each(job.count);
  bench::require(right == job.count, "get");
  return {ns};
}

}  // namespace

bench::Cells bench::task_cells() { return {{"http-get", get}}; }
bench::Cells bench::sync_cells() { return {}; }
bench::Cells bench::load_cells() { return {}; }
