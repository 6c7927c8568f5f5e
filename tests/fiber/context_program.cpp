// context_program [switches]: tests the context switch without a framework, so that it runs
// wherever weft can be cross-built to. Several flows switch to each other at random, each with
// random values in every register that must survive. An exception passes through frames of each.
// Prints errors and ends with 1.
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

#include "fiber/context.hpp"

extern "C" {
void weft_test_switch(weft_saved_context* from, const weft_saved_context* to, void* argument,
                      const std::uint64_t* pattern, std::uint64_t* seen) noexcept;
extern const std::uint32_t weft_test_words;
}

namespace {

constexpr std::size_t most_words = 32;
constexpr std::size_t flows = 8;
constexpr std::size_t stack_bytes = 256 * 1024;
constexpr std::uint64_t switches_between_throws = 256;

using Pattern = std::array<std::uint64_t, most_words>;

struct Program {
  std::mt19937_64 random{1};
  std::array<weft_saved_context, flows> suspended{};  // 0: main
  std::size_t running = 0;
  std::uint64_t left = 0;
  bool failed = false;
};

Program* program = nullptr;

// The values that a control register may hold. Masks of exceptions stay set.
#if defined(__x86_64__)
constexpr std::uint64_t control_bits[] = {0xffc0, 0x0f3f};
std::uint64_t random_control(unsigned which, std::uint64_t random) {
  constexpr std::uint64_t rounding_and_zeros = 0xe040;
  constexpr std::uint64_t x87_rounding = 0x0c00;
  return which == 0 ? 0x1f80 | (random & rounding_and_zeros) : 0x037f | (random & x87_rounding);
}
#else
constexpr std::uint64_t control_bits[] = {0x3c00000, 0};
std::uint64_t random_control(unsigned which, std::uint64_t random) {
  return which == 0 ? random & control_bits[0] : 0;  // fpcr: rounding mode, FZ, DN
}
#endif

void fail(const char* what, std::uint64_t where) {
  std::printf("failed: %s %llu, %llu switches left\n", what, static_cast<unsigned long long>(where),
              static_cast<unsigned long long>(program->left));
  program->failed = true;
}

/// Switches to `to` with a random pattern in the registers, and compares after the return.
void switch_to(std::size_t to) {
  Program& p = *program;
  const std::size_t self = p.running;
  Pattern pattern{};
  Pattern seen{};
  for (std::uint32_t i = 0; i < weft_test_words; ++i) pattern[i] = p.random();
  const std::uint32_t first_control = weft_test_words - 2;
  for (unsigned i = 0; i < 2; ++i) {
    pattern[first_control + i] = random_control(i, pattern[first_control + i]);
  }
  p.running = to;
  weft_test_switch(&p.suspended[self], &p.suspended[to], nullptr, pattern.data(), seen.data());
  if (p.running != self) fail("another flow went on here:", p.running);
  for (std::uint32_t i = 0; i < weft_test_words; ++i) {
    const std::uint64_t mask =
        i < first_control ? ~std::uint64_t{0} : control_bits[i - first_control];
    if (((pattern[i] ^ seen[i]) & mask) != 0) fail("another value in word", i);
  }
}

[[gnu::noinline]] unsigned throw_through(unsigned depth) {
  if (depth == 0) throw std::runtime_error("thrown");
  return throw_through(depth - 1) + 1;  // no tail call: the exception has frames to pass
}

/// An exception begins and ends within this flow.
void throw_and_catch() {
  try {
    static_cast<void>(throw_through(5));
    fail("nothing was thrown", 0);
  } catch (const std::runtime_error&) {
  }
}

std::size_t any_other() {
  const std::size_t step = 1 + program->random() % (flows - 1);
  return (program->running + step) % flows;
}

void flow(void*) noexcept {
  Program& p = *program;
  for (;;) {
    if (p.left % switches_between_throws == 0) throw_and_catch();
    if (p.left == 0 || p.failed) {
      switch_to(0);
      continue;
    }
    --p.left;
    switch_to(any_other());
  }
}

struct Handed {
  weft::detail::FlowContext main;
  weft::detail::FlowContext other;
};

void hand_back(void* first) noexcept {
  auto* handed = static_cast<Handed*>(first);
  std::uintptr_t sum = 0;
  for (;;) {
    void* const next = handed->other.suspend_and_go_on(handed->main, reinterpret_cast<void*>(sum));
    sum += reinterpret_cast<std::uintptr_t>(next);
  }
}

/// The argument of a switch arrives, at the entry and at every return.
void check_arguments() {
  std::vector<std::byte> stack(stack_bytes);
  Handed handed;
  new (&handed.other) weft::detail::FlowContext(std::span(stack), &hand_back);
  handed.main.suspend_and_go_on(handed.other, &handed);
  for (std::uintptr_t i = 1; i <= 100; ++i) {
    void* const sum = handed.main.suspend_and_go_on(handed.other, reinterpret_cast<void*>(i));
    if (reinterpret_cast<std::uintptr_t>(sum) != i * (i + 1) / 2) fail("a wrong argument", i);
  }
}

/// Both forms of the switch, mixed, in code that holds more values than there are registers.
struct Mixed {
  weft::detail::FlowContext main;
  weft::detail::FlowContext other;
  std::mt19937_64 random{2};
};

[[gnu::noinline]] void hold_values_across(Mixed& mixed, weft::detail::FlowContext& from,
                                          weft::detail::FlowContext& to) {
  constexpr std::size_t count = 24;
  std::array<std::uint64_t, count> expected{};
  std::array<std::uint64_t, count> held{};
  std::array<double, count> expected_reals{};
  std::array<double, count> reals{};
  for (std::size_t i = 0; i < count; ++i) {
    expected[i] = held[i] = mixed.random();
    expected_reals[i] = reals[i] = static_cast<double>(mixed.random());
  }
  // Unrolled by the compiler: scalars that live across the switch, in registers where it can.
  const auto [a, b, c, d, e, f] = std::array{held[0], held[1], held[2], held[3], held[4], held[5]};
  const auto [u, v, w, x] = std::array{reals[0], reals[1], reals[2], reals[3]};
  if (mixed.random() % 2 == 0) {
    from.suspend_and_go_on_inline(to, &mixed);
  } else {
    from.suspend_and_go_on(to, &mixed);
  }
  const std::array after{a, b, c, d, e, f};
  const std::array reals_after{u, v, w, x};
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (after[i] != expected[i] || held[i] != expected[i]) fail("another value in local", i);
  }
  for (std::size_t i = 0; i < reals_after.size(); ++i) {
    if (reals_after[i] != expected_reals[i]) fail("another value in real local", i);
  }
}

