// Shared by the tests of Unix sockets: a directory for their files, and bytes as text.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <span>
#include <string>

#include "api/net_support.hpp"

namespace weft::testing {

/// A new directory that is removed with all that is in it.
class SocketDirectory {
 public:
  SocketDirectory() {
    if (::mkdtemp(path_.data()) == nullptr) std::abort();
  }
  ~SocketDirectory() { std::filesystem::remove_all(path_); }
  SocketDirectory(const SocketDirectory&) = delete;
  SocketDirectory& operator=(const SocketDirectory&) = delete;
  [[nodiscard]] std::string operator/(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_ = "/tmp/weft.XXXXXX";
};

[[nodiscard]] inline std::string as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// An abstract name that no other process has.
[[nodiscard]] inline std::string abstract_name(const char* what) {
  return "@weft." + std::to_string(::getpid()) + "." + what;
}

}  // namespace weft::testing
