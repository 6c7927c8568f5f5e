// What weft has not yet, and what to use in its place: child processes.
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <string>
#include <system_error>
#include <utility>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

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
  ChildProcess child("/bin/false");
  const int status = co_await weft::timeout(child.wait(), 10s);
  std::printf("the child's exit status: %d\n", status);
}

int main() {
  weft::Runtime runtime;
  runtime.block_on(program());
}
