#include "compute/lanes.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "base/thread_context.hpp"

namespace weft::inline v0_1::detail {

namespace {

constexpr std::size_t most_threads = 1024;

BlockingOptions of(std::string name, std::size_t threads) {
  BlockingOptions options;
  options.name = std::move(name);
  options.most_threads = threads;
  return options;
}

void check_threads(const std::string& option, std::size_t count) {
  if (count >= 1 && count <= most_threads) return;
  throw std::invalid_argument("weft::Runtime: " + option + " must be from 1 to 1024, not " +
                              std::to_string(count));
}

std::string quoted(std::string_view name) { return '"' + std::string(name) + '"'; }

}  // namespace

Lanes::Lanes(std::size_t blocking_threads, std::size_t lookup_threads, std::size_t file_threads,
             const std::vector<BlockingOptions>& named) {
  check_threads("blocking_threads", blocking_threads);
  check_threads("lookup_threads", lookup_threads);
  check_threads("file_threads", file_threads);
  lanes_.push_back(std::make_unique<Lane>("", of("weft-blocking", blocking_threads)));
  lanes_.push_back(std::make_unique<Lane>("", of("weft-lookup", lookup_threads)));
  lanes_.push_back(std::make_unique<Lane>("", of("weft-file", file_threads)));
  for (const BlockingOptions& options : named) {
    if (options.name.empty()) {
      throw std::invalid_argument("weft::Runtime: a lane of RuntimeOptions::lanes has no name");
    }
    if (find(options.name) != nullptr) {
      throw std::invalid_argument("weft::Runtime: two lanes are called " + quoted(options.name));
    }
    check_threads("most_threads of lane " + quoted(options.name), options.most_threads);
    lanes_.push_back(std::make_unique<Lane>(options.name, options));
  }
}

// Never inlined: see thread_context().
[[gnu::noinline]] Lanes* Lanes::current() noexcept { return thread_context().lanes; }

BlockingPool* Lanes::find(std::string_view name) noexcept {
  const auto found = std::find_if(lanes_.begin() + first_named, lanes_.end(),
                                  [&](const auto& lane) { return lane->name == name; });
  return found == lanes_.end() ? nullptr : &(*found)->pool;
}

std::string Lanes::unknown(std::string_view name) const {
  std::string text =
      "weft::blocking: this runtime has no lane " + quoted(name) + "; RuntimeOptions::lanes names ";
  if (lanes_.size() == first_named) return text + "none";
  for (std::size_t i = first_named; i < lanes_.size(); ++i) {
    text += (i == first_named ? "" : ", ") + quoted(lanes_[i]->name);
  }
  return text;
}

std::uint64_t Lanes::submitted() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& lane : lanes_) sum += lane->pool.submitted();
  return sum;
}

std::uint64_t Lanes::ended() const noexcept {
  std::uint64_t sum = 0;
  for (const auto& lane : lanes_) sum += lane->pool.ended();
  return sum;
}

bool Lanes::is_on_thread() const noexcept {
  return std::ranges::any_of(lanes_, [](const auto& lane) { return lane->pool.is_on_thread(); });
}

void Lanes::stop() noexcept {
  for (const auto& lane : lanes_) lane->pool.stop();
}

}  // namespace weft::inline v0_1::detail
