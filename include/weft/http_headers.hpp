// Headers: the fields of one HTTP message, in the order they came. Part of <weft/http.hpp>.
// A value type; one object may be read from several threads, or changed by one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft::http {

/// Two field names are the same name, whatever the case of their ASCII letters.
[[nodiscard]] bool same_name(std::string_view a, std::string_view b) noexcept;

/// Header fields: names and values stand in one string, so that a message costs two allocations
/// whatever the number of its fields, and none once an object is used again.
/// Look-ups compare names without regard to case and are linear: messages have few fields.
class Headers {
 public:
  struct Field {
    std::string_view name;
    std::string_view value;
  };

  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Field;
    using difference_type = std::ptrdiff_t;
    using pointer = const Field*;
    using reference = Field;

    Iterator() noexcept = default;
    Iterator(const Headers* headers, std::size_t index) noexcept
        : headers_(headers), index_(index) {}
    Field operator*() const { return (*headers_)[index_]; }
    Iterator& operator++() noexcept {
      ++index_;
      return *this;
    }
    Iterator operator++(int) noexcept {
      Iterator before = *this;
      ++index_;
      return before;
    }
    bool operator==(const Iterator& other) const noexcept { return index_ == other.index_; }

   private:
    const Headers* headers_ = nullptr;
    std::size_t index_ = 0;
  };

  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
  /// The field at `index`, counted in message order; index < size(). Views last until a change.
  [[nodiscard]] Field operator[](std::size_t index) const noexcept;
  [[nodiscard]] Iterator begin() const noexcept { return {this, 0}; }
  [[nodiscard]] Iterator end() const noexcept { return {this, size()}; }

  /// The value of the first field of that name. The view lasts until the headers change.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
  [[nodiscard]] bool contains(std::string_view name) const noexcept;
  /// The values of all fields of that name, in order.
  [[nodiscard]] std::vector<std::string_view> find_all(std::string_view name) const;

  /// Appends a field. Throws std::invalid_argument, and changes nothing, when the name is not an
  /// HTTP token or the value holds a control character: such a field would forge other fields.
  /// Neither argument may point into this object.
  void add(std::string_view name, std::string_view value);
  /// Leaves one field of that name, with this value. Throws as add() does.
  void set(std::string_view name, std::string_view value);
  /// Removes all fields of that name and says how many there were.
  std::size_t remove(std::string_view name) noexcept;
  /// Removes all fields and keeps the memory for the next message.
  void clear() noexcept;

 private:
  friend class HeadersBuilder;

  struct Entry {
    std::uint32_t name_begin;
    std::uint32_t name_size;
    std::uint32_t value_begin;
    std::uint32_t value_size;
  };

  std::string bytes_;
  std::vector<Entry> entries_;
};

}  // namespace weft::http
