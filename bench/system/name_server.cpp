// The name server of the system benchmarks. It answers for n0.bench.test, n1.bench.test … at once,
// on another CPU than the command's, which it runs: name_server COMMAND... Its exit code is the
// command's. BENCH_NAME_SERVER tells the command the server's address.
//
// The system's resolver, getaddrinfo(3), asks port 53 of the servers in /etc/resolv.conf and no
// others. So both run in a network and a view of /etc of their own (namespaces(7)), which needs
// root or user_namespaces(7). `name_server --probe` says whether the system allows it: exit code 0,
// or 1 and the reason on standard output. If it does not, the server takes a free port, for
// resolvers that can be told one.
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <string_view>

#include "system/system.hpp"

namespace {

constexpr std::uint16_t dns_port = 53;

bool write_to(const char* path, std::string_view text) {
  const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return false;
  const bool written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(file);
  return written;
}

/// Puts a file of this text in the place of `path`, for this process and its children.
bool replace_file(const char* path, const char* by, std::string_view text) {
  return write_to(by, text) && mount(by, path, nullptr, MS_BIND, nullptr) == 0;
}

bool bring_loopback_up() {
  const int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  bool up = ioctl(any, SIOCGIFFLAGS, &request) == 0;
  request.ifr_flags |= IFF_UP;
  up = up && ioctl(any, SIOCSIFFLAGS, &request) == 0;
  close(any);
  return up;
}

/// Becomes root of a user namespace, which may have the others.
bool become_root() {
  const std::string uid = "0 " + std::to_string(getuid()) + " 1";
  const std::string gid = "0 " + std::to_string(getgid()) + " 1";
  return unshare(CLONE_NEWUSER) == 0 && write_to("/proc/self/setgroups", "deny") &&
         write_to("/proc/self/uid_map", uid) && write_to("/proc/self/gid_map", gid);
}

/// Gives this process its own network and view of /etc. Returns what failed, or nothing.
const char* isolate() {
  if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) {
    if (!become_root()) return "unshare(CLONE_NEWUSER)";
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0) return "unshare(CLONE_NEWNET)";
  }
  if (!bring_loopback_up()) return "the loopback interface";
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return "mount(MS_PRIVATE)";
  if (!replace_file("/etc/resolv.conf", "system.resolv", "nameserver 127.0.0.1\n")) {
    return "mount on /etc/resolv.conf";
  }
  const bool switched = access("/etc/nsswitch.conf", F_OK) != 0 ||
                        replace_file("/etc/nsswitch.conf", "system.nsswitch", "hosts: files dns\n");
  return switched ? nullptr : "mount on /etc/nsswitch.conf";
}

/// Returns a socket of 127.0.0.1, and its port.
int bind_to_port(std::uint16_t& port) {
  const int server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  at.sin_port = htons(port);
  socklen_t size = sizeof at;
  auto* const address = reinterpret_cast<sockaddr*>(&at);
  bench::require(bind(server, address, size) == 0, "bind");
  bench::require(getsockname(server, address, &size) == 0, "getsockname");
  port = ntohs(at.sin_port);
  return server;
}

void put16(std::string& to, std::size_t number) {
  to.push_back(static_cast<char>(number >> 8U));
  to.push_back(static_cast<char>(number));
}

/// Returns the response to a query: one record of the type that it asks for.
std::string response_to(std::string_view query) {
  constexpr std::size_t header_bytes = 12;
  const std::size_t end = query.find('\0', header_bytes);
  if (end == query.npos || end + 5 > query.size() || query[header_bytes + 1] != 'n') return {};
  const auto first = static_cast<std::size_t>(query[header_bytes]);
  const std::string label(query.substr(header_bytes + 2, first - 1));
  const std::uint32_t address = bench::address_of_name(std::stoul(label));
  const bool ipv6 = query[end + 2] == 28;  // AAAA, else A
  std::string text(query.substr(0, 2));
  put16(text, 0x8580);  // a response, authoritative, recursion as asked for
  for (const std::size_t count : {1U, 1U, 0U, 0U}) put16(text, count);
  text += query.substr(header_bytes, end + 5 - header_bytes);
  put16(text, 0xc000 + header_bytes);  // the name of the question
  text += query.substr(end + 1, 4);    // type and class
  put16(text, 0);
  put16(text, 300);  // seconds to live
  put16(text, ipv6 ? 16 : 4);
  if (ipv6) text += std::string("\xfd", 1) + std::string(11, '\0');
  put16(text, address >> 16U);
  put16(text, address & 0xffffU);
  return text;
}

[[noreturn]] void serve(int server) {
  std::array<char, 1500> room;
  sockaddr_in from{};
  auto* const address = reinterpret_cast<sockaddr*>(&from);
  for (;;) {
    socklen_t size = sizeof from;
    const ssize_t got = recvfrom(server, room.data(), room.size(), 0, address, &size);
    if (got <= 0) continue;
    const std::string text = response_to({room.data(), static_cast<std::size_t>(got)});
    sendto(server, text.data(), text.size(), 0, address, size);
  }
}

void start_serving(int server) {
  const pid_t parent = getpid();
  const pid_t child = fork();
  bench::require(child >= 0, "fork");
  if (child > 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  bench::move_aside();
  serve(server);
}

int run(char** command) {
  const pid_t child = fork();
  bench::require(child >= 0, "fork");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    execv(command[0], command);
    std::perror(command[0]);
    _exit(127);
  }
  int status = 0;
  bench::require(waitpid(child, &status, 0) == child, "waitpid");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: name_server --probe\n       name_server COMMAND...\n");
    return 2;
  }
  const char* const failed = isolate();
  if (std::string_view(argv[1]) == "--probe") {
    if (failed != nullptr) std::printf("%s: %s\n", failed, std::strerror(errno));
    return failed != nullptr ? 1 : 0;
  }
  std::uint16_t port = failed == nullptr ? dns_port : 0;
  const int server = bind_to_port(port);
  start_serving(server);
  const std::string address = "127.0.0.1:" + std::to_string(port);
  setenv("BENCH_NAME_SERVER", address.c_str(), 1);
  return run(argv + 1);
}
