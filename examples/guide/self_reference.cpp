// A future that waits is known by its address: to itself, and to what will complete it. What a move
// does to both.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <weft/weft.hpp>

#include "signal.hpp"

// [source]
/// Where bytes come from. As a kernel does, it knows a buffer and a waker, and nothing else.
class Source {
 public:
  void read_into(std::span<char> buffer, std::size_t& size, weft::Waker waker) {
    buffer_ = buffer;
    size_ = &size;
    waker_ = std::move(waker);
  }
  void deliver(std::string_view text) {
    *size_ = text.copy(buffer_.data(), buffer_.size());
    waker_->wake_by_ref();
  }
  /// Whether the bytes will go into this object.
  [[nodiscard]] bool writes_into(const void* object, std::size_t bytes) const {
    const char* const begin = static_cast<const char*>(object);
    const std::less_equal<const char*> not_after;
    return not_after(begin, buffer_.data()) && not_after(buffer_.data(), begin + bytes);
  }

 private:
  std::span<char> buffer_;
  std::size_t* size_ = nullptr;
  std::optional<weft::Waker> waker_;
};
// [/source]

// [reading]
/// Reads into a buffer of its own. The compiler gives it a move constructor.
class Reading {
 public:
  explicit Reading(Source& source) : source_(&source) {}

  weft::Poll<std::string_view> poll(weft::Context& cx) {
    if (!begun_) {
      source_->read_into(room_, size_, cx.waker());
      begun_ = true;
    }
    if (size_ == 0) return weft::Pending();
    return std::string_view(room_.data(), size_);
  }

 private:
  Source* source_;
  bool begun_ = false;
  std::size_t size_ = 0;
  std::array<char, 32> room_{};
};
// [/reading]

void show(const char* when, weft::Poll<std::string_view> result) {
  std::printf("  %-24s %s\n", when, result.is_ready() ? result.take().data() : "pending");
}

int main() {
  WakeCounter wakes;
  const weft::Waker waker = wakes.waker();
  weft::Context cx(waker);

  // [moves]
  std::puts("moved, then polled:");
  Source first;
  Reading one(first);
  Reading moved_before = std::move(one);
  show("polled:", moved_before.poll(cx));
  first.deliver("warp");
  show("the bytes have come:", moved_before.poll(cx));

  std::puts("polled, then moved:");
  Source second;
  Reading other(second);
  show("polled:", other.poll(cx));
  Reading moved_after = std::move(other);
  const bool sound = second.writes_into(&moved_after, sizeof moved_after);
  std::printf("  the source writes into:  %s\n", sound ? "the future" : "where the future was");
  second.deliver("weft");
  std::printf("  woken:                   %d times in all\n", wakes.count());
  show("the bytes have come:", moved_after.poll(cx));
  // [/moves]
}
