// The per-thread part of the frame pool. Each thread keeps a Bin for each size class: a magazine of
// free blocks in use, and another in reserve, full or empty (Bonwick and Adams, "Magazines and
// Vmem", 2001). A hot path is a thread_local access and a push or pop of an address. Everything
// unusual (the first use, a full or empty magazine, the pass-through mode, an injected failure, a
// thread that has ended) looks to the hot paths like a magazine that is empty and has no room.
//
// No thread_local address survives a suspension: every function that takes one is noinline, is no
// coroutine, and takes it anew on each call (compilers cache such addresses within a function).
#include <pthread.h>
#include <weft/extend/frame_pool.hpp>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/fork.hpp"
#include "base/frame_depot.hpp"

namespace weft::inline v0_1 {

namespace {

#if defined(__SANITIZE_ADDRESS__)
#define WEFT_FRAME_POOL_PASSES_THROUGH 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT_FRAME_POOL_PASSES_THROUGH 1
#endif
#endif

/// A number or an address that one thread changes and others read. Relaxed: no order is needed.
template <class N>
class Counter {
 public:
  constexpr Counter() noexcept : value_(N()) {}
  constexpr explicit Counter(N value) noexcept : value_(value) {}
  void add(N amount) noexcept { set(static_cast<N>(get() + amount)); }
  void set(N value) noexcept { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] N get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  Atomic<N> value_;
};
using Count = Counter<std::int64_t>;
using Slot = Counter<void**>;

/// Blocks that threads allocated, less those that they freed; negative for a thread that frees
/// blocks of others. For a live thread it includes the blocks in the magazines in use, so that the
/// hot paths, which change those, need not count.
struct LiveCounts {
  std::array<Count, detail::kFrameClasses> blocks;
  Count large_blocks;
  Count large_bytes;

  void add(const LiveCounts& other) noexcept {
    for (std::size_t i = 0; i < detail::kFrameClasses; ++i) blocks[i].add(other.blocks[i].get());
    large_blocks.add(other.large_blocks.get());
    large_bytes.add(other.large_bytes.get());
  }
  void clear() noexcept {
    for (Count& each : blocks) each.set(0);
    large_blocks.set(0);
    large_bytes.set(0);
  }
};

/// Stands for a missing magazine: empty, and without room.
constinit void* no_slot = nullptr;

/// Invariant: the free blocks are in (first, last]; there is room in (last, limit].
struct Bin {
  Slot last{&no_slot};
  Slot limit{&no_slot};
  Slot first{&no_slot};
  detail::Magazine* magazine = nullptr;  // the magazine that these point into
  detail::Magazine* reserve = nullptr;   // full or empty

