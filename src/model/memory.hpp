// ModelMemory: the memory during one execution of a program under the model checker, and what each
// thread may see of it: the stored values of each atomic in modification order, which is here the
// order of execution; the happens-before relation; the live objects. Called by the scheduler, on
// its thread.
//
// It follows [intro.races] and [atomics.order] of C++20. As in CDSChecker (Norris, Demsky, OOPSLA
// 2013) and Relacy, a load may return a store unless the thread knows of a later one: because that
// happens before the load, because an operation that happens before the load has read it
// (coherence), or by the order S of seq_cst operations and fences. Each value returned is
// permitted; not all permitted values are returned: see <weft/model.hpp>.
//
// Functions that check return the fault, or an empty text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <source_location>
#include <string>
#include <vector>

#include "model/clock.hpp"

namespace weft::inline v0_1::model {

/// One stored value.
struct ModelStore {
  std::uint64_t value = 0;
  std::size_t thread = 0;
  std::uint32_t time = 0;      // of the storing thread; 0: before the execution
  std::uint32_t in_order = 0;  // place in S, or of the first seq_cst load that read it; 0: none
  View released;               // what an acquire of it takes over
  Clock seen;                  // when each thread first read or wrote it; 0: never
};

struct ModelObject {
  enum class Kind : std::uint8_t { other, atomic, data, tracked };

  const void* address = nullptr;
  const char* name = nullptr;
  Kind kind = Kind::other;
  bool ended = false;
  bool begun = false;  // constructed within this execution
  std::size_t maker = 0;
  std::uint32_t made_at = 0;
  Clock used;  // the last use by each thread
  // Atomics: oldest first; at least one after the first use.
  std::vector<ModelStore> stores;
  // Mutexes: what the last unlock released.
  View released;
  // Data: the last writing thread, and each thread's last use.
  std::size_t writer = 0;
  std::uint32_t written_at = 0;
  std::array<std::source_location, Candidates::kMost> where{};
};

class ModelMemory {
 public:
  ModelMemory(const Options& options, Chooser& chooser)
      : weak_(options.memory == Memory::kWeak),
        spurious_(options.spurious_failures),
        chooser_(chooser) {}

  void begin_execution();
  void begin_thread(std::size_t thread, std::size_t parent);
  void join_thread(std::size_t thread, std::size_t parent);

  // Objects
  void made(std::size_t thread, const void* address, ModelObject::Kind kind);
  [[nodiscard]] std::string destroyed(std::size_t thread, const void* address);
  void set_name(const void* address, const char* name);
  [[nodiscard]] const char* name_of(const void* address);
  /// The objects that were made in this execution and are still alive.
  [[nodiscard]] std::string leaks() const;

  // Operations. use() must be called first.
  [[nodiscard]] std::string use(std::size_t thread, const void* address);
  void atomic_made(const void* address, std::uint64_t value);
  [[nodiscard]] std::uint64_t load(std::size_t thread, const ModelAccess& access,
                                   std::uint64_t newest);
  [[nodiscard]] std::uint64_t load_newest(std::size_t thread, const ModelAccess& access,
                                          std::uint64_t newest);
  void store(std::size_t thread, const ModelAccess& access, std::uint64_t value);
  void modify(std::size_t thread, const ModelAccess& access, std::uint64_t before,
              std::uint64_t after);
  /// Returns whether it succeeds; on failure `expected` becomes the value read.
  [[nodiscard]] bool compare(std::size_t thread, const ModelAccess& access, std::uint64_t newest,
                             std::uint64_t& expected, std::uint64_t desired, bool weak);
  void fence(std::size_t thread, std::memory_order order);
  void light_fence(std::size_t thread);
  void heavy_fence(std::size_t thread);
  void lock(std::size_t thread, const void* mutex);
  void unlock(std::size_t thread, const void* mutex);
  [[nodiscard]] std::string read_data(std::size_t thread, const void* address,
                                      std::source_location where);
  [[nodiscard]] std::string write_data(std::size_t thread, const void* address,
                                       std::source_location where);

 private:
  static constexpr std::size_t most_stores = 16;

  struct ThreadView {
    View now;
    View acquired;  // by relaxed loads: an acquire fence adds it to `now`
    View released;  // by the last release fence: released by later relaxed stores
  };
  struct Slot {
    const void* address = nullptr;
    std::uint32_t execution = 0;
    ModelObject* object = nullptr;
  };

  [[nodiscard]] ModelObject& object_at(const void* address);
  [[nodiscard]] ModelObject& fresh(const void* address);
  void grow();
  void tick(std::size_t thread) noexcept;
  [[nodiscard]] ModelObject& atomic_at(const ModelAccess& access, std::uint64_t newest);
  [[nodiscard]] std::size_t oldest_readable(std::size_t thread, const ModelObject& object,
                                            std::memory_order order) const;
  void read_store(std::size_t thread, ModelStore& store, std::memory_order order);
  void push_store(std::size_t thread, ModelObject& object, ModelStore store,
                  std::memory_order order);

  bool weak_;
  bool spurious_;
  Chooser& chooser_;
  std::array<ThreadView, Candidates::kMost> threads_{};
  Clock fenced_;                // what happened before any seq_cst fence so far
  Clock fenced_lightly_;        // … before any light one
  Clock fenced_heavily_;        // … before any heavy one
  std::uint32_t in_order_ = 0;  // the seq_cst operations and fences so far: the order S
  // Hashed by address. An entry of an earlier execution counts as empty.
  std::vector<Slot> slots_ = std::vector<Slot>(256);
  std::uint32_t execution_ = 0;
  std::deque<ModelObject> objects_;  // never moved; the first object_count_ are in use
  std::size_t object_count_ = 0;
};

}  // namespace weft::inline v0_1::model
