// The base of `bench/run http`: a server written by hand against epoll for speed alone. One thread,
// edge-triggered epoll, HTTP/1.1 with keep-alive and pipelining, the same `GET
// /{milliseconds}/{text}` and the same response bytes as `weft delay`. Delays are in a binary heap.
// It parses only what it needs: the request line, the end of the head, `Connection: close` and
// `Content-Length`. GET /file/NAME sends the one file that it was started with, by sendfile; POST
// /post drops the body and answers "x".
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "fd_limit.hpp"

namespace {

using std::string_view_literals::operator""sv;

constexpr std::size_t head_limit = 16 * 1024;
constexpr std::int64_t longest_delay_ms = 3'600'000;

struct Connection {
  int fd = -1;
  std::uint64_t id = 0;
  std::string in;     // bytes received, not parsed yet
  std::string out;    // bytes to send
  off_t file_at = 0;  // of the file: the next byte to send, after those of out
  off_t file_left = 0;
  std::size_t unread_body = 0;  // bytes of a request's body that have not come yet
  bool delayed = false;         // a response is in the heap: later requests of this connection wait
  bool close_after = false;
  bool peer_done = false;
};

struct Delayed {
  std::int64_t due_ms;
  std::uint64_t connection;
  std::string text;
  bool operator>(const Delayed& other) const { return due_ms > other.due_ms; }
};

struct Request {
  std::string_view target;
  bool close = false;
  bool valid = false;
  bool post = false;
  std::size_t body_size = 0;
};

std::int64_t now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1'000'000;
}

// The Date header, formatted once a second. The loop refreshes it once per turn.
class DateHeader {
 public:
  void refresh() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    if (now.tv_sec == second_) return;
    second_ = now.tv_sec;
    std::tm parts{};
    gmtime_r(&second_, &parts);
    size_ =
        std::strftime(text_.data(), text_.size(), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
  }
  std::string_view text() const { return {text_.data(), size_}; }

 private:
  std::array<char, 64> text_{};
  std::size_t size_ = 0;
  std::time_t second_ = 0;
};

void append_response(Connection& connection, std::string_view date, std::string_view status,
                     std::string_view body) {
  std::array<char, 20> digits{};
  char* end = std::to_chars(digits.data(), digits.data() + digits.size(), body.size()).ptr;
  std::string& out = connection.out;
  out.append("HTTP/1.1 "sv).append(status).append("\r\n"sv);
  out.append("Content-Type: text/plain; charset=utf-8\r\n"sv);
  out.append(date);
  out.append("Content-Length: "sv).append(digits.data(), end).append("\r\n"sv);
  if (connection.close_after) out.append("Connection: close\r\n"sv);
  out.append("\r\n"sv).append(body);
}

bool same_ignoring_case(std::string_view a, std::string_view lower) {
  return std::ranges::equal(a, lower, [](char x, char y) {
    return (x >= 'A' && x <= 'Z' ? static_cast<char>(x + 32) : x) == y;
  });
}

bool asks_to_close(std::string_view headers) {
  constexpr auto name = "connection: close"sv;
  while (!headers.empty()) {
    const std::size_t end = headers.find("\r\n"sv);
    if (same_ignoring_case(headers.substr(0, std::min(end, headers.size())), name)) return true;
    if (end == headers.npos) return false;
    headers.remove_prefix(end + 2);
  }
  return false;
}

std::size_t body_size(std::string_view headers) {
  constexpr auto name = "\r\nContent-Length: "sv;  // as wrk spells it
  const std::size_t at = headers.find(name);
  std::size_t size = 0;
  if (at == headers.npos) return size;
  const char* begin = headers.data() + at + name.size();
  std::from_chars(begin, headers.data() + headers.size(), size);
  return size;
}

Request parse_head(std::string_view head) {
  const std::size_t line_end = std::min(head.find("\r\n"sv), head.size());
  const std::string_view line = head.substr(0, line_end);
  const std::size_t space = line.rfind(' ');
  const std::string_view headers = head.substr(line_end);
  if (line.starts_with("POST /post HTTP/1."sv)) {
    return {"/post"sv, asks_to_close(headers), true, true, body_size(headers)};
  }
  if (!line.starts_with("GET /"sv) || space < 5 ||
      !line.substr(space + 1).starts_with("HTTP/1."sv)) {
    return {};
  }
  return {line.substr(4, space - 4), asks_to_close(headers), true, false, 0};
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    plain.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return plain;
}

// The file of GET /file/NAME.
struct File {
  int fd = -1;
  off_t size = 0;
};