void mixed_flow(void* argument) noexcept {
  auto* const mixed = static_cast<Mixed*>(argument);
  for (;;) hold_values_across(*mixed, mixed->other, mixed->main);
}

void check_mixed_forms(std::uint64_t switches) {
  std::vector<std::byte> stack(stack_bytes);
  Mixed mixed;
  new (&mixed.other) weft::detail::FlowContext(std::span(stack), &mixed_flow);
  for (std::uint64_t i = 0; i < switches / 2; ++i) {
    hold_values_across(mixed, mixed.main, mixed.other);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Program p;
  program = &p;
  p.left = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const std::uint64_t wanted = p.left;
  check_arguments();
  check_mixed_forms(wanted);
  std::vector<std::unique_ptr<std::byte[]>> stacks;
  for (std::size_t i = 1; i < flows; ++i) {
    stacks.push_back(std::make_unique<std::byte[]>(stack_bytes));
    weft_make_context(&p.suspended[i], stacks.back().get() + stack_bytes, stacks.back().get(),
                      &flow);
  }
  while (p.left != 0 && !p.failed) {
    --p.left;
    switch_to(any_other());
  }
  if (p.failed) return 1;
  std::printf("%llu switches, %u words each: all as they were\n",
              static_cast<unsigned long long>(wanted), static_cast<unsigned>(weft_test_words));
  return 0;
}
