// HeadersBuilder: how the parser writes into a Headers while a field arrives in pieces.
// It checks nothing: the parser has, and Headers::add does for everybody else.
#pragma once

#include <cstdint>
#include <string_view>

#include <weft/http_headers.hpp>

namespace weft::http {

class HeadersBuilder {
 public:
  /// Later calls write into `headers`, which must outlive them.
  void write_to(Headers& headers) noexcept {
    headers_ = &headers;
    name_begin_ = value_begin_ = position();
  }

  void append(std::string_view part) { headers_->bytes_.append(part); }

  [[nodiscard]] std::uint32_t position() const noexcept {
    return static_cast<std::uint32_t>(headers_->bytes_.size());
  }

  /// All of the name was appended.
  void end_name() noexcept { value_begin_ = position(); }
  [[nodiscard]] std::string_view name() const noexcept {
    return std::string_view(headers_->bytes_).substr(name_begin_, value_begin_ - name_begin_);
  }

  /// All of the value was appended: the field is complete, white space at the value's end dropped.
  void end_value() {
    std::string& bytes = headers_->bytes_;
    while (bytes.size() > value_begin_ && (bytes.back() == ' ' || bytes.back() == '\t')) {
      bytes.pop_back();
    }
    headers_->entries_.push_back(
        {name_begin_, value_begin_ - name_begin_, value_begin_, position() - value_begin_});
    name_begin_ = position();
  }

 private:
  Headers* headers_ = nullptr;
  std::uint32_t name_begin_ = 0;
  std::uint32_t value_begin_ = 0;
};

}  // namespace weft::http
