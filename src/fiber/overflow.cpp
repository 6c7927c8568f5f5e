// The report of a fiber's stack overflow, within a signal handler: no allocation, no lock.
#include "fiber/overflow.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "fiber/scheduler.hpp"

namespace weft::inline v0_1::detail {

namespace {

/// A text in a fixed buffer; what does not fit is left out.
class Line {
 public:
  void add(std::string_view text) noexcept {
    size_ += text.copy(text_.data() + size_, text_.size() - size_);
  }
  void add(std::size_t number) noexcept {
    size_ = static_cast<std::size_t>(
        std::to_chars(text_.data() + size_, text_.data() + text_.size(), number).ptr -
        text_.data());
  }
  void write() const noexcept { static_cast<void>(!::write(STDERR_FILENO, text_.data(), size_)); }

 private:
  std::array<char, 400> text_{};
  std::size_t size_ = 0;
};

}  // namespace

void report_overflow(const void* address) noexcept {
  const FiberScheduler* const scheduler = FiberScheduler::current();
  const FiberCore* const fiber = scheduler != nullptr ? scheduler->running() : nullptr;
  if (fiber == nullptr) return;
  const std::span<std::byte> memory = fiber->stack().memory;
  const auto* const at = static_cast<const std::byte*>(address);
  if (at < memory.data() - StackPool::guard_bytes || at >= memory.data()) return;
  const std::string_view name = fiber->name();
  Line line;
  line.add("weft: fiber '");
  line.add(name.empty() ? "(no name)" : name.substr(0, std::min<std::size_t>(name.size(), 100)));
  line.add("' has overflowed its stack of ");
  line.add(StackPool::bytes_of(fiber->stack().size_class) / 1024);
  line.add(" KiB: give it more with FiberOptions::stack_bytes, or move large locals to the heap\n");
  line.write();
}

}  // namespace weft::inline v0_1::detail