class Server {
 public:
  Server(int listener, File file)
      : listener_(listener), epoll_(epoll_create1(EPOLL_CLOEXEC)), file_(file) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = 0}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, listener_, &event);
  }

  [[noreturn]] void run() {
    std::array<epoll_event, 256> events{};
    for (;;) {
      const int count = epoll_wait(epoll_, events.data(), events.size(), next_timeout());
      date_.refresh();
      for (int i = 0; i < count; ++i) handle(events[static_cast<std::size_t>(i)]);
      fire_due();
    }
  }

 private:
  int next_timeout() const {
    if (heap_.empty()) return -1;
    return static_cast<int>(std::clamp<std::int64_t>(heap_.top().due_ms - now_ms(), 0, 60'000));
  }

  void handle(const epoll_event& event) {
    if (event.data.u64 == 0) return accept_all();
    const auto found = connections_.find(event.data.u64);
    if (found == connections_.end()) return;
    Connection& connection = *found->second;
    bool alive = (event.events & EPOLLERR) == 0;
    if (alive && (event.events & (EPOLLIN | EPOLLHUP | EPOLLRDHUP)) != 0)
      alive = receive(connection);
    if (alive) alive = flush(connection);
    if (!alive) drop(connection);
  }

  void accept_all() {
    for (;;) {
      const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd < 0) return;
      const int on = 1;
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
      auto connection = std::make_unique<Connection>();
      connection->fd = fd;
      connection->id = ++last_id_;
      epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                        .data = {.u64 = connection->id}};
      epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
      connections_.emplace(connection->id, std::move(connection));
    }
  }

  // Reads until a short read (drained: edge-triggered epoll reports the next byte), then answers.
  bool receive(Connection& connection) {
    static std::array<char, 64 * 1024> buffer;
    for (;;) {
      const ssize_t got = recv(connection.fd, buffer.data(), buffer.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return errno == EAGAIN;
      if (got == 0) {
        connection.peer_done = true;
        return !connection.out.empty() || connection.delayed || connection.file_left != 0;
      }
      connection.in.append(buffer.data(), static_cast<std::size_t>(got));
      answer_all(connection);
      if (static_cast<std::size_t>(got) < buffer.size()) return true;
    }
  }

  void answer_all(Connection& connection) {
    std::string_view rest = connection.in;
    while (!connection.delayed && !connection.close_after && connection.file_left == 0) {
      if (connection.unread_body != 0) {
        const std::size_t some = std::min(rest.size(), connection.unread_body);
        rest.remove_prefix(some);
        connection.unread_body -= some;
        if (connection.unread_body != 0) break;
        append_response(connection, date_.text(), "200 OK"sv, "x"sv);
      }
      const std::size_t end = rest.find("\r\n\r\n"sv);
      if (end == rest.npos) {
        if (rest.size() > head_limit) refuse(connection, "431 Request Header Fields Too Large"sv);
        break;
      }
      answer(connection, parse_head(rest.substr(0, end)));
      rest.remove_prefix(end + 4);
    }
    connection.in.erase(0, connection.in.size() - rest.size());
  }

  void answer(Connection& connection, const Request& request) {
    connection.close_after = request.close;
    if (request.post) {
      connection.unread_body = request.body_size;
      if (request.body_size == 0) append_response(connection, date_.text(), "200 OK"sv, "x"sv);
      return;
    }
    if (file_.fd >= 0 && request.valid && request.target.starts_with("/file/"sv)) {
      return begin_file(connection);
    }
    const std::size_t slash = request.target.find('/', 1);
    std::int64_t delay_ms = -1;
    if (request.valid && slash != request.target.npos) {
      const char* stop = request.target.data() + slash;
      if (std::from_chars(request.target.data() + 1, stop, delay_ms).ptr != stop) delay_ms = -1;
    }
    if (delay_ms < 0 || delay_ms > longest_delay_ms) return refuse(connection, "400 Bad Request"sv);
    auto text = percent_decoded(request.target.substr(slash + 1));
    if (!text) return refuse(connection, "400 Bad Request"sv);
    if (delay_ms == 0) return append_response(connection, date_.text(), "200 OK"sv, *text);
    connection.delayed = true;
    heap_.push({now_ms() + delay_ms, connection.id, std::move(*text)});
  }

  void begin_file(Connection& connection) {
    connection.out.append("HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"sv);
    connection.out.append(date_.text()).append("Content-Length: "sv);
    connection.out.append(std::to_string(file_.size)).append("\r\n"sv);
    if (connection.close_after) connection.out.append("Connection: close\r\n"sv);
    connection.out.append("\r\n"sv);
    connection.file_at = 0;
    connection.file_left = file_.size;
  }

  void refuse(Connection& connection, std::string_view status) {
    connection.close_after = true;
    append_response(connection, date_.text(), status, "expected GET /{milliseconds}/{text}\n"sv);
  }

  // Sends what there is; after a file, answers the requests that waited behind it.
  bool flush(Connection& connection) {
    for (;;) {
      const bool sends_file = connection.file_left != 0;
      if (!flush_bytes(connection)) return false;
      if (!connection.out.empty() || !sends_file) break;
      if (!flush_file(connection)) return false;
      if (connection.file_left != 0) return true;
      answer_all(connection);
      if (connection.out.empty()) break;
    }
    const bool over = connection.close_after || connection.peer_done;
    return !over || connection.delayed || !connection.out.empty();
  }

  bool flush_file(Connection& connection) {
    while (connection.file_left != 0) {
      const auto wanted = static_cast<std::size_t>(connection.file_left);
      const ssize_t sent = sendfile(connection.fd, file_.fd, &connection.file_at, wanted);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0) return errno == EAGAIN;
      if (sent == 0) return false;  // the file was cut
      connection.file_left -= sent;
    }
    return true;
  }

  bool flush_bytes(Connection& connection) {
    const int more = connection.file_left != 0 ? MSG_MORE : 0;
    std::size_t sent = 0;
    while (sent < connection.out.size()) {
      const char* data = connection.out.data() + sent;
      const ssize_t wrote =
          send(connection.fd, data, connection.out.size() - sent, MSG_NOSIGNAL | more);
      if (wrote < 0 && errno == EINTR) continue;
      if (wrote < 0 && errno != EAGAIN) return false;
      if (wrote < 0) break;
      sent += static_cast<std::size_t>(wrote);
    }
    connection.out.erase(0, sent);
    return true;
  }

  void fire_due() {
    if (heap_.empty()) return;
    const std::int64_t now = now_ms();
    while (!heap_.empty() && heap_.top().due_ms <= now) {
      const Delayed due = heap_.top();
      heap_.pop();
      const auto found = connections_.find(due.connection);
      if (found == connections_.end()) continue;
      Connection& connection = *found->second;
      connection.delayed = false;
      append_response(connection, date_.text(), "200 OK"sv, due.text);
      answer_all(connection);
      if (!flush(connection)) drop(connection);
    }
  }

  void drop(Connection& connection) {
    close(connection.fd);
    connections_.erase(connection.id);
  }

  int listener_;
  int epoll_;
  File file_;
  std::uint64_t last_id_ = 0;
  DateHeader date_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::priority_queue<Delayed, std::vector<Delayed>, std::greater<>> heap_;
};

