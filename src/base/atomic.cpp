// The parts of <weft/atomic.hpp> that are not inline, for the plain and the perturbed mode. Those
// of the deterministic mode are in model/hooks.cpp.
#include <weft/atomic.hpp>

#if WEFT_ATOMIC_MODE == 1
#include <cstdlib>
#include <thread>
#endif

namespace weft::inline v0_1 {
inline namespace WEFT_ATOMIC_NAMESPACE {

const int atomic_mode_of_library = WEFT_ATOMIC_MODE;

#if WEFT_ATOMIC_MODE == 1

namespace {

constexpr std::uint64_t kDefaultSeed = 0x9E3779B97F4A7C15;

std::uint64_t seed_from_environment() noexcept {
  const char* const text = std::getenv("WEFT_SEED");
  if (text == nullptr) return kDefaultSeed;
  const std::uint64_t seed = std::strtoull(text, nullptr, 0);
  return seed != 0 ? seed : kDefaultSeed;  // zero is the fixed point of xorshift
}

// Derives a stream for each thread from one seed, in the order of their first operation.
std::uint64_t next_stream() noexcept {
  static const std::uint64_t seed = seed_from_environment();
  static std::atomic<std::uint64_t> streams{0};
  const std::uint64_t index = streams.fetch_add(1, std::memory_order_relaxed) + 1;
  const std::uint64_t mixed = seed ^ (index * kDefaultSeed);
  return mixed != 0 ? mixed : kDefaultSeed;
}

// noinline: a coroutine may migrate within its caller, and a cached thread_local address would be
// that of another thread.
[[gnu::noinline]] std::uint64_t draw() noexcept {
  static constinit thread_local std::uint64_t state = 0;
  if (state == 0) state = next_stream();
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}

}  // namespace

void before_atomic_operation() noexcept {
  if (draw() % 32 == 0) std::this_thread::yield();
}

#endif

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::inline v0_1
