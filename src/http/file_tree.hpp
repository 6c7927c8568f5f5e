// The directory of a StaticFiles: opens files beneath it. Immutable; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <weft/file.hpp>
#include <weft/http/static_files.hpp>
#include <weft/owned_handle.hpp>
#include <weft/result.hpp>
#include <weft/task.hpp>

namespace weft::inline v0_1::http {

/// What the system knows of an open file, as far as it matters here.
struct FileFacts {
  enum class Kind : std::uint8_t { file, directory, other };
  using Time = std::chrono::sys_time<std::chrono::nanoseconds>;

  Kind kind = Kind::other;
  std::uint64_t size = 0;
  Time modified = {};
  Time changed = {};

  friend bool operator==(const FileFacts&, const FileFacts&) noexcept = default;
};

/// Returns the facts of an open file. Does not wait for a device, as a rule. Throws IoError.
[[nodiscard]] FileFacts facts_of(NativeHandle handle, const std::string& name);

struct FoundFile {
  FoundFile() = default;
  OwnedHandle handle;
  FileFacts facts;
  std::string path;  // beneath the root
};

class FileTree {
 public:
  FileTree(const std::filesystem::path& root, StaticFilesOptions options);

  [[nodiscard]] const StaticFilesOptions& options() const noexcept { return options_; }
  /// Opens what stands at `path`, relative, without empty or dotted segments; "." is the root
  /// itself. In place if the system has all of it in memory, else on a thread for blocking calls.
  /// Errors: the system's; cross_device_link if the path leads outside.
  [[nodiscard]] Task<Result<FoundFile>> open(std::string path) const;

 private:
  StaticFilesOptions options_;
  OwnedHandle root_;
};

}  // namespace weft::inline v0_1::http
