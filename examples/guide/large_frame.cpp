// One frame that is larger than the guard below a fiber's stack steps over it, into the stack of
// another fiber, unless the compiler has each page touched on the way.
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <weft/weft.hpp>

// [frame]
constexpr std::size_t kib = 1024;

/// 336 KiB in one frame, on a stack of 256 KiB with a guard of 64 KiB below it. It writes only to
/// the far end, beyond the guard.
[[gnu::noinline]] void take_much_room() {
  std::array<char, 336 * kib> room;
  asm volatile("" : : "r"(room.data()) : "memory");  // the compiler shall not do without the room
  std::memset(room.data(), '!', 16);
  asm volatile("" : : "r"(room.data()) : "memory");
}

/// The same, compiled as without the flag.
[[gnu::noinline, gnu::optimize("no-stack-clash-protection")]] void take_much_room_unseen() {
  std::array<char, 336 * kib> room;
  asm volatile("" : : "r"(room.data()) : "memory");
  std::memset(room.data(), '!', 16);
  asm volatile("" : : "r"(room.data()) : "memory");
}
// [/frame]

// [neighbour]
void keep_letter(void (*neighbour)()) {
  std::array<char, 64 * kib> letter;  // on this fiber's own stack
  letter.fill('a');
  auto other = weft::spawn(weft::fiber(weft::FiberOptions().name("large frame"), neighbour));
  weft::await(std::move(other));
  const auto changed = letter.size() - std::ranges::count(letter, 'a');
  std::printf("  %zu letters of a neighbour have changed\n", changed);
}
// [/neighbour]

void show(const char* title, void (*take_room)()) {
  std::puts(title);
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    const rlimit no_core_file{};
    setrlimit(RLIMIT_CORE, &no_core_file);
    weft::block_on(weft::fiber(keep_letter, take_room));
    std::fflush(stdout);
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    std::printf("  %s\n", strsignal(WTERMSIG(status)));
  } else {
    std::printf("  exit status %d\n", WEXITSTATUS(status));
  }
}

int main() {
  show("without -fstack-clash-protection:", take_much_room_unseen);
  show("with it:", take_much_room);
}
