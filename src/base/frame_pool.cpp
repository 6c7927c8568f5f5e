// The thread's side of the frame pool. Each thread keeps, for each size class, a Bin: a list of
// free blocks, a full batch in reserve and some memory not yet cut (the magazines of Bonwick and
// Adams, "Magazines and Vmem", 2001). The hot paths are a thread_local access and a push or pop;
// everything unusual (the first use, a full or empty bin, the pass-through mode, a failure to
// inject, a thread that has ended) looks to the hot paths like an empty list or a list without
// room.
//
// No thread_local address survives a suspension: every function that takes one is noinline, is no
// coroutine and takes it anew on each call (compilers cache such addresses inside one function).
#include <weft/frame_pool.hpp>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/frame_depot.hpp"

namespace weft {
namespace {

#if defined(__SANITIZE_ADDRESS__)
#define WEFT_FRAME_POOL_PASSES_THROUGH 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT_FRAME_POOL_PASSES_THROUGH 1
#endif
#endif

/// A number that its thread changes and others read: relaxed load and store, as no order is
/// claimed.
template <class N>
class Counter {
 public:
  void add(N amount) noexcept { set(static_cast<N>(get() + amount)); }
  void set(N value) noexcept { value_.store(value, std::memory_order_relaxed); }
  [[nodiscard]] N get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  Atomic<N> value_{0};
};
using Count = Counter<std::int64_t>;
using Room = Counter<std::uint32_t>;

/// Blocks that threads allocated, less those that they freed: below zero where one frees others'
/// blocks. Of a thread that lives it is that less the room of its bins, so that the hot paths,
/// which change the room, need not count.
struct LiveCounts {
  std::array<Count, kFrameClasses> blocks;
  Count large_blocks;
  Count large_bytes;

