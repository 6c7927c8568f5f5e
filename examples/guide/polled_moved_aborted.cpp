// A join that is moved after its first poll: the program ends, and says which rule was broken. A
// child process does it.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <utility>
#include <weft/weft.hpp>

#include "signal.hpp"

// [move]
enum class When { before_the_poll, after_the_poll };

void move_a_join(When when) {
  Signal left;
  Signal right;
  WakeCounter wakes;
  const weft::Waker waker = wakes.waker();
  weft::Context cx(waker);

  auto both = weft::futures::join(left.wait(), right.wait());
  if (when == When::after_the_poll) static_cast<void>(both.poll(cx));
  auto moved = std::move(both);
  left.give();
  right.give();
  std::printf("  ready: %s\n", moved.poll(cx).is_ready() ? "yes" : "no");
}
// [/move]

/// Reads what the child has written to its standard error, without the place in weft's source.
std::string message_from(int fd) {
  std::string message;
  char piece[256];
  for (ssize_t size = 0; (size = read(fd, piece, sizeof piece)) > 0;) {
    message.append(piece, static_cast<std::size_t>(size));
  }
  const std::size_t begin = message.find("check failed");
  return begin == std::string::npos ? message : message.substr(begin);
}

void run(const char* name, When when) {
  std::puts(name);
  std::fflush(stdout);
  int pipe_of_errors[2];
  if (pipe(pipe_of_errors) != 0) std::abort();
  const pid_t child = fork();
  if (child == 0) {
    const rlimit no_core_file{};
    setrlimit(RLIMIT_CORE, &no_core_file);
    dup2(pipe_of_errors[1], STDERR_FILENO);
    move_a_join(when);
    std::fflush(stdout);
    _exit(0);
  }
  close(pipe_of_errors[1]);
  const std::string message = message_from(pipe_of_errors[0]);
  close(pipe_of_errors[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) std::printf("  %s  %s\n", message.c_str(), strsignal(WTERMSIG(status)));
}

int main() {
  run("moved, then polled:", When::before_the_poll);
  run("polled, then moved:", When::after_the_poll);
}
