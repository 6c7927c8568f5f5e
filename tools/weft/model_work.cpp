#include "model_work.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>

#include "allocations.hpp"
#include "process_usage.hpp"
#include "values.hpp"

namespace weft::tool {

namespace {

/// Appends as much of `text` as fits.
template <std::size_t Size>
void append(std::array<char, Size>& buffer, std::size_t& used, std::string_view text) {
  used += text.copy(buffer.data() + used, buffer.size() - used);
}

}  // namespace

Exchange::Exchange(const ModelWork& work, std::size_t number) noexcept : number_(number) {
  append(buffer_, used_, "GET /");
  append(buffer_, used_, std::to_string(work.delay.count()));
  append(buffer_, used_, "/text-");
  append(buffer_, used_, std::to_string(number));
  append(buffer_, used_, " HTTP/1.1\r\nHost: delay\r\n\r\n");
}

std::span<std::byte> Exchange::room() noexcept {
  if (!answering_) {
    answering_ = true;
    used_ = 0;
  }
  return std::as_writable_bytes(std::span(buffer_)).subspan(used_);
}

bool Exchange::add(std::size_t size) noexcept {
  used_ += size;
  const std::string_view answer(buffer_.data(), used_);
  const std::size_t end_of_head = answer.find("\r\n\r\n");
  if (end_of_head != answer.npos) {
    const std::string echo = "text-" + std::to_string(number_);
    const std::string_view body = answer.substr(end_of_head + 4);
    if (body.size() >= echo.size()) {
      right_ = body == echo && answer.starts_with("HTTP/1.1 200 ");
      return true;
    }
  }
  return size == 0 || used_ == buffer_.size();  // too short or too long: not the echo
}

ModelTally::Usage ModelTally::usage() {
  const ProcessUsage used = usage_of_self();
  Usage now;
  now.at = std::chrono::steady_clock::now();
  now.cpu = used.cpu;
  now.memory_bytes = used.memory_bytes;
  now.switches = used.voluntary_switches + used.involuntary_switches;
  now.allocations = allocations_counted();
  return now;
}

void ModelTally::begin() {
  count_allocations();
  before_ = usage();
}

void ModelTally::end() {
  after_ = usage();
  after_.memory_bytes = std::max(usage_of_self().peak_memory_bytes, before_.memory_bytes);
}

void ModelTally::fail(std::string_view what) {
  note(false);
  const std::lock_guard lock(mutex_);
  if (first_failure_.empty()) first_failure_ = printable(what);
}

std::string ModelTally::to_json(const ModelWork& work) const {
  const nlohmann::json result = {
      {"count", work.count},
      {"connections", work.connections},
      {"echoes", echoes_.load()},
      {"failures", failures_.load()},
      {"first_failure", first_failure_},
      {"wall_ns", (after_.at - before_.at).count()},
      {"cpu_ns", (after_.cpu - before_.cpu).count()},
      {"peak_memory_bytes", after_.memory_bytes},
      {"memory_bytes", after_.memory_bytes - before_.memory_bytes},
      {"switches", after_.switches - before_.switches},
      {"allocations", after_.allocations - before_.allocations},
  };
  return result.dump();
}

}  // namespace weft::tool
