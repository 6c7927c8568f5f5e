#include <weft/detail/io_buffer.hpp>

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>
#include <utility>

#include "base/check.hpp"

namespace weft::inline v0_1::detail {

namespace {

std::string_view text_of(std::span<const std::byte> bytes) noexcept {
  // SAFETY: char may alias any object.
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

constexpr std::size_t saturating_sum(std::size_t a, std::size_t b) noexcept {
  return a > std::numeric_limits<std::size_t>::max() - b ? std::numeric_limits<std::size_t>::max()
                                                         : a + b;
}

/// A string of that size whose characters are not initialized.
std::string uninitialized(std::size_t size) {
  std::string memory;
  memory.resize_and_overwrite(size, [](char*, std::size_t room) noexcept { return room; });
  return memory;
}

}  // namespace

/// Moves the content into memory of `allocated` bytes, behind `front` free ones.
void IoBuffer::grow_to(std::size_t allocated, std::size_t front) {
  std::string memory = uninitialized(allocated);
  const std::size_t kept = size();
  if (kept != 0) std::memcpy(memory.data() + front, memory_.data() + begin_, kept);
  memory_ = std::move(memory);
  begin_ = front;
  end_ = front + kept;
}

std::span<std::byte> IoBuffer::room(std::size_t bound) {
  const std::size_t kept = size();
  WEFT_CHECK(kept < bound, "a buffer is asked for room beyond its bound");
  if (end_ == memory_.size()) {
    if (begin_ != 0 && (kept <= memory_.size() / 2 || memory_.size() >= bound)) {
      std::memmove(memory_.data(), memory_.data() + begin_, kept);
      begin_ = 0;
      end_ = kept;
    } else {
      const std::size_t wanted = std::max(capacity_, saturating_sum(kept, kept));
      grow_to(std::max(std::min(wanted, bound), saturating_sum(kept, 1)), 0);
    }
  }
  const std::size_t size = std::min(memory_.size() - end_, bound - kept);
  return std::as_writable_bytes(std::span(memory_.data() + end_, size));
}

void IoBuffer::consume(std::size_t size) noexcept {
  WEFT_CHECK(size <= this->size(), "more bytes are consumed than are buffered");
  begin_ += size;
  if (begin_ != end_) return;
  begin_ = end_ = 0;
  if (memory_.size() > capacity_) std::string().swap(memory_);
}

std::size_t IoBuffer::take_into(std::span<std::byte> to) noexcept {
  const std::size_t taken = std::min(size(), to.size());
  if (taken == 0) return 0;
  std::memcpy(to.data(), memory_.data() + begin_, taken);
  consume(taken);
  return taken;
}

std::size_t IoBuffer::append(std::span<const std::byte> from) {
  std::size_t done = 0;
  while (done < from.size() && size() < capacity_) {
    const std::span<std::byte> to = room(capacity_);
    const std::size_t part = std::min(to.size(), from.size() - done);
    std::memcpy(to.data(), from.data() + done, part);
    commit(part);
    done += part;
  }
  return done;
}

bool IoBuffer::put_back(std::span<const std::byte> bytes) noexcept try {
  if (bytes.empty()) return true;
  if (begin_ < bytes.size()) grow_to(std::max(capacity_, bytes.size() + size()), bytes.size());
  begin_ -= bytes.size();
  std::memcpy(memory_.data() + begin_, bytes.data(), bytes.size());
  return true;
} catch (const std::bad_alloc&) {
  return false;
}

std::string IoBuffer::take_all() {
  memory_.resize(end_);
  memory_.erase(0, begin_);
  begin_ = end_ = 0;
  return std::exchange(memory_, std::string());
}

void IoBuffer::free_if_empty() noexcept {
  if (!empty()) return;
  std::string().swap(memory_);
  begin_ = end_ = 0;
}

LineSearch::LineSearch(const LineRules& rules, std::string_view delimiter)
    : rules_(rules), delimiter_(delimiter) {
  if (delimiter.empty()) throw std::invalid_argument("weft::BufferedReader: an empty delimiter");
}

std::size_t LineSearch::bound() const noexcept {
  return saturating_sum(rules_.limit, strips_return_ ? 2 : delimiter_.size());
}

LineSearch::Found LineSearch::found_at(std::string_view text, std::size_t at) noexcept {
  const bool has_return = strips_return_ && at > 0 && text[at - 1] == '\r';
  size_ = has_return ? at - 1 : at;
  bytes_ = at + delimiter_.size();
  return size_ <= rules_.limit ? Found::line : Found::too_long;
}

LineSearch::Found LineSearch::look(std::span<const std::byte> content) noexcept {
  const std::string_view text = text_of(content);
  const std::size_t at = text.find(delimiter_, searched_);
  if (at != std::string_view::npos) return found_at(text, at);
  // A delimiter may have begun in the last bytes.
  const std::size_t open = delimiter_.size() - 1;
  searched_ = text.size() > open ? text.size() - open : 0;
  std::size_t certain = searched_;  // of the line, whatever follows
  if (strips_return_ && certain > 0 && text[certain - 1] == '\r') --certain;
  return certain > rules_.limit ? Found::too_long : Found::nothing_yet;
}

LineSearch::Found LineSearch::look_at_rest(std::span<const std::byte> content) noexcept {
  size_ = bytes_ = content.size();
  return size_ <= rules_.limit ? Found::line : Found::too_long;
}

std::string LineSearch::line(std::span<const std::byte> content) const {
  return std::string(text_of(content.first(rules_.kept ? bytes_ : size_)));
}

std::size_t bytes_to_discard(std::span<const std::byte> content, std::string_view delimiter,
                             bool& found) noexcept {
  const std::string_view text = text_of(content);
  const std::size_t at = text.find(delimiter);
  found = at != std::string_view::npos;
  if (found) return at + delimiter.size();
  const std::size_t open = delimiter.size() - 1;
  return text.size() > open ? text.size() - open : 0;
}

}  // namespace weft::inline v0_1::detail
