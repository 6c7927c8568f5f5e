// Guards: small automata that read the lines of a message byte by byte before llhttp does, and
// refuse what llhttp accepts (bare LF, HTTP/0.9, several spaces, folded lines, bytes above 0x7f in
// a target …; decision 001). Each gives the same verdict wherever the input is split. Used by
// MessageParser alone.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include <weft/http/error.hpp>
#include <weft/http/message.hpp>

namespace weft::inline v0_1::http {

/// A guard's verdict on one byte: none, or why the message is refused.
using Verdict = std::optional<Errc>;

/// "METHOD SP target SP HTTP/1.x CR LF", exactly.
class RequestLineGuard {
 public:
  /// The fast path of the usual case. If `bytes` begin with a whole HTTP/1.1 line whose target is a
  /// path and that neither step() nor llhttp would refuse, consumes the line and returns its size.
  /// Otherwise returns 0, and step() must read it.
  [[nodiscard]] std::size_t take_whole(std::string_view bytes, std::size_t max_target) noexcept;
  /// The target of the line that take_whole() consumed; a part of its bytes.
  [[nodiscard]] std::string_view whole_target() const noexcept { return whole_target_; }
  [[nodiscard]] Verdict step(char c, std::size_t max_target) noexcept;
  /// Whether the whole line was read.
  [[nodiscard]] bool done() const noexcept { return phase_ == Phase::done; }
  /// Whether the method was read; only then llhttp gets it and all that follows.
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
  /// `tolerant`: LF alone ends the line, too.
  [[nodiscard]] Verdict step(char c, std::size_t max_size, bool tolerant) noexcept;
  [[nodiscard]] bool done() const noexcept { return done_; }
  /// Of a line that is done: whether it ended with LF alone.
  [[nodiscard]] bool lf_alone() const noexcept { return !saw_cr_; }

 private:
  std::size_t size_ = 0;
  bool saw_cr_ = false;
  bool done_ = false;
};

/// "size [; extensions] CR LF". Extensions are checked and dropped.
class ChunkLineGuard {
 public:
  /// `extension_left`: the bytes that extensions of the message may still have.
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
  /// After a complete name or value: begins the next extension or ends the line.
  [[nodiscard]] bool end_extension(char c) noexcept;

  Phase phase_ = Phase::size;
  unsigned char size_ = 0;
  std::array<char, 16> digits_{};
};

/// Field lines up to the empty line that ends them: finds the end of the head; refuses bare CR or
/// LF and folded lines. llhttp checks names and values.
class FieldLinesGuard {
 public:
  struct Scan {
    std::size_t clean;  ///< bytes that passed; with a verdict, the next byte is refused
    Verdict verdict;
    bool done;               ///< the empty line is the last of the clean bytes
    bool blank_end = false;  ///< a line that began and ended in the clean bytes ends with a blank
  };

  /// `bytes_left`: the bytes that field lines of the message may still have.
  [[nodiscard]] Scan scan(std::string_view bytes, std::size_t& bytes_left) noexcept;

 private:
  std::size_t line_size_ = 0;
  bool saw_cr_ = false;
};

/// The same for a tolerant reading: LF alone ends a line, and a folded line is joined to the one
/// before it by one space (RFC 9112, 5.2). llhttp gets the lines as they should have been. A bare
/// CR is refused all the same, and so are blanks before the first field.
class TolerantFieldLines {
 public:
  struct Step {
    std::size_t used;
    std::string_view passed;  ///< what llhttp gets for the used bytes; part of them, or constant
    Verdict verdict;
    bool done;
  };

  /// Takes one or more bytes of `bytes`, which is not empty, or none and changes its state.
  [[nodiscard]] Step step(std::string_view bytes) noexcept;

 private:
  enum class Phase : unsigned char {
    start,       // nothing was read
    text,        // in a line
    line_feed,   // after the CR that ends a line
    line_ended,  // the next byte decides whether the field goes on
    fold,        // in the blanks that begin a folded line
    last_feed    // after the CR of the empty line
  };

  [[nodiscard]] Step begin_line(char c) noexcept;
  [[nodiscard]] Step end_head() noexcept;

  Phase phase_ = Phase::start;
  bool has_line_ = false;
};

}  // namespace weft::inline v0_1::http
