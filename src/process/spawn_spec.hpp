// What a Command and a Stdio hold. Used by one thread at a time, except that the copies of a Stdio
// share a StdioTarget.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <weft/atomic.hpp>
#include <weft/process.hpp>

#include "process/child_program.hpp"

namespace weft::inline v0_1::detail {

/// A stream that was given to a Command. It belongs to the first child that gets it.
class GivenStream {
 public:
  explicit GivenStream(PipeReader reader) noexcept
      : is_for_output_(false), reader_(std::move(reader)) {}
  explicit GivenStream(PipeWriter writer) noexcept
      : is_for_output_(true), writer_(std::move(writer)) {}

  [[nodiscard]] bool is_for_output() const noexcept { return is_for_output_; }

  /// Lends the handle to one spawn() until end(). invalid_handle: another one has it, a child got
  /// it, or it was closed before.
  [[nodiscard]] NativeHandle begin() noexcept {
    const std::lock_guard lock(mutex_);
    if (is_lent_ || (!reader_ && !writer_)) return invalid_handle;
    const NativeHandle handle = reader_ ? reader_->native_handle() : writer_->native_handle();
    is_lent_ = handle != invalid_handle;
    return handle;
  }
  /// `given`: a child got it. Then this process has no more part in it.
  void end(bool given) noexcept {
    const std::lock_guard lock(mutex_);
    is_lent_ = false;
    if (!given) return;
    reader_.reset();
    writer_.reset();
  }

 private:
  const bool is_for_output_;
  ThreadMutex mutex_;
  std::optional<PipeReader> reader_;  // guarded by mutex_
  std::optional<PipeWriter> writer_;  // guarded by mutex_
  bool is_lent_ = false;              // guarded by mutex_
};

struct StdioTarget {
  enum class Kind : std::uint8_t {
    inherit,
    null,
    pipe,
    handle,
    read_file,
    write_file,
    append_file,
    stream,
    same_as_output,
  };
  explicit StdioTarget(Kind its_kind) noexcept : kind(its_kind) {}

  Kind kind;
  NativeHandle handle = invalid_handle;
  std::string path = {};
  std::shared_ptr<GivenStream> stream = {};
};

[[nodiscard]] std::string resource_name(Resource resource);

struct SpawnSpec {
  explicit SpawnSpec(std::string its_program) : program(std::move(its_program)) {
    arguments.push_back(program);
  }

  /// A change of the environment. No value: the variable is removed; no name: all are.
  struct Change {
    Change(std::string its_name, std::optional<std::string> its_value)
        : name(std::move(its_name)), value(std::move(its_value)) {}
    std::string name;
    std::optional<std::string> value;
  };
  struct Limit {
    Resource resource;
    std::uint64_t soft;
    std::uint64_t hard;
  };
  [[nodiscard]] static ResourceLimit for_system(const Limit& limit) noexcept;

  std::string program;
  std::vector<std::string> arguments;
  std::vector<Change> environment;
  std::optional<std::string> directory;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  std::optional<std::vector<std::uint32_t>> groups;
  std::optional<std::uint32_t> umask;
  std::vector<Limit> limits;
  std::array<std::optional<Stdio>, 3> streams;  ///< By number; none: not set.
  std::vector<HandleMove> given;
  ChildPlan::Leads leads = ChildPlan::Leads::nothing;
  bool kills_on_drop = false;
};

}  // namespace weft::inline v0_1::detail
