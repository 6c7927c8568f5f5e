// A fiber made by hand: a stack, and a switch of a dozen instructions. For chapter 5 of the guide.
// One thread only; what a fiber throws ends the process; its stack has no guard.
#pragma once

#include "own_switch.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <utility>

// [fiber]
class Fiber {
 public:
  static constexpr std::size_t stack_bytes = 64 * 1024;

  explicit Fiber(std::function<void()> function)
      : function_(std::move(function)), stack_(std::make_unique<Stack>()) {
    lay_out(*stack_);
  }
  /// On memory of the caller's, whose end is a multiple of 16.
  Fiber(std::span<std::byte> stack, std::function<void()> function)
      : function_(std::move(function)) {
    lay_out(stack);
  }
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// Runs it until it yields or ends. False: it has ended.
  bool resume() {
    if (ended_) return false;
    Fiber* const outer = std::exchange(running_, this);
    switch_stack(&caller_, own_);
    running_ = outer;
    return !ended_;
  }

  /// Called from within a fiber, at any depth below its first function: returns to the resumer.
  static void yield() { switch_stack(&running_->own_, running_->caller_); }

 private:
  struct alignas(16) Stack : std::array<std::byte, stack_bytes> {};

  /// Makes the stack look as if the fiber had switched away just before its first line.
  void lay_out(std::span<std::byte> stack) {
    std::array<std::uintptr_t, saved_words.size() + words_above> words{};
    words[return_word] = reinterpret_cast<std::uintptr_t>(&Fiber::first_line);
    const std::span<std::byte> place = stack.last(sizeof words);
    std::memcpy(place.data(), words.data(), sizeof words);
    own_ = place.data();
  }

  static void first_line() {
    running_->function_();
    running_->ended_ = true;
    yield();  // for good: a fiber that has ended is not resumed
  }

  static inline Fiber* running_ = nullptr;

  std::function<void()> function_;
  std::unique_ptr<Stack> stack_;
  void* own_ = nullptr;     // its stack pointer, while it does not run
  void* caller_ = nullptr;  // the stack pointer of the resumer, while the fiber runs
  bool ended_ = false;
};
// [/fiber]
