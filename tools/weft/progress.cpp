#include "progress.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "values.hpp"

namespace weft::tool {

namespace {
constexpr std::size_t bar_width = 40;
constexpr std::chrono::milliseconds redraw_interval{100};
}  // namespace

Progress::Progress(std::string label, std::size_t total)
    : label_(std::move(label)),
      total_(std::max<std::size_t>(total, 1)),
      on_terminal_(::isatty(STDERR_FILENO) == 1),
      next_draw_(Clock::now()) {}

Progress::~Progress() {
  if (drawn_) std::fputs("\r\x1b[K", stderr);
}

void Progress::step(bool failed) {
  ++done_;
  if (failed) ++failed_;
  if (!on_terminal_) return;
  const auto now = Clock::now();
  if (now < next_draw_ && done_ < total_) return;
  next_draw_ = now + redraw_interval;
  draw();
}

void Progress::draw() {
  const std::size_t filled = std::min(done_, total_) * bar_width / total_;
  std::string line = "\r" + label_ + " [" + std::string(filled, '#') +
                     std::string(bar_width - filled, '.') + "] " + grouped(done_) + "/" +
                     grouped(total_);
  if (failed_ > 0) line += ", " + grouped(failed_) + " failed";
  line += "\x1b[K";
  std::fputs(line.c_str(), stderr);
  std::fflush(stderr);
  drawn_ = true;
}

}  // namespace weft::tool
