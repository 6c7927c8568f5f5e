#include "child_process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>

namespace weft::tool {

namespace {

using Clock = std::chrono::steady_clock;

void check(int error, const char* what) {
  if (error != 0) throw std::system_error(error, std::generic_category(), what);
}

class SpawnAttributes {
 public:
  SpawnAttributes() {
    check(::posix_spawnattr_init(&attributes_), "posix_spawnattr_init");
    sigset_t none;
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  }
  ~SpawnAttributes() { ::posix_spawnattr_destroy(&attributes_); }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  const posix_spawnattr_t* get() const noexcept { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

class SpawnFiles {
 public:
  explicit SpawnFiles(int standard_output) {
    check(::posix_spawn_file_actions_init(&actions_), "posix_spawn_file_actions_init");
    ::posix_spawn_file_actions_adddup2(&actions_, standard_output, STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  }
  ~SpawnFiles() { ::posix_spawn_file_actions_destroy(&actions_); }
  SpawnFiles(const SpawnFiles&) = delete;
  SpawnFiles& operator=(const SpawnFiles&) = delete;
  const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

int spawn_self(const std::vector<std::string>& arguments, int standard_output, pid_t& pid) {
  std::vector<std::string> words{"weft"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  const SpawnAttributes attributes;
  const SpawnFiles files(standard_output);
  return ::posix_spawn(&pid, "/proc/self/exe", files.get(), attributes.get(), pointers.data(),
                       environ);
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& arguments) {
  int ends[2];
  check(::pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno, "pipe");
  output_ = ends[0];
  const int error = spawn_self(arguments, ends[1], pid_);
  ::close(ends[1]);
  if (error == 0) return;
  ::close(output_);
  check(error, "cannot start /proc/self/exe");
}

ChildProcess::~ChildProcess() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    wait();
  }
  ::close(output_);
}

std::string ChildProcess::read_line(std::chrono::milliseconds limit, int interrupt_fd) {
  const auto deadline = Clock::now() + limit;
  std::string line;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    // poll() leaves out an entry whose descriptor is negative.
    pollfd waited[] = {{.fd = output_, .events = POLLIN, .revents = 0},
                       {.fd = interrupt_fd, .events = POLLIN, .revents = 0}};
    const int ready = ::poll(waited, 2, static_cast<int>(std::max<long>(left.count(), 0)));
    if (ready < 0 && errno == EINTR) continue;
    char byte = 0;
    if (ready <= 0 || waited[0].revents == 0 || ::read(output_, &byte, 1) != 1 || byte == '\n')
      return line;
    line += byte;
  }
}

std::string ChildProcess::read_listening_address(std::chrono::milliseconds limit) {
  constexpr std::string_view announcement = "listening on ";
  const std::string line = read_line(limit);
  if (!line.starts_with(announcement)) {
    throw std::runtime_error("the server did not start" + (line.empty() ? "" : ": " + line));
  }
  return line.substr(announcement.size());
}

int ChildProcess::stop(bool at_once) {
  ::kill(pid_, SIGTERM);
  if (at_once) ::kill(pid_, SIGINT);  // `weft delay` cuts its draining short at the second signal
  return wait();
}

int ChildProcess::wait() {
  int status = 0;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace weft::tool
