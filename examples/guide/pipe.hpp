// Pipe: the two ends of a pipe(2); what goes in at the writer comes out at the reader. Closes both
// when it goes. For the guide's examples.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <string_view>
#include <system_error>

class Pipe {
 public:
  /// `flags`: those of pipe2(2), O_NONBLOCK for instance.
  explicit Pipe(int flags = 0) {
    if (pipe2(ends_.data(), flags | O_CLOEXEC) != 0) {
      throw std::system_error(errno, std::generic_category(), "pipe2");
    }
  }
  ~Pipe() {
    close(ends_[0]);
    close(ends_[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  [[nodiscard]] int reader() const { return ends_[0]; }
  [[nodiscard]] int writer() const { return ends_[1]; }

  /// Puts in a short text, whole.
  void put(std::string_view text) const {
    if (write(writer(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
      throw std::system_error(errno, std::generic_category(), "write to a pipe");
    }
  }
  /// Takes out one byte; 0 if there is none.
  [[nodiscard]] char take() const {
    char byte = 0;
    return read(reader(), &byte, 1) == 1 ? byte : '\0';
  }

 private:
  std::array<int, 2> ends_{};
};
