// Where the body of one transfer goes: a file, or what takes bytes as they come. Used by one task.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <weft/file.hpp>
#include <weft/task.hpp>

#include "fetch_continue.hpp"

namespace weft::tool {

class Destination {
 public:
  Destination() = default;
  Destination(const Destination&) = delete;
  Destination& operator=(const Destination&) = delete;
  virtual ~Destination() = default;

  /// The number of bytes that are there, and are to be continued.
  [[nodiscard]] virtual std::uint64_t part() const noexcept { return 0; }
  /// What is known of the version that the part is of.
  [[nodiscard]] virtual PartRecord record() const { return {}; }

  /// Begins behind the first `at` bytes of the part, and drops what is behind them. `record`: of
  /// the body. This and the following throw FetchError.
  [[nodiscard]] virtual Task<void> begin(std::uint64_t at, const PartRecord& record) = 0;
  [[nodiscard]] virtual Task<void> write(std::span<const std::byte> bytes) = 0;
  /// The body is complete; also without begin(), if the part is all of it.
  [[nodiscard]] virtual Task<void> finish() = 0;
  /// The body is not complete, and nothing more comes: keeps what can be continued, if
  /// `can_continue`, and removes it otherwise. Returns what the user is told; empty: nothing is
  /// left. Blocks.
  [[nodiscard]] virtual std::string leave([[maybe_unused]] bool can_continue) { return {}; }
};

/// Passes a body on to standard output ("-"), or to a device or FIFO.
[[nodiscard]] std::unique_ptr<Destination> make_stream_destination(const std::string& path);

/// A file that exists only once it is complete: written beside its place, under a hidden name, and
/// moved there by finish(). If it is left unfinished, what is there can be continued, if there was
/// no such file before.
[[nodiscard]] std::unique_ptr<Destination> make_new_file(const std::string& path);

/// A file that is continued in its place.
[[nodiscard]] std::unique_ptr<Destination> make_continued_file(const std::string& path);

/// Chooses among them. Throws FetchError if there is no such place. May wait for the reader of a
/// FIFO, as open(2) does.
[[nodiscard]] std::unique_ptr<Destination> make_destination(const std::string& path,
                                                            bool continues);

}  // namespace weft::tool
