// What weft has not yet, and what to use in its place: files, child processes.
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>
#include <utility>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

// [file]
/// A file: by a thread for blocking calls.
std::size_t count_bytes(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return text.size();
}

weft::Task<std::size_t> size_of(std::string name) {
  auto counting = weft::blocking([&] { return count_bytes(name); });
  co_return co_await std::move(counting);
}
// [/file]

// [process]
/// A child process: its pidfd is readable when it has ended. The destructor ends it.
class ChildProcess {
 public:
  explicit ChildProcess(const char* program) {
    char* arguments[] = {const_cast<char*>(program), nullptr};
    const int error = posix_spawn(&id_, program, nullptr, nullptr, arguments, environ);
    if (error != 0) throw std::system_error(error, std::generic_category(), program);
    handle_ = static_cast<int>(syscall(SYS_pidfd_open, id_, 0));
  }
  ~ChildProcess() {
    if (id_ > 0) {
      kill(id_, SIGKILL);
      waitpid(id_, nullptr, 0);
    }
    close(handle_);
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  /// Waits for its end and gives its exit status. Cancel: stops waiting.
  weft::Task<int> wait() {
    co_await weft::wait_readable(handle_);
    int status = 0;
    waitpid(std::exchange(id_, 0), &status, 0);
    co_return WEXITSTATUS(status);
  }

 private:
  pid_t id_ = 0;
  int handle_ = -1;
};
// [/process]

weft::Task<void> program() {
  const std::size_t size = co_await size_of("/proc/version");
  std::printf("the file is empty: %s\n", size == 0 ? "yes" : "no");

  ChildProcess child("/bin/false");
  const int status = co_await weft::timeout(child.wait(), 10s);
  std::printf("the child's exit status: %d\n", status);
}

int main() {
  weft::Runtime runtime;
  runtime.block_on(program());
}
