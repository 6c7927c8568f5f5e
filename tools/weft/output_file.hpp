// The files that `weft fetch --output` writes.
#pragma once

#include <cstddef>
#include <cstdio>
#include <span>
#include <string>
#include <vector>

namespace weft::tool {

/// Makes the directory, with its parents. Throws std::runtime_error with its name.
void make_output_directory(const std::string& path);

/// Returns a path in `directory` for each URL, all different: see file_name_of(). The second "a"
/// becomes "a-2".
[[nodiscard]] std::vector<std::string> output_paths(const std::string& directory,
                                                    const std::vector<std::string>& urls);

/// Returns a random hidden name in the directory of `path`, which output_paths() never gives.
[[nodiscard]] std::string temporary_beside(const std::string& path);

/// A file that exists only once it is complete: written beside its place, under a hidden name that
/// no other file has, and moved there by commit(). Errors are thrown as std::runtime_error and name
/// the file. Writes block: they go to the system's cache.
class OutputFile {
 public:
  explicit OutputFile(std::string path);
  /// Without commit(): removes the written part.
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void commit();

 private:
  void remove_temporary() const noexcept;

  std::string path_;
  std::string temporary_;
  std::FILE* file_;
};

}  // namespace weft::tool
