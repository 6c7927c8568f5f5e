#include "model/memory.hpp"

#include <utility>

#include "model/trace.hpp"

namespace weft::inline v0_1::model {

// ---- executions and threads ----

void ModelMemory::begin_execution() {
  ++execution_;
  object_count_ = 0;
  threads_.fill(ThreadView{});
  fenced_ = fenced_lightly_ = fenced_heavily_ = Clock();
  in_order_ = 0;
  tick(0);
}

void ModelMemory::begin_thread(std::size_t thread, std::size_t parent) {
  tick(parent);
  threads_[thread].now = threads_[parent].now;
  tick(thread);
}

void ModelMemory::join_thread(std::size_t thread, std::size_t parent) {
  threads_[parent].now.join(threads_[thread].now);
}

void ModelMemory::tick(std::size_t thread) noexcept {
  View& now = threads_[thread].now;
  now.visible[thread] = ++now.happened[thread];
}

// ---- objects ----

ModelObject& ModelMemory::fresh(const void* address) {
  if (object_count_ == objects_.size()) objects_.emplace_back();
  ModelObject& object = objects_[object_count_++];
  std::vector<ModelStore> stores = std::move(object.stores);  // keeps their memory
  stores.clear();
  object = ModelObject();
  object.stores = std::move(stores);
  object.address = address;
  return object;
}

ModelObject& ModelMemory::object_at(const void* address) {
  const std::size_t mask = slots_.size() - 1;
  const auto hash = static_cast<std::size_t>(
      (reinterpret_cast<std::uintptr_t>(address) * 0x9E3779B97F4A7C15ULL) >> 32);
  for (std::size_t i = hash & mask;; i = (i + 1) & mask) {
    Slot& slot = slots_[i];
    if (slot.execution == execution_ && slot.address == address) return *slot.object;
    if (slot.execution == execution_) continue;
    if (object_count_ * 2 > slots_.size()) {
      grow();
      return object_at(address);
    }
    slot = {address, execution_, &fresh(address)};
    return *slot.object;
  }
}

void ModelMemory::grow() {
  const std::vector<Slot> before = std::exchange(slots_, std::vector<Slot>(slots_.size() * 2));
  const std::size_t mask = slots_.size() - 1;
  for (const Slot& each : before) {
    if (each.execution != execution_) continue;
    const auto hash = static_cast<std::size_t>(
        (reinterpret_cast<std::uintptr_t>(each.address) * 0x9E3779B97F4A7C15ULL) >> 32);
    std::size_t i = hash & mask;
    while (slots_[i].execution == execution_) i = (i + 1) & mask;
    slots_[i] = each;
  }
}

void ModelMemory::made(std::size_t thread, const void* address, ModelObject::Kind kind) {
  tick(thread);
  ModelObject& object = object_at(address);
  std::vector<ModelStore> stores = std::move(object.stores);
  stores.clear();
  object = ModelObject();  // an earlier object here is gone, or needs no destructor
  object.stores = std::move(stores);
  object.address = address;
  object.kind = kind;
  object.begun = true;
  object.maker = thread;
  object.made_at = threads_[thread].now.happened[thread];
  object.used[thread] = object.made_at;
}

void ModelMemory::atomic_made(const void* address, std::uint64_t value) {
  ModelObject& object = object_at(address);
  ModelStore first;
  first.value = value;
  first.thread = object.maker;
  first.time = object.made_at;
  object.stores.push_back(first);
}

std::string ModelMemory::destroyed(std::size_t thread, const void* address) {
  ModelObject& object = object_at(address);
  if (object.ended) return "it is destroyed twice";
  object.ended = true;
  const std::size_t other = threads_[thread].now.happened.first_behind(object.used);
  if (other == Candidates::kMost) return {};
  return "data race: it is destroyed, and its last use by thread " + std::to_string(other) +
         " does not happen before that";
}

void ModelMemory::set_name(const void* address, const char* name) {
  object_at(address).name = name;
}

const char* ModelMemory::name_of(const void* address) { return object_at(address).name; }

std::string ModelMemory::leaks() const {
  std::string text;
  std::size_t count = 0;
  for (std::size_t i = 0; i < object_count_; ++i) {
    const ModelObject& object = objects_[i];
    if (!object.begun || object.ended) continue;
    if (++count > 1) text += ", ";
    if (count <= 8) {
      text += object.name != nullptr ? std::string("'") + object.name + "'" : "one";
      text += " that thread " + std::to_string(object.maker) + " made";
    }
  }
  if (count > 8) text += "…";
  return count == 0 ? text
                    : "leak: objects that live on: " + std::to_string(count) + " (" + text + ")";
}

std::string ModelMemory::use(std::size_t thread, const void* address) {
  tick(thread);
  ModelObject& object = object_at(address);
  const Clock& happened = threads_[thread].now.happened;
  object.used[thread] = happened[thread];
  if (object.ended) return "use of an object after it was destroyed";
  if (object.begun && !happened.covers(object.maker, object.made_at)) {
    return "data race: the object's construction by thread " + std::to_string(object.maker) +
           " does not happen before this use";
  }
  return {};
}

// ---- atomics ----

ModelObject& ModelMemory::atomic_at(const ModelAccess& access, std::uint64_t newest) {
  ModelObject& object = object_at(access.object);
  // Unknown so far, or changed by a thread that is not one of the program.
  if (object.stores.empty() || object.stores.back().value != newest) {
    object.stores.clear();
    atomic_made(access.object, newest);
  }
  return object;
}

std::size_t ModelMemory::oldest_readable(std::size_t thread, const ModelObject& object,
                                         std::memory_order order) const {
  const View& now = threads_[thread].now;
  const bool in_order = order == std::memory_order_seq_cst;
  const auto known = [&](std::size_t who, std::uint32_t when) {
    return now.visible.covers(who, when) || (in_order && fenced_.covers(who, when));
  };
  std::size_t i = object.stores.size() - 1;
  for (; i > 0; --i) {
    const ModelStore& store = object.stores[i];
    if (known(store.thread, store.time)) break;
    if (store.in_order != 0 && (in_order || store.in_order < now.fences)) break;
    bool seen = false;
    for (std::size_t who = 0; who < Candidates::kMost && !seen; ++who) {
      seen = store.seen[who] != 0 && known(who, store.seen[who]);
    }
    if (seen) break;
  }
  return i;
}

void ModelMemory::read_store(std::size_t thread, ModelStore& store, std::memory_order order) {
  ThreadView& view = threads_[thread];
  if (store.seen[thread] == 0) store.seen[thread] = view.now.happened[thread];
  (acquires(order) ? view.now : view.acquired).join(store.released);
  if (order == std::memory_order_seq_cst) {
    ++in_order_;
    if (store.in_order == 0) store.in_order = in_order_;
  }
}

std::uint64_t ModelMemory::load(std::size_t thread, const ModelAccess& access,
                                std::uint64_t newest) {
  ModelObject& object = atomic_at(access, newest);
  std::size_t back = 0;
  if (weak_) {
    back = chooser_.value(object.stores.size() - oldest_readable(thread, object, access.order));
  }
  ModelStore& store = object.stores[object.stores.size() - 1 - back];
  read_store(thread, store, access.order);
  return store.value;
}

std::uint64_t ModelMemory::load_newest(std::size_t thread, const ModelAccess& access,
                                       std::uint64_t newest) {
  ModelObject& object = atomic_at(access, newest);
  read_store(thread, object.stores.back(), access.order);
  return newest;
}

void ModelMemory::push_store(std::size_t thread, ModelObject& object, ModelStore store,
                             std::memory_order order) {
  const ThreadView& view = threads_[thread];
  store.thread = thread;
  store.time = view.now.happened[thread];
  store.seen[thread] = store.time;
  store.released.join(releases(order) ? view.now : view.released);
  if (order == std::memory_order_seq_cst) store.in_order = ++in_order_;
  if (object.stores.size() == (weak_ ? most_stores : 1)) object.stores.erase(object.stores.begin());
  object.stores.push_back(store);
}

void ModelMemory::store(std::size_t thread, const ModelAccess& access, std::uint64_t value) {
  ModelStore store;
  store.value = value;
  push_store(thread, object_at(access.object), store, access.order);
}

void ModelMemory::modify(std::size_t thread, const ModelAccess& access, std::uint64_t before,
                         std::uint64_t after) {
  ModelObject& object = atomic_at(access, before);
  ModelStore& read = object.stores.back();
  read_store(thread, read, access.order);
  ModelStore store;
  store.value = after;
  store.released = read.released;  // continues the release sequence
  push_store(thread, object, store, access.order);
}

bool ModelMemory::compare(std::size_t thread, const ModelAccess& access, std::uint64_t newest,
                          std::uint64_t& expected, std::uint64_t desired, bool weak) {
  ModelObject& object = atomic_at(access, newest);
  std::vector<ModelStore>& stores = object.stores;
  // The stores with which it may fail: those that a load could read and that differ from
  // `expected`.
  std::array<std::size_t, most_stores + 1> failures{};
  std::size_t count = 0;
  const std::size_t oldest =
      weak_ ? oldest_readable(thread, object, access.failure) : stores.size() - 1;
  for (std::size_t i = stores.size(); i-- > oldest;) {
    if (stores[i].value != expected) failures[count++] = i;
  }
  const bool can_succeed = newest == expected;
  if (can_succeed && weak && spurious_) failures[count++] = stores.size() - 1;
  const std::size_t pick = chooser_.value(count + (can_succeed ? 1 : 0));
  if (can_succeed && pick == 0) {
    modify(thread, access, newest, desired);
    return true;
  }
  ModelStore& read = stores[failures[pick - (can_succeed ? 1 : 0)]];
  read_store(thread, read, access.failure);
  expected = read.value;
  return false;
}

void ModelMemory::fence(std::size_t thread, std::memory_order order) {
  tick(thread);
  ThreadView& view = threads_[thread];
  if (acquires(order)) view.now.join(view.acquired);
  if (order == std::memory_order_seq_cst) {
    fenced_.join(view.now.happened);
    view.now.visible.join(fenced_);
    view.now.fences = ++in_order_;
  }
  if (releases(order)) view.released = view.now;
}

// Light and heavy fences act like seq_cst fences on each other, in what they make visible; they
// synchronize no threads.

void ModelMemory::light_fence(std::size_t thread) {
  tick(thread);
  View& now = threads_[thread].now;
  fenced_lightly_.join(now.happened);
  now.visible.join(fenced_heavily_);
}

/// Is a seq_cst fence, too.
void ModelMemory::heavy_fence(std::size_t thread) {
  fence(thread, std::memory_order_seq_cst);
  View& now = threads_[thread].now;
  fenced_heavily_.join(now.happened);
  now.visible.join(fenced_lightly_);
}

// ---- mutexes and plain data ----

void ModelMemory::lock(std::size_t thread, const void* mutex) {
  threads_[thread].now.join(object_at(mutex).released);
}

void ModelMemory::unlock(std::size_t thread, const void* mutex) {
  object_at(mutex).released = threads_[thread].now;
}

std::string ModelMemory::read_data(std::size_t thread, const void* address,
                                   std::source_location where) {
  std::string problem = use(thread, address);
  ModelObject& object = object_at(address);
  object.where[thread] = where;
  if (!problem.empty() || threads_[thread].now.happened.covers(object.writer, object.written_at)) {
    return problem;
  }
  return "data race: thread " + std::to_string(thread) + " reads what thread " +
         std::to_string(object.writer) + " has written at " + place(object.where[object.writer]) +
         ", and neither happens before the other";
}

std::string ModelMemory::write_data(std::size_t thread, const void* address,
                                    std::source_location where) {
  std::string problem = use(thread, address);
  ModelObject& object = object_at(address);
  object.where[thread] = where;
  const std::size_t other = threads_[thread].now.happened.first_behind(object.used);
  const bool wrote = other == object.writer && object.written_at == object.used[other];
  object.writer = thread;
  object.written_at = object.used[thread];
  if (!problem.empty() || other == Candidates::kMost) return problem;
  return "data race: thread " + std::to_string(thread) + " writes what thread " +
         std::to_string(other) + (wrote ? " has written at " : " uses at ") +
         place(object.where[other]) + ", and neither happens before the other";
}

}  // namespace weft::inline v0_1::model