  void add(const LiveCounts& other) noexcept {
    for (std::size_t i = 0; i < kFrameClasses; ++i) blocks[i].add(other.blocks[i].get());
    large_blocks.add(other.large_blocks.get());
    large_bytes.add(other.large_bytes.get());
  }
};

/// Invariant: `free` holds frame_batch_blocks - room blocks, and `reserve`, if not null, a full
/// batch; but in a thread that does not keep lists all is empty and there is no room.
struct Bin {
  FreeFrame* free = nullptr;
  Room room;
  FreeFrame* reserve = nullptr;
  FrameRange range;
};

enum class ThreadState : std::uint8_t {
  kNew,         // not known to the registry
  kKeepsLists,  // the usual state
  kDirect,  // known, but allocates from operator new or, while a failure is armed, from the depot
  kEnded,   // its thread_local objects are being destroyed and it has left the registry
};

struct ThreadCache {
  std::array<Bin, kFrameClasses> bins;
  LiveCounts live;
  ThreadState state = ThreadState::kNew;
  std::int64_t failure_after = -1;  // below zero: not armed
  ThreadCache* next = nullptr;      // guarded by the registry's mutex
  ThreadCache* previous = nullptr;
};

struct Registry {
  ThreadMutex mutex;
  ThreadCache* first = nullptr;  // guarded by mutex, as is `ended`
  LiveCounts ended;              // the sum over threads that have ended
};

// Without destructors, so that frames can be freed to the very end of the process and of a thread.
constinit FrameDepot depot;
constinit Registry registry;
constinit thread_local ThreadCache cache;
static_assert(std::is_trivially_destructible_v<ThreadCache>);

// What the hot paths look at: the thread's cache, or one that is empty and has no room, for ever.
// The pointer is addressed relative to the thread pointer, without a call, also in a shared
// library; the cache itself would be too large for the little room that is kept for those.
ThreadCache no_cache;
[[gnu::tls_model("initial-exec")]] constinit thread_local ThreadCache* hot_cache = &no_cache;

bool passes_through() noexcept {
#ifdef WEFT_FRAME_POOL_PASSES_THROUGH
  return true;
#else
  // In the deterministic mode, lists would only add scheduling points to what is being modelled.
  static const bool wanted = [] {
    const char* const choice = std::getenv("WEFT_FRAME_POOL");
    return WEFT_ATOMIC_MODE == 2 || (choice != nullptr && std::string_view(choice) == "malloc");
  }();
  return wanted;
#endif
}

/// The bin holds no block.
void make_room(ThreadCache& self, std::size_t index) noexcept {
  const std::uint32_t batch = frame_batch_blocks(index);
  self.bins[index].room.set(batch);
  self.live.blocks[index].add(-std::int64_t{batch});
}

/// The bin holds `blocks`, where it held none.
void fill(ThreadCache& self, std::size_t index, FrameChain blocks) noexcept {
  Bin& bin = self.bins[index];
  bin.free = blocks.head;
  bin.room.add(0U - blocks.count);
  self.live.blocks[index].add(blocks.count);
}

void start_lists(ThreadCache& self) noexcept {
  self.state = ThreadState::kKeepsLists;
  for (std::size_t i = 0; i < kFrameClasses; ++i) make_room(self, i);
}

void give_lists_away(ThreadCache& self) noexcept {
  for (std::size_t i = 0; i < kFrameClasses; ++i) {
    Bin& bin = self.bins[i];
    const std::uint32_t batch = frame_batch_blocks(i);
    const std::uint32_t room = bin.room.get();
    depot.give(i, FrameChain{bin.free, batch - room});
    depot.give(i, FrameChain{bin.reserve, batch});
    depot.give(i, bin.range);
    bin.free = bin.reserve = nullptr;
    bin.range = FrameRange{};
    bin.room.set(0);
    self.live.blocks[i].add(room);
  }
}

void end_thread() noexcept {
  ThreadCache& self = cache;
  if (self.state == ThreadState::kKeepsLists) give_lists_away(self);
  self.state = ThreadState::kEnded;
  const std::lock_guard lock(registry.mutex);
  (self.previous != nullptr ? self.previous->next : registry.first) = self.next;
  if (self.next != nullptr) self.next->previous = self.previous;
  registry.ended.add(self.live);
}

struct EndOfThread {
  bool armed = false;
  ~EndOfThread() { end_thread(); }
};

void start_thread(ThreadCache& self) noexcept {
  static thread_local EndOfThread end_of_thread;
  end_of_thread.armed = true;  // the first use registers the destructor
  hot_cache = &self;
  if (passes_through()) {
    self.state = ThreadState::kDirect;
  } else {
    start_lists(self);
  }
  const std::lock_guard lock(registry.mutex);
  self.next = registry.first;
  if (self.next != nullptr) self.next->previous = &self;
  registry.first = &self;
}

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

void throw_if_armed(ThreadCache& self) {
  if (self.failure_after < 0) return;
  if (self.failure_after-- == 0) {
    set_frame_failure_after(-1);
    throw std::bad_alloc();
  }
}

void* allocate_directly(ThreadCache& self, std::size_t index) {
  throw_if_armed(self);
  void* const block =
      passes_through() ? ::operator new(frame_class_bytes(index)) : depot.take_one(index);
  count(self, index, 1);
  return block;
}

/// A few blocks from the front of `range`, which is not empty: a few, as to link them touches them.
FrameChain cut_some(FrameRange& range, std::size_t index) noexcept {
  constexpr std::uint32_t most = 8;
  FrameChain chain;
  FreeFrame** link = &chain.head;
  while (chain.count < std::min(most, frame_batch_blocks(index)) && !range.empty()) {
    *link = ::new (range.cut(frame_class_bytes(index))) FreeFrame{nullptr};
    link = &(*link)->next;
    ++chain.count;
  }
  return chain;
}

[[gnu::noinline]] void* allocate_slowly(std::size_t index) {
  ThreadCache& self = cache;
  if (self.state == ThreadState::kNew) start_thread(self);
  if (self.state != ThreadState::kKeepsLists) return allocate_directly(self, index);
  Bin& bin = self.bins[index];
  if (bin.reserve != nullptr) {
    fill(self, index, {std::exchange(bin.reserve, nullptr), frame_batch_blocks(index)});
  } else {
    if (bin.range.empty()) {
      const FrameSupply supply = depot.take(index);
      fill(self, index, supply.chain);
      bin.range = supply.range;
    }
    if (bin.free == nullptr) fill(self, index, cut_some(bin.range, index));
  }
  FreeFrame* const block = bin.free;
  bin.free = block->next;
  bin.room.add(1);
  return block;
}

void deallocate_directly(ThreadCache& self, void* block, std::size_t index) noexcept {
  count(self, index, -1);
  if (passes_through()) return ::operator delete(block, frame_class_bytes(index));
  depot.give(index, FrameChain{::new (block) FreeFrame{nullptr}, 1});
}

[[gnu::noinline]] void deallocate_slowly(void* block, std::size_t index) noexcept {
  ThreadCache& self = cache;
  if (self.state == ThreadState::kNew) start_thread(self);
  if (self.state != ThreadState::kKeepsLists) return deallocate_directly(self, block, index);
  Bin& bin = self.bins[index];
  if (bin.room.get() == 0) {
    // Keeping the batch just filled and handing over the older one means that a thread which
    // allocates and frees around a boundary goes to the depot once a batch at most.
    depot.give(index, FrameChain{bin.reserve, frame_batch_blocks(index)});
    bin.reserve = std::exchange(bin.free, nullptr);
    make_room(self, index);
  }
  bin.free = ::new (block) FreeFrame{bin.free};
  bin.room.add(-1U);
}

}  // namespace

[[gnu::noinline]] void* allocate_frame_of_class(std::size_t index) {
  Bin& bin = hot_cache->bins[index];
  FreeFrame* const block = bin.free;
  if (block == nullptr) [[unlikely]]
    return allocate_slowly(index);
  bin.free = block->next;
  bin.room.add(1);
  return block;
}

[[gnu::noinline]] void deallocate_frame_of_class(void* block, std::size_t index) noexcept {
  Bin& bin = hot_cache->bins[index];
  const std::uint32_t room = bin.room.get();
  if (room == 0) [[unlikely]]
    return deallocate_slowly(block, index);
  bin.free = ::new (block) FreeFrame{bin.free};
  bin.room.set(room - 1);
}

[[gnu::noinline]] void* allocate_large_frame(std::size_t bytes) {
  ThreadCache& self = cache;
  throw_if_armed(self);
  void* const block = ::operator new(bytes);
  count_large(self, 1, bytes);
  return block;
}

[[gnu::noinline]] void deallocate_large_frame(void* block, std::size_t bytes) noexcept {
  count_large(cache, -1, bytes);
  ::operator delete(block, bytes);
}

FramePoolStats frame_pool_stats() noexcept {
  LiveCounts sum;
  {
    const std::lock_guard lock(registry.mutex);
    sum.add(registry.ended);
    for (const ThreadCache* each = registry.first; each != nullptr; each = each->next) {
      sum.add(each->live);
      for (std::size_t i = 0; i < kFrameClasses; ++i) sum.blocks[i].add(each->bins[i].room.get());
    }
  }
  FramePoolStats stats;
  stats.live_blocks = sum.large_blocks.get();
  stats.live_bytes = sum.large_bytes.get();
  for (std::size_t i = 0; i < kFrameClasses; ++i) {
    stats.live_blocks += sum.blocks[i].get();
    stats.live_bytes += sum.blocks[i].get() * static_cast<std::int64_t>(frame_class_bytes(i));
  }
  stats.slab_bytes = static_cast<std::int64_t>(depot.slab_bytes());
  return stats;
}

[[gnu::noinline]] void set_frame_failure_after(std::int64_t successes) noexcept {
  ThreadCache& self = cache;
  if (self.state == ThreadState::kNew) start_thread(self);
  self.failure_after = successes;
  if (self.state == ThreadState::kEnded || passes_through()) return;
  // An armed thread keeps no lists, so that each allocation passes the place that can fail.
  if (successes >= 0 && self.state == ThreadState::kKeepsLists) {
    give_lists_away(self);
    self.state = ThreadState::kDirect;
  } else if (successes < 0 && self.state == ThreadState::kDirect) {
    start_lists(self);
  }
}

}  // namespace weft
