// Lanes: the threads of a runtime for what blocks, as pools that never wait for one another: calls
// of blocking(), name look-ups, file operations, and the lanes that RuntimeOptions::lanes names.
// Owned by the runtime, current on its workers.
//
// Thread-safety: any thread, except stop(): one thread, as BlockingPool::stop().
#pragma once

#include <weft/blocking.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compute/blocking_pool.hpp"

namespace weft::inline v0_1::detail {

class Lanes {
 public:
  struct Lane {
    Lane(std::string called, BlockingOptions options)
        : name(std::move(called)), pool(std::move(options)) {}
    const std::string name;  ///< For errors and reports; the first three have none.
    BlockingPool pool;
  };
  /// The places of the lanes that each runtime has.
  enum Place : std::size_t { for_calls, for_lookups, for_files, first_named };

  /// Throws std::invalid_argument if a lane has no name, the name of another one, or no thread.
  Lanes(std::size_t blocking_threads, std::size_t lookup_threads, std::size_t file_threads,
        const std::vector<BlockingOptions>& named);

  /// The lanes of the calling thread's runtime, or null.
  [[nodiscard]] static Lanes* current() noexcept;

  [[nodiscard]] BlockingPool& pool(Place place) noexcept { return lanes_[place]->pool; }
  /// Null: there is no lane of that name.
  [[nodiscard]] BlockingPool* find(std::string_view name) noexcept;
  /// The text of an error about a name that find() does not know. Throws std::bad_alloc.
  [[nodiscard]] std::string unknown(std::string_view name) const;

  [[nodiscard]] const std::vector<std::unique_ptr<Lane>>& all() const noexcept { return lanes_; }

  // Of all lanes together; see BlockingPool
  [[nodiscard]] std::uint64_t submitted() const noexcept;
  [[nodiscard]] std::uint64_t ended() const noexcept;
  [[nodiscard]] bool is_on_thread() const noexcept;
  void stop() noexcept;

 private:
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace weft::inline v0_1::detail
