// StackPool: the stacks of one worker's fibers. Owned by its FiberScheduler; FiberBody takes and
// gives back. Thread-safety: everything on the worker's thread, without a lock, as a fiber starts
// and ends on its worker.
//
// Stacks come in size classes, powers of two. They are cut from slabs of address space. Each has
// guard pages below it, and costs memory only as deep as it was used. The stack given back last is
// taken next: it is the warmest. Beyond most_warm free stacks of a class, their memory goes back to
// the system; the address space stays with the pool until its end.
//
// The tops of the stacks are shifted against each other by some cache lines: otherwise the lines
// that each fiber uses most would all compete for the same few sets of the cache.
#pragma once

#include <weft/result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

namespace weft::inline v0_1::detail {

/// One stack; the pool owns it.
struct FiberStack {
  std::span<std::byte> memory;     ///< without the guard, and above it without the shift of the top
  FiberStack* next = nullptr;      ///< the pool's link
  void* sanitizer_flow = nullptr;  ///< ThreadSanitizer's object for flows here, kept: slow to make
  std::uint32_t uses = 0;          ///< how often that object was used
  std::uint8_t size_class = 0;
};

class StackPool {
 public:
  // Multiples of every page size: only touched pages cost memory.
  static constexpr std::size_t smallest = std::size_t{64} << 10;
  static constexpr std::size_t largest = std::size_t{64} << 20;
  /// A frame larger than this steps over it, unless it was compiled with -fstack-clash-protection,
  /// which touches each page of a large frame in turn. weft's CMake targets pass that flag on.
  static constexpr std::size_t guard_bytes = std::size_t{64} << 10;

  /// The bytes of a stack of that class, the shift of its top included.
  [[nodiscard]] static std::size_t bytes_of(std::size_t size_class) noexcept {
    return smallest << size_class;
  }

  struct Options {
    std::size_t most_warm = 2048;  ///< free stacks of a class that keep their memory; at least one
    /// One in this many stacks given back frees its memory deeper than kept_bytes, so that a deep
    /// call does not keep memory for ever. Costs a system call.
    std::uint32_t trim_interval = 1024;
  };

  StackPool() : StackPool(Options()) {}
  /// Throws std::bad_alloc: an empty std::deque of libstdc++ has memory.
  explicit StackPool(Options options);
  /// All stacks must have been given back.
  ~StackPool();
  StackPool(const StackPool&) = delete;
  StackPool& operator=(const StackPool&) = delete;

  /// Returns a stack of at least `bytes`. Fails with not_enough_memory (no address space, or no
  /// mapping is left for the guard) or invalid_argument (more than `largest`).
  [[nodiscard]] Result<FiberStack*> take(std::size_t bytes) noexcept;
  /// The caller may still be on the stack, no deeper than kept_bytes, if it leaves before the next
  /// take().
  void give_back(FiberStack& stack) noexcept;

  /// The number of stacks taken and not given back.
  [[nodiscard]] std::size_t in_use() const noexcept { return in_use_; }
  /// The address space taken, in bytes.
  [[nodiscard]] std::size_t reserved_bytes() const noexcept;

 private:
  static constexpr std::size_t slab_bytes = std::size_t{16} << 20;
  static constexpr std::size_t classes = 11;  // 64 KiB … 64 MiB
  static_assert(smallest << (classes - 1) == largest);
  static constexpr std::size_t colours = 16;
  static constexpr std::size_t colour_bytes = 128;
  static constexpr std::size_t kept_bytes = std::size_t{64} << 10;

  struct Class {
    FiberStack* warm = nullptr;  // the last one given back first
    FiberStack* cold = nullptr;  // without memory
    std::size_t warm_count = 0;
    std::uint32_t returns = 0;
    std::span<std::byte> fresh;  // the rest of the newest slab, never used
  };

  [[nodiscard]] Result<FiberStack*> cut(std::size_t size_class) noexcept;

  const Options options_;
  std::array<Class, classes> classes_;
  std::deque<FiberStack> stacks_;  // a deque, as its elements must not move: they are linked
  std::vector<std::span<std::byte>> slabs_;
  std::size_t in_use_ = 0;
};

}  // namespace weft::inline v0_1::detail
