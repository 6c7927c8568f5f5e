// Files for tests of drivers: a FileSource on an unnamed file, and operations on it.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>
#include <weft/extend/file_call.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/driver_fixture.hpp"

namespace weft::testing {

struct FileEnder {
  void operator()(FileSource* file) const noexcept { file->drop_owner(); }
};
using FilePointer = std::unique_ptr<FileSource, FileEnder>;

/// A file without a name in the folder for temporary files.
inline FilePointer make_file(std::string_view contents = {}) {
  const int handle = must(::open("/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600), "open");
  put(detail::Fd(must(::dup(handle), "dup")), contents);
  must(::lseek(handle, 0, SEEK_SET), "lseek");
  return FilePointer(new FileSource(handle, "test file", false));
}

inline std::string contents_of(const FileSource& file) {
  std::string all(1 << 20, '\0');
  all.resize(
      static_cast<std::size_t>(must(::pread(file.handle(), all.data(), all.size(), 0), "pread")));
  return all;
}

/// A file's operation with memory of its own.
class FileOperation : public TestOperation {
 public:
  FileOperation(OperationKind what, FileSource* on, std::string memory = {},
                std::int64_t offset = FileCall::at_cursor)
      : TestOperation(what, on), memory_(std::move(memory)) {
    call.arguments.buffer = {reinterpret_cast<std::byte*>(memory_.data()), memory_.size()};
    call.arguments.offset = offset;
    io.file = &call;
  }
  [[nodiscard]] std::string text() const {
    return memory_.substr(0, result > 0 ? static_cast<std::size_t>(result) : 0);
  }

  FileCall call;

 private:
  std::string memory_;
};

}  // namespace weft::testing
