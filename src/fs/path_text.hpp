// Paths as the system takes them, and the names of temporary files. Any thread.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "fs/error.hpp"

namespace weft::inline v0_1::detail {

/// Returns the path as a C string; throws IoError if it has a NUL, at which the system would end
/// it.
inline const char* path_text(const std::filesystem::path& path, const char* operation) {
  const std::string& text = path.native();
  if (text.find('\0') != std::string::npos) {
    throw_file_error(make_error_code(std::errc::invalid_argument), operation, text);
  }
  return text.c_str();
}

/// "a -> b", for errors of what concerns two paths.
inline std::string two_paths(const std::filesystem::path& from, const std::filesystem::path& to) {
  return from.native() + " -> " + to.native();
}

/// The directory in which the last part of `path` stands.
inline std::filesystem::path directory_of(const std::filesystem::path& path) {
  std::filesystem::path parent = path.parent_path();
  return parent.empty() ? std::filesystem::path(".") : parent;
}

/// A name that hardly any other file has: ".weft-" or `prefix`, and 16 hexadecimal digits.
[[nodiscard]] std::string temporary_name(std::string_view prefix = ".weft-");

/// The directory for temporary files: $TMPDIR, or /tmp.
[[nodiscard]] std::filesystem::path temporary_directory();

}  // namespace weft::inline v0_1::detail
