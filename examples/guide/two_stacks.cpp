// A second stack, made by hand, and a flow that runs on it: what lies there before the first
// switch, and after the flow has switched away. With the argument "returns", the flow's first
// function returns, although nothing has called it.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string_view>

#include "own_switch.hpp"

namespace {

// [flow]
void* main_flow = nullptr;   // where main has stopped
void* other_flow = nullptr;  // where the other flow has stopped

constexpr std::uintptr_t local_value = 0x10ca1;
std::uintptr_t return_of_deeper = 0;
bool first_returns = false;

[[gnu::noinline]] void deeper() {
  return_of_deeper = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0));
  std::puts("deeper: switches to main");
  switch_stack(&other_flow, main_flow);
  std::puts("deeper: goes on, and returns");
}

void first() {
  std::uintptr_t local = local_value;
  asm volatile("" : "+m"(local));  // the compiler shall keep it on the stack
  std::puts("first:  runs, and calls deeper");
  deeper();
  std::printf("first:  goes on; its local is %#jx\n", static_cast<std::uintmax_t>(local));
  if (!first_returns) switch_stack(&other_flow, main_flow);  // for good
}
// [/flow]

// [stack]
alignas(16) std::array<std::uintptr_t, 8192> stack;  // 64 KiB

constexpr std::size_t saved_at = stack.size() - words_above - saved_words.size();
constexpr std::uintptr_t mark = 0xabc00;

void lay_out() {
  for (std::size_t i = 0; i < saved_words.size(); ++i) stack[saved_at + i] = mark + i;
  stack[saved_at + return_word] = reinterpret_cast<std::uintptr_t>(&first);
  other_flow = &stack[saved_at];
}
// [/stack]

void show_word(std::size_t index, const char* what) {
  std::printf("  top - %3zu: %#14jx  %s\n", (stack.size() - index) * sizeof stack[0],
              static_cast<std::uintmax_t>(stack[index]), what);
}

/// From the top down, as the stack grows: what is known of the frames, and the saved words.
void show(const char* title) {
  std::printf("the other stack, %s:\n", title);
  const auto saved = static_cast<std::size_t>(static_cast<std::uintptr_t*>(other_flow) - &stack[0]);
  const std::size_t frames = saved + saved_words.size();
  std::size_t others = 0;
  for (std::size_t i = stack.size(); i-- > frames;) {
    if (stack[i] == local_value) {
      show_word(i, "the local of first()");
    } else if (stack[i] == return_of_deeper && return_of_deeper != 0) {
      show_word(i, "deeper() returns here, into first()");
    } else {
      ++others;
    }
  }
  std::printf("  (other words above: %zu)\n", others);
  for (std::size_t i = saved_words.size(); i-- > 0;) {
    const bool is_first =
        i == return_word && stack[saved + i] == reinterpret_cast<std::uintptr_t>(&first);
    std::printf("  top - %3zu: %#14jx  %s%s%s\n", (stack.size() - saved - i) * sizeof stack[0],
                static_cast<std::uintmax_t>(stack[saved + i]), saved_words[i],
                is_first ? ": first()" : "", i == 0 ? "  <- its stack pointer" : "");
  }
}

extern "C" void report_fault(int, siginfo_t* fault, void*) {
  // No function of stdio in a signal handler: the message is made before, or by hand.
  const std::string_view text = fault->si_addr == nullptr
                                    ? "SIGSEGV: the next instruction would be at address 0\n"
                                    : "SIGSEGV at another address\n";
  static_cast<void>(!write(STDOUT_FILENO, text.data(), text.size()));
  _exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  std::setbuf(stdout, nullptr);
  lay_out();
  if (argc > 1 && std::string_view(argv[1]) == "returns") {
    first_returns = true;
    struct sigaction action{};
    action.sa_sigaction = report_fault;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, nullptr);
    alarm(2);  // for other processors: see the text
    switch_stack(&main_flow, other_flow);
    switch_stack(&main_flow, other_flow);
    return 1;
  }
  // [main]
  show("before");
  std::puts("main:   switches to the other stack");
  switch_stack(&main_flow, other_flow);
  std::puts("main:   goes on");
  show("after");
  std::puts("main:   switches again");
  switch_stack(&main_flow, other_flow);
  std::puts("main:   ends");
  // [/main]
}
