// A fiber goes deeper than its stack: the guard page is hit, and the fiber is named. The process
// does not survive that, so a child process does it.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <weft/weft.hpp>

// [deep]
/// Takes a kilobyte of stack for each level.
[[gnu::noinline]] int sum_down_from(int level) {
  std::array<int, 256> room;
  room[0] = level;
  asm volatile("" : : "r"(room.data()) : "memory");  // the compiler shall not do without the room
  return level == 0 ? 0 : room[0] + sum_down_from(level - 1);
}

void run(int level) {
  auto options = weft::FiberOptions().name("summing up").stack_bytes(64 * 1024);
  weft::block_on(weft::fiber(options, [level] { return sum_down_from(level); }));
}
// [/deep]

int main() {
  run(20);
  std::puts("20 levels fit");
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    const rlimit no_core_file{};
    setrlimit(RLIMIT_CORE, &no_core_file);
    run(200);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) std::printf("200 levels: %s\n", strsignal(WTERMSIG(status)));
}
