// Guards: small automata that read the lines of a message byte by byte, before llhttp sees them,
// and refuse what llhttp lets pass (bare LF, HTTP/0.9, several spaces, folded lines, bytes above
// 0x7f in a target …). Each gives the same verdict wherever the input is split. Used by
// MessageParser alone.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include <weft/http/error.hpp>
#include <weft/http/message.hpp>

namespace weft::http {

/// A guard's verdict over one byte: nothing, or why the message is refused.
using Verdict = std::optional<Errc>;

/// "METHOD SP target SP HTTP/1.x CR LF", exactly.
class RequestLineGuard {
 public:
  /// If `bytes` begin with a whole line of HTTP/1.1 with a path for its target, which neither
  /// step() nor llhttp would refuse, takes it and gives its size. Else gives 0 and leaves
  /// everything to step(). For the usual case, at a fraction of the cost.
  [[nodiscard]] std::size_t take_whole(std::string_view bytes, std::size_t max_target) noexcept;
  /// Of the line that take_whole() took; part of its bytes.
  [[nodiscard]] std::string_view whole_target() const noexcept { return whole_target_; }
  [[nodiscard]] Verdict step(char c, std::size_t max_target) noexcept;
  /// The whole line was read.
  [[nodiscard]] bool done() const noexcept { return phase_ == Phase::done; }
  /// The method is read; llhttp gets it, and all that follows, only now.
  [[nodiscard]] bool has_method() const noexcept { return phase_ != Phase::method; }
  [[nodiscard]] Method method() const noexcept { return method_; }

 private:
  enum class Phase : unsigned char { method, target, version, done };

  [[nodiscard]] Verdict end_method() noexcept;
  [[nodiscard]] Verdict step_target(char c, std::size_t max_target) noexcept;
  [[nodiscard]] Verdict step_version(char c) noexcept;

  Phase phase_ = Phase::method;
  Method method_ = Method::get;
  unsigned char version_size_ = 0;
  bool old_version_ = false;
  std::size_t size_ = 0;  // of the method, then of the target
  std::array<char, 8> name_{};
  std::string_view whole_target_;
};

/// "HTTP/1.x SP NNN [SP reason] CR LF".
class StatusLineGuard {
 public:
  [[nodiscard]] Verdict step(char c, std::size_t max_size) noexcept;
  [[nodiscard]] bool done() const noexcept { return done_; }

 private:
  std::size_t size_ = 0;
  bool saw_cr_ = false;
  bool done_ = false;
};

/// "size [; extensions] CR LF". Extensions are checked and forgotten.
class ChunkLineGuard {
 public:
  /// `extension_left` is what the message may still spend on extensions.
  [[nodiscard]] Verdict step(char c, std::size_t& extension_left) noexcept;
  [[nodiscard]] bool done() const noexcept { return phase_ == Phase::done; }
  [[nodiscard]] std::string_view digits() const noexcept { return {digits_.data(), size_}; }

 private:
  enum class Phase : unsigned char {
    size,
    name_start,
    name,
    value_start,
    value,
    quoted,
    escaped,
    quoted_end,
    line_feed,
    done
  };

  [[nodiscard]] Verdict step_size(char c) noexcept;
  [[nodiscard]] Verdict step_extension(char c) noexcept;
  /// After a complete name or value: the next extension, or the end of the line.
  [[nodiscard]] bool end_extension(char c) noexcept;

  Phase phase_ = Phase::size;
  unsigned char size_ = 0;
  std::array<char, 16> digits_{};
};

/// Field lines up to the empty line that ends them: finds where the head ends, and refuses bare CR
/// or LF and folded lines. Names and values are left to llhttp.
class FieldLinesGuard {
 public:
  struct Scan {
    std::size_t clean;  ///< so many bytes passed; with a verdict, the next byte is the offender
    Verdict verdict;
    bool done;  ///< the empty line is the last of the clean bytes
  };

  /// `bytes_left` is what the message may still spend on field lines.
  [[nodiscard]] Scan scan(std::string_view bytes, std::size_t& bytes_left) noexcept;

 private:
  std::size_t line_size_ = 0;
  bool saw_cr_ = false;
};

}  // namespace weft::http
