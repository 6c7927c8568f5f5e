// Bodies made of parts of a file, with text between them. Used by StaticFiles.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>
#include <weft/file.hpp>
#include <weft/http/body_writer.hpp>
#include <weft/task.hpp>

#include "http/file_tree.hpp"

namespace weft::inline v0_1::http {

/// A part of a file behind some text.
struct FilePiece {
  std::string before;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

class FileBody {
 public:
  FileBody(File file, const FileFacts& facts) : file_(std::move(file)), facts_(facts) {}

  void add(FilePiece piece) { pieces_.push_back(std::move(piece)); }
  void set_end(std::string text) { end_ = std::move(text); }
  /// Writes all of it. Throws IoError: FileErrc::unexpected_end if the file has become shorter,
  /// device_or_resource_busy if it was changed; the last bytes are not written then.
  [[nodiscard]] Task<void> operator()(BodyWriter& out);
  /// Returns one piece as text. Throws as the other one.
  [[nodiscard]] Task<std::string> read(std::uint64_t offset, std::uint64_t size);

 private:
  void check_unchanged() const;
  static Task<void> write(FileBody& self, BodyWriter& out);

  File file_;
  FileFacts facts_;
  std::vector<FilePiece> pieces_;
  std::string end_;
};

}  // namespace weft::inline v0_1::http
