#include <algorithm>
#include <stdexcept>

#include <weft/http_headers.hpp>

#include "http/char_class.hpp"
#include "http/headers_builder.hpp"

namespace weft::http {

bool same_name(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  }
  return true;
}

Headers::Field Headers::operator[](std::size_t index) const noexcept {
  const Entry& entry = entries_[index];
  const std::string_view bytes = bytes_;
  return {bytes.substr(entry.name_begin, entry.name_size),
          bytes.substr(entry.value_begin, entry.value_size)};
}

std::optional<std::string_view> Headers::find(std::string_view name) const noexcept {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].name_size != name.size()) continue;
    const Field field = (*this)[i];
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
  value = trim(value);
  // Reserved first, so that a failed allocation leaves the object as it was.
  bytes_.reserve(bytes_.size() + name.size() + value.size());
  HeadersBuilder field;
  field.write_to(*this);
  field.append(name);
  field.end_name();
  field.append(value);
  field.end_value();
}

void Headers::set(std::string_view name, std::string_view value) {
  add(name, value);
  const Entry latest = entries_.back();
  entries_.pop_back();
  const auto has_name = [&](const Entry& entry) {
    return same_name(std::string_view(bytes_).substr(entry.name_begin, entry.name_size), name);
  };
  const auto first = std::find_if(entries_.begin(), entries_.end(), has_name);
  if (first == entries_.end()) {
    entries_.push_back(latest);
    return;
  }
  *first = latest;
  entries_.erase(std::remove_if(first + 1, entries_.end(), has_name), entries_.end());
}

std::size_t Headers::remove(std::string_view name) noexcept {
  return std::erase_if(entries_, [&](const Entry& entry) {
    return same_name(std::string_view(bytes_).substr(entry.name_begin, entry.name_size), name);
  });
}

void Headers::clear() noexcept {
  bytes_.clear();
  entries_.clear();
}

}  // namespace weft::http
