#include "byte_progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "values.hpp"

namespace weft::tool {

namespace {
constexpr std::chrono::milliseconds redraw_interval{100};
}  // namespace

ByteProgress::ByteProgress(std::string label, bool wanted)
    : label_(std::move(label)),
      is_shown_(wanted && ::isatty(STDERR_FILENO) == 1),
      begin_(Clock::now()),
      next_draw_(begin_) {}

ByteProgress::~ByteProgress() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
}

void ByteProgress::begin(std::uint64_t bytes) noexcept {
  first_ = bytes;
  begin_ = Clock::now();
}

void ByteProgress::show(std::uint64_t bytes, std::optional<std::uint64_t> total) {
  if (!is_shown_) return;
  const auto now = Clock::now();
  if (now < next_draw_ && bytes != total) return;
  next_draw_ = now + redraw_interval;
  const std::uint64_t new_bytes = bytes - std::min(bytes, first_);
  const std::string line =
      "\r" + progress_line(label_, bytes, total, new_bytes, now - begin_) + "\x1b[K";
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
  drawn_ = true;
}

std::string progress_line(const std::string& label, std::uint64_t bytes,
                          std::optional<std::uint64_t> total, std::uint64_t new_bytes,
                          std::chrono::nanoseconds time) {
  std::string line = label + " " + readable_size(bytes);
  if (total && *total > 0) {
    const double part = static_cast<double>(bytes) / static_cast<double>(*total);
    line += " of " + readable_size(*total) + " (" +
            std::to_string(static_cast<unsigned>(std::min(part, 1.0) * 100)) + "%)";
  }
  const double seconds = std::max(static_cast<double>(time.count()) / 1e9, 1e-3);
  const auto rate = static_cast<std::uint64_t>(static_cast<double>(new_bytes) / seconds);
  return line + ", " + readable_size(rate) + "/s";
}

}  // namespace weft::tool
