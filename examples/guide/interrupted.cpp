// EINTR: a signal arrives while a system call waits. Whether the call ends or goes on was decided
// when the signal's handler was installed.
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "pipe.hpp"

int writer_of_pipe = -1;
int ticks_left = 0;

/// Runs on a timer's signal; the third time it puts a byte into the pipe.
extern "C" void on_tick(int) {
  const int saved = errno;  // a handler leaves errno as it was
  if (--ticks_left == 0) static_cast<void>(write(writer_of_pipe, "!", 1));
  errno = saved;
}

void start_ticks(int flags) {
  struct sigaction action{};
  action.sa_handler = on_tick;
  action.sa_flags = flags;
  sigaction(SIGALRM, &action, nullptr);
  ticks_left = 3;
  const timeval every_20_ms{.tv_sec = 0, .tv_usec = 20'000};
  const itimerval timer{.it_interval = every_20_ms, .it_value = every_20_ms};
  setitimer(ITIMER_REAL, &timer, nullptr);
}

void stop_ticks() {
  const itimerval off{};
  setitimer(ITIMER_REAL, &off, nullptr);
}

// [read]
/// Reads one byte; gives how often the call was interrupted before.
int read_byte(int fd) {
  int interruptions = 0;
  char byte = 0;
  while (read(fd, &byte, 1) < 0 && errno == EINTR) ++interruptions;  // made again
  return interruptions;
}
// [/read]

int main() {
  const Pipe pipe;
  writer_of_pipe = pipe.writer();
  // [ticks]
  start_ticks(0);
  std::printf("without SA_RESTART: read() ended with EINTR %d times\n", read_byte(pipe.reader()));
  start_ticks(SA_RESTART);
  std::printf("with SA_RESTART:    read() ended with EINTR %d times\n", read_byte(pipe.reader()));
  // [/ticks]
  stop_ticks();
}
