#include "model/trace.hpp"

#include <algorithm>
#include <string_view>

namespace weft::inline v0_1::model {
namespace {

const char* name_of(std::memory_order order) noexcept {
  switch (order) {
    case std::memory_order_relaxed:
      return "relaxed";
    case std::memory_order_consume:
      return "consume";
    case std::memory_order_acquire:
      return "acquire";
    case std::memory_order_release:
      return "release";
    case std::memory_order_acq_rel:
      return "acq_rel";
    case std::memory_order_seq_cst:
      return "seq_cst";
  }
  return "?";
}

bool is_compare(const ModelAccess& access) noexcept {
  return std::string_view(access.operation).starts_with("compare");
}

template <class T>
std::size_t number_of(std::vector<T>& known, T which) {
  const auto found = std::find(known.begin(), known.end(), which);
  const auto number = static_cast<std::size_t>(found - known.begin());
  if (found == known.end()) known.push_back(which);
  return number;
}

}  // namespace

std::string place(const std::source_location& where) {
  std::string_view file = where.file_name();
  const std::size_t last = file.rfind('/');
  const std::size_t before =
      last == std::string_view::npos || last == 0 ? last : file.rfind('/', last - 1);
  if (before != std::string_view::npos) file.remove_prefix(before + 1);
  return std::string(file) + ":" + std::to_string(where.line());
}

std::string Trace::name_of(const void* object, const char* name) {
  if (name != nullptr) return name;
  return "object " + std::to_string(number_of(objects_, object));
}

std::string Trace::value_of(const ModelAccess& access, std::uint64_t bits) {
  using Kind = ModelAccess::Kind;
  if (access.kind == Kind::truth) return bits != 0 ? "true" : "false";
  if (access.kind == Kind::signed_number) {
    const unsigned unused = 64U - 8U * access.bytes;
    return std::to_string(static_cast<std::int64_t>(bits << unused) >> unused);
  }
  // An address differs from run to run, and so does a word that contains one: they are numbered.
  constexpr std::uint64_t least_address = std::uint64_t{1} << 32;
  constexpr std::uint64_t past_addresses = std::uint64_t{1} << 48;
  const bool address = access.kind == Kind::pointer || access.kind == Kind::unsigned_number;
  if (address && access.bytes == 8 && bits >= least_address && bits < past_addresses) {
    const std::uint64_t tag = bits % 8;
    return "address " + std::to_string(number_of(pointers_, bits - tag)) +
           (tag != 0 ? "+" + std::to_string(tag) : "");
  }
  if (access.kind == Kind::pointer && bits == 0) return "null";
  return std::to_string(bits);
}

std::string Trace::effect_of(const TraceStep& step) {
  using Effect = TraceStep::Effect;
  const auto read = [&] { return value_of(step.access, step.read); };
  const auto written = [&] { return value_of(step.access, step.written); };
  switch (step.effect) {
    case Effect::none:
      return "";
    case Effect::read:
      return " reads " + read();
    case Effect::read_old:
      return " reads " + read() + ", not the newest, " + written();
    case Effect::write:
      return " writes " + written();
    case Effect::modify:
      return " reads " + read() + ", writes " + written();
    case Effect::succeeds:
      return " reads " + read() + ", writes " + written();
    case Effect::fails:
      return " fails, reads " + read();
  }
  return "";
}

std::string Trace::line(const TraceStep& step, bool values) {
  const ModelAccess& access = step.access;
  std::string text = "thread " + std::to_string(step.thread) + " " + access.operation;
  const bool is_fence = access.object == nullptr && access.where.line() != 0;
  if (access.kind != ModelAccess::Kind::none || is_fence) {
    text += std::string("(") + model::name_of(access.order);
    if (is_compare(access)) text += std::string(", ") + model::name_of(access.failure);
    text += ")";
  }
  if (access.object != nullptr) text += " " + name_of(access.object, step.name);
  if (values) text += effect_of(step);
  if (access.where.line() != 0) text += "   [" + place(access.where) + "]";
  return text;
}

std::string Trace::last(std::size_t count) {
  std::string text;
  const std::size_t skipped = steps_.size() > count ? steps_.size() - count : 0;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    // Also for steps that are not shown: numbers go by first use.
    const std::string shown = line(steps_[i], true);
    if (i >= skipped) text += "  step " + std::to_string(i) + ": " + shown + "\n";
  }
  return text;
}

}  // namespace weft::inline v0_1::model
