// What happens when a fiber made by hand needs more stack than it has: without a guard, with one,
// and with one over which a large frame steps. Each is a child process, since some of them die.
// The argument chooses one: "bare", "guarded" or "jump".
#include "own_fiber.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <string_view>

namespace {

// [stacks]
constexpr std::size_t kib = 1024;
constexpr std::size_t stack_bytes = 64 * kib;

struct NamedStack {
  const char* name;
  std::span<std::byte> guard;  // below the stack
  std::span<std::byte> stack;
};
std::array<NamedStack, 2> stacks{NamedStack{.name = "lower", .guard = {}, .stack = {}},
                                 NamedStack{.name = "upper", .guard = {}, .stack = {}}};

/// In memory, from low to high: guard of "lower", "lower", guard of "upper", "upper".
void make_stacks(std::size_t guard_bytes) {
  const std::size_t each = guard_bytes + stack_bytes;
  void* const memory = mmap(nullptr, 2 * each, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) return std::perror("mmap");
  std::span all(static_cast<std::byte*>(memory), 2 * each);
  for (NamedStack& one : stacks) {
    one.guard = all.first(guard_bytes);
    one.stack = all.subspan(guard_bytes, stack_bytes);
    all = all.subspan(each);
    if (guard_bytes != 0) mprotect(one.guard.data(), guard_bytes, PROT_NONE);
  }
}
// [/stacks]

// [fault]
extern "C" void name_the_fiber(int, siginfo_t* fault, void*) {
  const auto address = reinterpret_cast<std::uintptr_t>(fault->si_addr);
  for (const NamedStack& one : stacks) {
    const auto guard = reinterpret_cast<std::uintptr_t>(one.guard.data());
    if (address - guard >= one.guard.size()) continue;
    // In a signal handler only some functions may be called: write() is one, printf() is not.
    for (const std::string_view part : {"  fiber '", one.name, "' has overflowed its stack\n"}) {
      static_cast<void>(!write(STDOUT_FILENO, part.data(), part.size()));
    }
  }
  // Returns to the instruction that failed. It fails again, and SA_RESETHAND lets that end us.
}

void watch_guards() {
  static std::array<std::byte, 64 * kib> handler_stack;
  const stack_t alternative{
      .ss_sp = handler_stack.data(), .ss_flags = 0, .ss_size = handler_stack.size()};
  sigaltstack(&alternative, nullptr);
  struct sigaction action{};
  action.sa_sigaction = name_the_fiber;
  action.sa_flags = static_cast<int>(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND);
  sigaction(SIGSEGV, &action, nullptr);
}
// [/fault]

// [deep]
/// A kilobyte of stack for each level.
[[gnu::noinline]] int sum_down_from(int level) {
  std::array<int, 256> room;
  room[0] = level;
  asm volatile("" : : "r"(room.data()) : "memory");  // the compiler shall not do without the room
  return level == 0 ? 0 : room[0] + sum_down_from(level - 1);
}

void go_deep() { sum_down_from(75); }
// [/deep]

// [large]
/// 144 KiB in one frame: more than a stack and its guard. It writes 16 bytes, to the far end.
[[gnu::noinline]] void take_much_room() {
  std::array<char, 144 * kib> room;
  asm volatile("" : : "r"(room.data()) : "memory");
  std::fill_n(room.begin(), 16, '!');
  asm volatile("" : : "r"(room.data()) : "memory");
}
// [/large]

// [neighbour]
/// On the lower stack: writes a letter, stops, and looks at it again.
void keep_letter() {
  std::array<char, 32 * kib> letter;
  letter.fill('a');
  asm volatile("" : : "r"(letter.data()) : "memory");
  Fiber::yield();
  asm volatile("" : : "r"(letter.data()) : "memory");
  const auto changed = std::ranges::count_if(letter, [](char c) { return c != 'a'; });
  std::printf("  the neighbour's letter: %s\n", changed == 0 ? "unchanged" : "has changed");
  std::fflush(stdout);
  _exit(0);  // it does not return: its return address may have changed as well
}

void run_both(std::size_t guard_bytes, void (*overflow)()) {
  make_stacks(guard_bytes);
  watch_guards();
  Fiber lower(stacks[0].stack, keep_letter);
  Fiber upper(stacks[1].stack, overflow);
  lower.resume();
  upper.resume();
  lower.resume();
}
// [/neighbour]

void show(const char* title, std::size_t guard_bytes, void (*overflow)()) {
  std::puts(title);
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    const rlimit no_core_file{};
    setrlimit(RLIMIT_CORE, &no_core_file);
    run_both(guard_bytes, overflow);
    _exit(1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) {
    std::printf("  the process has ended: %s\n", strsignal(WTERMSIG(status)));
  } else {
    std::printf("  the process has ended with %d\n", WEXITSTATUS(status));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view only = argc > 1 ? argv[1] : "";
  if (only.empty() || only == "bare") show("deep calls, no guard:", 0, go_deep);
  if (only.empty() || only == "guarded") show("deep calls, a guard:", 64 * kib, go_deep);
  if (only.empty() || only == "jump") show("one large frame, a guard:", 64 * kib, take_much_room);
}
