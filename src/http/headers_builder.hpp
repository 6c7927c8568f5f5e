// HeadersBuilder: how the parser writes into a Headers: field by field, each in pieces, or all
// fields from one block. It checks nothing: the parser has checked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <weft/http/headers.hpp>

namespace weft::inline v0_1::http {

class HeadersBuilder {
 public:
  /// Sets the target of later calls; `headers` must outlive them.
  void write_to(Headers& headers) noexcept {
    headers_ = &headers;
    block_ = nullptr;
    name_ = value_ = {};
  }
  /// The same. All later parts must be parts of `block`, which is copied once.
  void write_to(Headers& headers, std::string_view block) {
    write_to(headers);
    constexpr std::size_t typical_fields = 8;
    headers.reserve(block.size(), typical_fields);
    block_ = block.data();
    block_begin_ = headers.used_;
    headers.append_bytes(block);
  }

  void append_name(std::string_view part) { append(name_, part); }
  void append_value(std::string_view part) { append(value_, part); }
  [[nodiscard]] std::string_view name() const noexcept { return view(name_); }

  /// Completes the field. Returns its value without trailing white space.
  std::string_view end_value() {
    while (value_.size > 0 && is_blank(headers_->memory_[value_.begin + value_.size - 1])) {
      --value_.size;
    }
    headers_->append_entry({name_.begin, name_.size, value_.begin, value_.size});
    const std::string_view value = view(value_);
    name_ = value_ = {};
    return value;
  }

 private:
  struct Span {
    std::uint32_t begin = 0;
    std::uint32_t size = 0;
  };

  static bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }
  [[nodiscard]] std::string_view view(Span span) const noexcept {
    return {headers_->memory_ + span.begin, span.size};
  }
  void append(Span& span, std::string_view part) {
    if (block_ != nullptr) {
      if (span.size == 0) {
        span.begin = block_begin_ + static_cast<std::uint32_t>(part.data() - block_);
      }
    } else {
      if (span.size == 0) span.begin = headers_->used_;
      headers_->append_bytes(part);
    }
    span.size += static_cast<std::uint32_t>(part.size());
  }

  Headers* headers_ = nullptr;
  const char* block_ = nullptr;
  std::uint32_t block_begin_ = 0;
  Span name_;
  Span value_;
};

}  // namespace weft::inline v0_1::http
