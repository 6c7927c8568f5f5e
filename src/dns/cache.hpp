// Cache: answers by name and type, for their time to live. Bounded: the answer that was not used
// for longest makes room. Negative answers are kept as others are, failures are not. Thread-safe.
#pragma once

#include <cstddef>
#include <list>
#include <map>
#include <string>
#include <utility>
#include <weft/atomic.hpp>
#include <weft/dns/options.hpp>
#include <weft/time.hpp>

#include "dns/answer.hpp"

namespace weft::inline v0_1::dns {

class Cache {
 public:
  /// Uses the options about the cache.
  explicit Cache(const ResolverOptions& options);

  /// Returns the answer about `name` (in lower case) if it is there and may still be used at
  /// `time`; otherwise null.
  [[nodiscard]] AnswerRef find(const std::string& name, RecordType type, TimePoint time);
  /// Keeps the answers about one name, each as long as it says, but not beyond the options' limits,
  /// and returns them. Another thread finds all of them or none: one that found some would ask for
  /// the others again. Throws std::bad_alloc, and then keeps none.
  Answers keep(const std::string& name, TypedAnswers answers, TimePoint time);
  void clear() noexcept;
  [[nodiscard]] std::size_t size() const noexcept;

 private:
  using Key = std::pair<RecordType, std::string>;
  struct Entry {
    Entry(Key its_key, AnswerRef its_answer) noexcept
        : key(std::move(its_key)), answer(std::move(its_answer)) {}
    Key key;
    AnswerRef answer;
  };
  using Entries = std::list<Entry>;
  using Index = std::map<Key, Entries::iterator>;

  [[nodiscard]] Nanoseconds limit_of(const Answer& answer) const noexcept;
  /// Moves the entry of `place` from `fresh` to the front, and what it replaces, or has no room any
  /// more, to `dropped`. mutex_ is held.
  void insert(Index::node_type place, Entries& fresh, Entries& dropped) noexcept;

  const std::size_t most_;
  const Nanoseconds longest_;
  const Nanoseconds longest_negative_;
  mutable ThreadMutex mutex_;
  // Guarded by mutex_
  Entries entries_;  // the one that was used last first
  Index index_;
};

}  // namespace weft::inline v0_1::dns
