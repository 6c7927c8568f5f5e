// Wire: the bytes between OpenSSL and an Engine's owner, in both directions, and the BIO by which
// OpenSSL reads and writes them. Used under the Engine's lock.
#pragma once

#include <weft/tls/engine.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "tls/openssl.hpp"

namespace weft::inline v0_1::tls {

/// Follows the records in what comes from the peer, by their headers alone.
class RecordTracker {
 public:
  static constexpr std::size_t header_size = 5;

  void pass(std::span<const std::byte> bytes) noexcept;
  [[nodiscard]] bool is_between_records() const noexcept { return header_ == 0 && left_ == 0; }
  /// Returns the first bytes of the stream, up to the size of a header.
  [[nodiscard]] std::span<const std::byte> beginning() const noexcept {
    return std::span(beginning_).first(begun_);
  }

 private:
  std::array<std::byte, header_size> beginning_{};
  std::size_t begun_ = 0;
  std::array<std::byte, header_size> bytes_{};  // of the header that is coming
  std::size_t header_ = 0;
  std::size_t left_ = 0;  // of the record's body
};

class Wire {
 public:
  void feed(InputBuffer buffer, std::size_t size);
  /// Moves bytes out; 0: there are none.
  std::size_t take(std::span<std::byte> to) noexcept;
  /// Throws std::bad_alloc.
  void put(std::span<const std::byte> bytes);

  [[nodiscard]] bool has_output() const noexcept { return !out_.empty(); }
  [[nodiscard]] std::vector<std::byte> take_output() noexcept { return std::exchange(out_, {}); }
  [[nodiscard]] const RecordTracker& records() const noexcept { return records_; }
  /// Whether output was lost for want of memory.
  [[nodiscard]] bool lacked_memory() const noexcept { return lacked_memory_; }
  void lack_memory() noexcept { lacked_memory_ = true; }

 private:
  struct Piece {
    InputBuffer buffer;
    std::size_t begin;
    std::size_t end;
  };
  std::vector<Piece> in_;  // mostly one
  std::vector<std::byte> out_;
  RecordTracker records_;
  bool lacked_memory_ = false;
};

/// Makes a BIO that reads from `wire` and writes to it, which must live as long. Throws
/// std::bad_alloc.
[[nodiscard]] BioOwner bio_over(Wire& wire);

}  // namespace weft::inline v0_1::tls
