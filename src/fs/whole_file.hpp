// Steps of jobs on whole files, on a thread for files. Each throws IoError, or Abandoned (see
// "fs/lane_call.hpp").
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include "fs/lane_call.hpp"
#include "os/fd.hpp"

namespace weft::inline v0_1::detail {

/// Between two looks at the stop flag: about a millisecond.
inline constexpr std::size_t step_size = std::size_t{1} << 20;

/// Writes all of `data` at the cursor of `handle`.
void write_whole(int handle, std::span<const std::byte> data, const char* operation,
                 std::string_view path, const StopFlag& stop);
/// Has the device take what was written to `handle`.
void sync_handle(int handle, const char* operation, std::string_view path);
/// Has the device take the names in `directory`.
void sync_directory(const std::filesystem::path& directory, const char* operation);
/// Closes `handle`, and throws what that says of earlier writes.
void close_handle(Fd& handle, const char* operation, std::string_view path);

/// A name that is removed again, unless keep() was called.
class NameGuard {
 public:
  explicit NameGuard(std::filesystem::path path) : path_(std::move(path)) {}
  ~NameGuard();
  NameGuard(const NameGuard&) = delete;
  NameGuard& operator=(const NameGuard&) = delete;
  void keep() noexcept { kept_ = true; }
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
  bool kept_ = false;
};

/// What an error names.
struct FileOperation {
  const char* name;
  std::string_view path;
};

/// Opens a new file with a temporary name in `directory`, and gives that.
[[nodiscard]] Fd open_new_in(const std::filesystem::path& directory, int flags, std::uint32_t mode,
                             FileOperation operation, std::filesystem::path& made);

}  // namespace weft::inline v0_1::detail