  /// The number of free blocks. Another thread may read `last` of one magazine and `first` of
  /// another; the difference is then larger than any magazine, and counts as zero.
  [[nodiscard]] std::int64_t blocks(std::size_t index) const noexcept {
    const auto bytes = reinterpret_cast<std::uintptr_t>(last.get()) -
                       reinterpret_cast<std::uintptr_t>(first.get());
    const std::uintptr_t blocks = bytes / sizeof(void*);
    return blocks <= detail::frame_batch_blocks(index) ? static_cast<std::int64_t>(blocks) : 0;
  }
};

enum class ThreadState : std::uint8_t {
  kNew,             // unknown to the registry
  kKeepsMagazines,  // the usual state
  // known, but allocates from operator new or, while a failure is armed, from the depot
  kDirect,
  kEnded,  // it has left the registry at its end, or could not enter it; allocates from the depot
};

struct ThreadCache {
  std::array<Bin, detail::kFrameClasses> bins;
  LiveCounts live;
  ThreadState state = ThreadState::kNew;
  std::int64_t failure_after = -1;  // negative: not armed
  ThreadCache* next = nullptr;      // guarded by the registry's mutex
  ThreadCache* previous = nullptr;
};

struct Registry {
  ThreadMutex mutex;
  ThreadCache* first = nullptr;  // guarded by mutex, as is `ended`
  LiveCounts ended;              // the sum over ended threads
};

// No destructors, so that frames can be freed until the very end of the process and of a thread.
constinit detail::FrameDepot depot;
constinit Registry registry;
constinit thread_local ThreadCache cache;
static_assert(std::is_trivially_destructible_v<ThreadCache>);

// What the hot paths use: the thread's cache, or no_cache, which is always empty and without room.
// The pointer is addressed relative to the thread pointer without a call, also in a shared library
// (initial-exec). The cache itself would be too large for the static TLS space that is reserved for
// such objects.
constinit ThreadCache no_cache;
[[gnu::tls_model("initial-exec")]] constinit thread_local ThreadCache* hot_cache = &no_cache;

bool passes_through() noexcept {
#ifdef WEFT_FRAME_POOL_PASSES_THROUGH
  return true;
#else
  // In the deterministic mode magazines would only add scheduling points to the modelled program.
  static const bool wanted = [] {
    const char* const choice = std::getenv("WEFT_FRAME_POOL");
    return WEFT_ATOMIC_MODE == 2 || (choice != nullptr && std::string_view(choice) == "malloc");
  }();
  return wanted;
#endif
}

/// Takes the bin's magazine out of use and returns it; null if there is none.
[[nodiscard]] detail::Magazine* unload(ThreadCache& self, std::size_t index) noexcept {
  Bin& bin = self.bins[index];
  detail::Magazine* const magazine = std::exchange(bin.magazine, nullptr);
  if (magazine == nullptr) return nullptr;
  magazine->count = static_cast<std::size_t>(bin.blocks(index));
  self.live.blocks[index].add(-bin.blocks(index));
  for (Slot* const each : {&bin.last, &bin.limit, &bin.first}) each->set(&no_slot);
  return magazine;
}

/// Puts `magazine` into use; null is ignored. Precondition: the bin has none.
void load(ThreadCache& self, std::size_t index, detail::Magazine* magazine) noexcept {
  if (magazine == nullptr) return;
  Bin& bin = self.bins[index];
  bin.magazine = magazine;
  bin.first.set(magazine->slots.data());
  bin.last.set(magazine->slots.data() + magazine->count);
  bin.limit.set(magazine->slots.data() + detail::frame_batch_blocks(index));
  self.live.blocks[index].add(bin.blocks(index));
}

void give_magazines_away(ThreadCache& self) noexcept {
  for (std::size_t i = 0; i < detail::kFrameClasses; ++i) {
    depot.put_back(i, unload(self, i));
    depot.put_back(i, std::exchange(self.bins[i].reserve, nullptr));
  }
}

void end_thread() noexcept {
  ThreadCache& self = cache;
  give_magazines_away(self);
  self.state = ThreadState::kEnded;
  const std::lock_guard lock(registry.mutex);
  (self.previous != nullptr ? self.previous->next : registry.first) = self.next;
  if (self.next != nullptr) self.next->previous = self.previous;
  registry.ended.add(self.live);
}

/// Calls end_thread() at the end of the calling thread. False: there is no memory, or no key. (Not
/// by the destructor of a thread_local object: without memory to register that, glibc aborts.)
[[nodiscard]] bool end_with_thread(ThreadCache& self) noexcept {
  static const std::optional<pthread_key_t> key = [] {
    static_cast<void>(detail::ForkCount::begin());  // else children may wait for a lock for ever
    pthread_key_t made = 0;
    const bool done = pthread_key_create(&made, [](void*) { end_thread(); }) == 0;
    return done ? std::optional(made) : std::nullopt;
  }();
  return key && pthread_setspecific(*key, &self) == 0;
}

void start_thread(ThreadCache& self) noexcept {
  // Such a thread keeps no blocks, so that nothing is lost at its end.
  if (!end_with_thread(self)) {
    self.state = ThreadState::kEnded;
    return;
  }
  hot_cache = &self;
  self.state = passes_through() ? ThreadState::kDirect : ThreadState::kKeepsMagazines;
  const std::lock_guard lock(registry.mutex);
  self.next = registry.first;
  if (self.next != nullptr) self.next->previous = &self;
  registry.first = &self;
}

/// Adds what the threads other than `self` have allocated and not given back. With the registry's
/// mutex held.
void add_live_of_others(const ThreadCache* self, LiveCounts& sum) noexcept {
  for (const ThreadCache* each = registry.first; each != nullptr; each = each->next) {
    if (each == self) continue;
    sum.add(each->live);
    for (std::size_t i = 0; i < detail::kFrameClasses; ++i)
      sum.blocks[i].add(-each->bins[i].blocks(i));
  }
}

/// What the child of a fork() keeps of the other threads. Guarded by the registry's mutex.
constinit LiveCounts others_at_fork;

void count(ThreadCache& self, std::size_t index, std::int64_t amount) noexcept {
  if (self.state != ThreadState::kEnded) return self.live.blocks[index].add(amount);
  const std::lock_guard lock(registry.mutex);
  registry.ended.blocks[index].add(amount);
}

void count_large(ThreadCache& self, std::int64_t blocks, std::size_t bytes) noexcept {
  const auto change = blocks * static_cast<std::int64_t>(bytes);
  if (self.state == ThreadState::kNew) start_thread(self);
  if (self.state == ThreadState::kEnded) {
    const std::lock_guard lock(registry.mutex);
    registry.ended.large_blocks.add(blocks);
    registry.ended.large_bytes.add(change);
  } else {
    self.live.large_blocks.add(blocks);
    self.live.large_bytes.add(change);
  }
}

constexpr auto block_alignment = std::align_val_t{detail::kFrameGranule};

void throw_if_armed(ThreadCache& self) {
  if (self.failure_after < 0) return;
  if (self.failure_after-- == 0) {
    set_frame_failure_after(-1);
    throw std::bad_alloc();
  }
}

void* allocate_directly(ThreadCache& self, std::size_t index) {
  throw_if_armed(self);
  void* const block = passes_through()
                          ? ::operator new(detail::frame_class_bytes(index), block_alignment)
                          : depot.take_one(index);
  count(self, index, 1);
  return block;
}

[[gnu::noinline]] void* allocate_slowly(std::size_t index) {
  ThreadCache& self = cache;
  if (self.state == ThreadState::kNew) start_thread(self);
  if (self.state != ThreadState::kKeepsMagazines) return allocate_directly(self, index);
  Bin& bin = self.bins[index];
  detail::Magazine* const empty = unload(self, index);
  if (bin.reserve == nullptr || bin.reserve->count == 0) {
    try {
      load(self, index, depot.take(index, empty));
    } catch (const std::bad_alloc&) {
      // There is no memory for a magazine; but there may be a free block.
      load(self, index, empty);
      void* const block = depot.take_one(index);
      count(self, index, 1);
      return block;
    }
  } else {
    load(self, index, std::exchange(bin.reserve, empty));
  }
  void** const last = bin.last.get();
  bin.last.set(last - 1);
  return *last;
}

void deallocate_directly(ThreadCache& self, void* block, std::size_t index) noexcept {
  count(self, index, -1);
  if (passes_through()) {
    return ::operator delete(block, detail::frame_class_bytes(index), block_alignment);
  }
  depot.give_one(index, block);
}

[[gnu::noinline]] void deallocate_slowly(void* block, std::size_t index) noexcept {
  ThreadCache& self = cache;
  if (self.state == ThreadState::kNew) start_thread(self);
  if (self.state != ThreadState::kKeepsMagazines) return deallocate_directly(self, block, index);
  Bin& bin = self.bins[index];
  // The magazine just filled is kept in reserve and the older one given away. So a thread that
  // allocates and frees around a boundary goes to the depot at most once a batch.
  detail::Magazine* const older = std::exchange(bin.reserve, unload(self, index));
  load(self, index, older != nullptr && older->count == 0 ? older : depot.give(index, older));
  if (bin.magazine == nullptr) return deallocate_directly(self, block, index);
  void** const last = bin.last.get() + 1;
  *last = block;
  bin.last.set(last);
}

}  // namespace

[[gnu::noinline]] void* allocate_frame_of_class(std::size_t index) {
  Bin& bin = hot_cache->bins[index];
  void** const last = bin.last.get();
  void* const block = *last;
  if (block == nullptr) [[unlikely]]
    return allocate_slowly(index);
  bin.last.set(last - 1);
  return block;
}

[[gnu::noinline]] void deallocate_frame_of_class(void* block, std::size_t index) noexcept {
  Bin& bin = hot_cache->bins[index];
  void** const last = bin.last.get();
  if (last == bin.limit.get()) [[unlikely]]
    return deallocate_slowly(block, index);
  last[1] = block;
  bin.last.set(last + 1);
}

[[gnu::noinline]] void* allocate_large_frame(std::size_t bytes) {
  ThreadCache& self = cache;
  throw_if_armed(self);
  void* const block = ::operator new(bytes, block_alignment);
  count_large(self, 1, bytes);
  return block;
}

[[gnu::noinline]] void deallocate_large_frame(void* block, std::size_t bytes) noexcept {
  count_large(cache, -1, bytes);
  ::operator delete(block, bytes, block_alignment);
}

FramePoolStats frame_pool_stats() noexcept {
  LiveCounts sum;
  {
    const std::lock_guard lock(registry.mutex);
    sum.add(registry.ended);
    add_live_of_others(nullptr, sum);
  }
  FramePoolStats stats;
  stats.live_blocks = sum.large_blocks.get();
  stats.live_bytes = sum.large_bytes.get();
  for (std::size_t i = 0; i < detail::kFrameClasses; ++i) {
    stats.live_blocks += sum.blocks[i].get();
    stats.live_bytes +=
        sum.blocks[i].get() * static_cast<std::int64_t>(detail::frame_class_bytes(i));
  }
  stats.slab_bytes = static_cast<std::int64_t>(depot.slab_bytes());
  return stats;
}

[[gnu::noinline]] void set_frame_failure_after(std::int64_t successes) noexcept {
  ThreadCache& self = cache;
  if (self.state == ThreadState::kNew) start_thread(self);
  self.failure_after = successes;
  if (self.state == ThreadState::kEnded || passes_through()) return;
  // An armed thread keeps no magazines, so that each allocation passes the place that can fail.
  if (successes >= 0 && self.state == ThreadState::kKeepsMagazines) {
    give_magazines_away(self);
    self.state = ThreadState::kDirect;
  } else if (successes < 0 && self.state == ThreadState::kDirect) {
    self.state = ThreadState::kKeepsMagazines;
  }
}

// A fork() while another thread holds one of the locks would leave it held in the child for ever.

void detail::hold_frame_pool() noexcept {
  registry.mutex.lock();
  depot.mutex().lock();
  others_at_fork.clear();
  add_live_of_others(&cache, others_at_fork);
}

void detail::release_frame_pool() noexcept {
  depot.mutex().unlock();
  registry.mutex.unlock();
}

/// The other threads are gone and leave the registry. Their free blocks are lost: one of them may
/// have been about to take one.
[[gnu::noinline]] void detail::release_frame_pool_in_child() noexcept {
  ThreadCache& self = cache;
  const bool listed =
      self.state == ThreadState::kKeepsMagazines || self.state == ThreadState::kDirect;
  registry.first = listed ? &self : nullptr;
  self.next = nullptr;
  self.previous = nullptr;
  registry.ended.add(others_at_fork);
  release_frame_pool();
}

}  // namespace weft::inline v0_1
