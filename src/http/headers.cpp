#include <algorithm>
#include <cstring>
#include <stdexcept>

#include <weft/http/headers.hpp>

#include "http/char_class.hpp"

namespace weft::inline v0_1::http {

bool same_name(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

Headers::Headers(const Headers& other) {
  const std::size_t wanted = other.used_ + other.count_ * sizeof(Entry);
  if (wanted == 0) return;
  grow(wanted);
  std::memcpy(memory_, other.memory_, other.used_);
  std::memcpy(entries() - other.count_, other.entries() - other.count_,
              other.count_ * sizeof(Entry));
  used_ = other.used_;
  count_ = other.count_;
}

/// Moves the fields to memory of at least `wanted` bytes.
void Headers::grow(std::size_t wanted) {
  constexpr std::size_t smallest = 192;
  constexpr std::size_t greatest = std::size_t{1} << 30;
  static_assert(smallest % sizeof(Entry) == 0 && greatest % sizeof(Entry) == 0);
  if (wanted > greatest) throw std::length_error("http headers exceed 1 GiB");
  const std::size_t rounded = (wanted + sizeof(Entry) - 1) / sizeof(Entry) * sizeof(Entry);
  const std::size_t capacity =
      std::min(greatest, std::max({smallest, rounded, std::size_t{capacity_} * 2}));
  auto* const memory = static_cast<char*>(allocate_frame(capacity));
  if (memory_ != nullptr) {
    const std::size_t tail = count_ * sizeof(Entry);
    std::memcpy(memory, memory_, used_);
    std::memcpy(memory + capacity - tail, memory_ + capacity_ - tail, tail);
    deallocate_frame(memory_, capacity_);
  }
  memory_ = memory;
  capacity_ = static_cast<std::uint32_t>(capacity);
}

std::optional<std::string_view> Headers::find(std::string_view name) const noexcept {
  for (const Field field : *this) {
    if (same_name(field.name, name)) return field.value;
  }
  return std::nullopt;
}

bool Headers::contains(std::string_view name) const noexcept { return find(name).has_value(); }

std::vector<std::string_view> Headers::find_all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const Field field : *this) {
    if (same_name(field.name, name)) values.push_back(field.value);
  }
  return values;
}

void Headers::add(std::string_view name, std::string_view value) {
  if (name.empty() || !all(kToken, name)) {
    throw std::invalid_argument("http header name is not a token: '" + std::string(name) + "'");
  }
  if (!all(kFieldText, value)) {
    throw std::invalid_argument("http header '" + std::string(name) +
                                "' has a control character in its value");
  }
  put(name, trim(value));
}

void Headers::set(std::string_view name, std::string_view value) {
  add(name, value);
  const Entry latest = entry(--count_);
  const Field field{{memory_ + latest.name_begin, latest.name_size}, {}};
  std::uint32_t first = 0;
  while (first < count_ && !same_name((*this)[first].name, field.name)) ++first;
  if (first < count_) static_cast<void>(remove_from(first + 1, field.name));
  if (first == count_) ++count_;
  entry(first) = latest;
}

std::size_t Headers::remove(std::string_view name) noexcept { return remove_from(0, name); }

/// Removes the fields called `name` from index `begin` on.
std::size_t Headers::remove_from(std::uint32_t begin, std::string_view name) noexcept {
  std::uint32_t kept = begin;
  for (std::uint32_t i = begin; i < count_; ++i) {
    if (!same_name((*this)[i].name, name)) entry(kept++) = entry(i);
  }
  return std::exchange(count_, kept) - kept;
}

}  // namespace weft::inline v0_1::http
