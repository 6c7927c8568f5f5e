// ModelMemory: what lies in memory during one execution of a program under the model checker, and
// what each of its threads may see of it: the stored values of each atomic in their modification
// order, which is here the order of execution; who happens before whom; which objects live.
// Called by the scheduler, on its thread.
//
// After [intro.races] and [atomics.order] of C++20. As in CDSChecker (Norris, Demsky, OOPSLA 2013)
// and Relacy, a load may return a store unless the thread knows of a later one: because that
// happens before the load, because it has been read by an operation that does (coherence), or by
// the order S of seq_cst operations and fences. What is given is always allowed; not all that is
// allowed is given: see <weft/model.hpp>.
//
// Functions that check return what is wrong, or an empty text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <source_location>
#include <string>
#include <vector>

#include "model/clock.hpp"

namespace weft::model {

/// One stored value.
struct ModelStore {
  std::uint64_t value = 0;
  std::size_t thread = 0;
  std::uint32_t time = 0;      // of the thread; 0: before the execution
  std::uint32_t in_order = 0;  // its place in S, or of the first seq_cst load that read it; 0: none
  View released;               // what who acquires it gets
  Clock seen;                  // when each thread first read or wrote it; 0: never
};

struct ModelObject {
  enum class Kind : std::uint8_t { other, atomic, data, tracked };

  const void* address = nullptr;
  const char* name = nullptr;
  Kind kind = Kind::other;
  bool ended = false;
  bool begun = false;  // within this execution
  std::size_t maker = 0;
  std::uint32_t made_at = 0;
  Clock used;  // the last use by each thread
  // Atomics: oldest first; at least one once it was used.
  std::vector<ModelStore> stores;
  // Mutexes: what the last unlock released.
  View released;
  // Data: who wrote it last, and where each thread used it last
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
  /// What was made in this execution and still lives.
  [[nodiscard]] std::string leaks() const;

  // Operations. use() comes first.
  [[nodiscard]] std::string use(std::size_t thread, const void* address);
  void atomic_made(const void* address, std::uint64_t value);
  [[nodiscard]] std::uint64_t load(std::size_t thread, const ModelAccess& access,
                                   std::uint64_t newest);
  [[nodiscard]] std::uint64_t load_newest(std::size_t thread, const ModelAccess& access,
                                          std::uint64_t newest);
  void store(std::size_t thread, const ModelAccess& access, std::uint64_t value);
  void modify(std::size_t thread, const ModelAccess& access, std::uint64_t before,
              std::uint64_t after);
  /// Whether it succeeds; else `expected` becomes what is read.
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
    View acquired;  // by relaxed loads: an acquire fence makes it part of `now`
    View released;  // by the last release fence: what its relaxed stores release
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
  Clock fenced_lightly_;        // … any light one
  Clock fenced_heavily_;        // … any heavy one
  std::uint32_t in_order_ = 0;  // seq_cst operations and fences so far: the order S
  // By address. An entry of an earlier execution counts as empty.
  std::vector<Slot> slots_ = std::vector<Slot>(256);
  std::uint32_t execution_ = 0;
  std::deque<ModelObject> objects_;  // never moved; the first so many are in use
  std::size_t object_count_ = 0;
};

}  // namespace weft::model
