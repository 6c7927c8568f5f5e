// The steps of one execution, and their text in a report. Used by the scheduler of the model
// checker, on its thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <source_location>
#include <string>
#include <utility>
#include <vector>
#include <weft/atomic.hpp>

namespace weft::inline v0_1::model {

struct TraceStep {
  enum class Effect : std::uint8_t { none, read, read_old, write, modify, succeeds, fails };

  std::size_t thread = 0;
  ModelAccess access;
  const char* name = nullptr;  // of the object; null: it has none
  Effect effect = Effect::none;
  std::uint64_t read = 0;
  std::uint64_t written = 0;
};

/// "folder/file.hpp:12".
[[nodiscard]] std::string place(const std::source_location& where);

class Trace {
 public:
  explicit Trace(std::size_t room) { steps_.reserve(room); }

  void clear() noexcept { steps_.clear(); }
  void add(const TraceStep& step) { steps_.push_back(step); }

  /// The last `count` steps, a line each.
  [[nodiscard]] std::string last(std::size_t count);
  /// One step without its number. `values`: with the values read and written.
  [[nodiscard]] std::string line(const TraceStep& step, bool values);
  /// The object's name. Objects without one are numbered in the order of their first use, because
  /// addresses differ from run to run.
  [[nodiscard]] std::string name_of(const void* object, const char* name);

 private:
  [[nodiscard]] std::string effect_of(const TraceStep& step);
  [[nodiscard]] std::string value_of(const ModelAccess& access, std::uint64_t bits);

  std::vector<TraceStep> steps_;
  std::vector<const void*> objects_;     // numbered, by first use
  std::vector<std::uint64_t> pointers_;  // numbered, by first use
};

}  // namespace weft::inline v0_1::model
