// Headers: the fields of one HTTP message, in the order of arrival. Part of <weft/http.hpp>. A
// value type: several threads may read one object, or one thread may modify it.
//
//   weft::http::Headers headers;
//   headers.add("Accept", "text/plain");
//   if (auto type = headers.find("content-type")) use(*type);
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>
#include <weft/extend/frame_pool.hpp>

namespace weft::inline v0_1::http {

struct Response;

/// Returns whether two field names are equal, ignoring the case of ASCII letters.
[[nodiscard]] bool same_name(std::string_view a, std::string_view b) noexcept;

/// Header fields. Names and values are stored in one block of memory, so a message costs one
/// allocation whatever the number of its fields, and none if the object is reused. Look-ups ignore
/// the case of names and are linear, as messages have few fields.
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

  Headers() noexcept = default;
  Headers(const Headers& other);
  Headers(Headers&& other) noexcept
      : memory_(std::exchange(other.memory_, nullptr)),
        capacity_(std::exchange(other.capacity_, 0U)),
        used_(std::exchange(other.used_, 0U)),
        count_(std::exchange(other.count_, 0U)) {}
  Headers& operator=(Headers other) noexcept {
    std::swap(memory_, other.memory_);
    std::swap(capacity_, other.capacity_);
    std::swap(used_, other.used_);
    std::swap(count_, other.count_);
    return *this;
  }
  ~Headers() {
    if (memory_ != nullptr) deallocate_frame(memory_, capacity_);
  }

  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  /// Returns the field at `index`, counted in message order. Precondition: index < size(). The
  /// views are valid until the headers change.
  [[nodiscard]] Field operator[](std::size_t index) const noexcept {
    const Entry& found = entry(index);
    return {{memory_ + found.name_begin, found.name_size},
            {memory_ + found.value_begin, found.value_size}};
  }
  [[nodiscard]] Iterator begin() const noexcept { return {this, 0}; }
  [[nodiscard]] Iterator end() const noexcept { return {this, size()}; }

  /// Returns the value of the first field of that name. The view is valid until the headers change.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept;
  [[nodiscard]] bool contains(std::string_view name) const noexcept;
  /// Returns the values of all fields of that name, in order.
  [[nodiscard]] std::vector<std::string_view> find_all(std::string_view name) const;

  /// Appends a field. Throws std::invalid_argument, and changes nothing, if the name is not an HTTP
  /// token or the value contains a control character: such a field could forge other fields.
  /// Neither argument may point into this object. Throws std::length_error beyond 1 GiB.
  void add(std::string_view name, std::string_view value);
  /// Replaces all fields of that name by one with this value. Throws as add() does.
  void set(std::string_view name, std::string_view value);
  /// Removes all fields of that name and returns their number.
  std::size_t remove(std::string_view name) noexcept;
  /// Removes all fields and keeps the memory for the next message.
  void clear() noexcept { used_ = count_ = 0; }
  /// Removes all fields, and frees the memory if it is more than `kept` bytes.
  void shrink(std::size_t kept) noexcept {
    clear();
    if (capacity_ > kept) *this = Headers();
  }

 private:
  friend class HeadersBuilder;
  friend struct Response;

  struct Entry {
    std::uint32_t name_begin;
    std::uint32_t name_size;
    std::uint32_t value_begin;
    std::uint32_t value_size;
  };

  // The memory: names and values from its beginning, entries backwards from its end.
  [[nodiscard]] Entry* entries() const noexcept {
    // SAFETY: capacity_ is a multiple of sizeof(Entry), the memory is aligned for any type, and
    // entries are trivial.
    return reinterpret_cast<Entry*>(memory_ + capacity_);
  }
  [[nodiscard]] Entry& entry(std::size_t index) const noexcept {
    return entries()[-1 - static_cast<std::ptrdiff_t>(index)];
  }
  void reserve(std::size_t bytes, std::size_t fields) {
    const std::size_t wanted = used_ + bytes + (count_ + fields) * sizeof(Entry);
    if (wanted > capacity_) grow(wanted);
  }
  /// Does the same as add(), for a field that is known to be valid.
  void put(std::string_view name, std::string_view value) {
    reserve(name.size() + value.size(), 1);
    const auto name_size = static_cast<std::uint32_t>(name.size());
    const auto value_size = static_cast<std::uint32_t>(value.size());
    name.copy(memory_ + used_, name_size);
    value.copy(memory_ + used_ + name_size, value_size);
    entry(count_++) = {used_, name_size, used_ + name_size, value_size};
    used_ += name_size + value_size;
  }
  void append_bytes(std::string_view bytes) {
    reserve(bytes.size(), 0);
    bytes.copy(memory_ + used_, bytes.size());
    used_ += static_cast<std::uint32_t>(bytes.size());
  }
  void append_entry(const Entry& made) {
    reserve(0, 1);
    entry(count_++) = made;
  }
  void grow(std::size_t wanted);
  std::size_t remove_from(std::uint32_t begin, std::string_view name) noexcept;

  char* memory_ = nullptr;
  std::uint32_t capacity_ = 0;
  std::uint32_t used_ = 0;  // bytes of names and values
  std::uint32_t count_ = 0;
};

}  // namespace weft::inline v0_1::http
