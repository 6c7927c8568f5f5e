// A terminal of a test.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

namespace weft::testing {

/// A pseudo-terminal: `line` is the side of programs. It controls no process.
struct PseudoTerminal {
  PseudoTerminal() : control(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    EXPECT_EQ(::grantpt(control), 0);
    EXPECT_EQ(::unlockpt(control), 0);
    std::array<char, 64> name{};
    EXPECT_EQ(::ptsname_r(control, name.data(), name.size()), 0);
    line = ::open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC);
    EXPECT_GE(line, 0);
    path = name.data();
  }
  ~PseudoTerminal() {
    ::close(control);
    ::close(line);
  }
  PseudoTerminal(const PseudoTerminal&) = delete;
  PseudoTerminal& operator=(const PseudoTerminal&) = delete;

  void type(std::string_view text) const {
    EXPECT_EQ(::write(control, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  [[nodiscard]] termios mode() const {
    termios now{};
    EXPECT_EQ(::tcgetattr(line, &now), 0);
    return now;
  }
  [[nodiscard]] bool has(tcflag_t flag) const { return (mode().c_lflag & flag) != 0; }

  int control;
  int line = -1;
  std::string path;
};

}  // namespace weft::testing