int listen_on(const std::string& host, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) return -1;
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return -1;
  if (listen(fd, 4096) != 0) return -1;
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("listening on %s:%u\n", host.c_str(), unsigned{ntohs(address.sin_port)});
  std::fflush(stdout);
  return fd;
}

File open_file(const char* path) {
  File file{open(path, O_RDONLY | O_CLOEXEC), 0};
  struct stat status{};
  if (file.fd >= 0 && fstat(file.fd, &status) == 0) file.size = status.st_size;
  return file;
}

}  // namespace

int main(int argc, char** argv) {
  const bool listens = (argc == 3 || argc == 5) && argv[1] == "--listen"sv;
  const std::string address = listens ? argv[2] : "";
  const std::size_t colon = address.rfind(':');
  std::uint16_t port = 0;
  const char* stop = address.data() + address.size();
  if (colon == address.npos ||
      std::from_chars(address.data() + colon + 1, stop, port).ptr != stop) {
    std::fprintf(stderr, "usage: raw_http --listen IPV4:PORT [--file PATH]\n");
    return 2;
  }
  const File file = argc == 5 && argv[3] == "--file"sv ? open_file(argv[4]) : File();
  if (argc == 5 && file.fd < 0) {
    std::fprintf(stderr, "raw_http: cannot open %s: %s\n", argv[4], std::strerror(errno));
    return 1;
  }
  raise_fd_limit();
  const int listener = listen_on(address.substr(0, colon), port);
  if (listener < 0) {
    std::fprintf(stderr, "raw_http: cannot listen on %s: %s\n", address.c_str(),
                 std::strerror(errno));
    return 1;
  }
  Server(listener, file).run();
}
