// Shared by the tests of child processes: a fixture that also checks for children that are left,
// and children for tests.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <weft/weft.hpp>

#include "support/children.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test {

class ProcessTest : public RuntimeTest {
 protected:
  void TearDown() override {
    end_runtime();
    EXPECT_TRUE(no_child_stays());
    RuntimeTest::TearDown();
  }
};

/// A script for /bin/sh.
inline Command shell(std::string script) {
  Command command("/bin/sh");
  command.arg("-c").arg(std::move(script));
  return command;
}

/// A child that ends when its input does.
inline Command waiting_child() {
  Command command("/bin/cat");
  command.in(Stdio::pipe()).out(Stdio::null());
  return command;
}

/// Reads to the end.
inline Task<std::string> text_of(PipeReader& reader) {
  std::string text;
  std::array<std::byte, 4096> room;
  while (std::size_t size = co_await reader.read(room)) {
    text.append(reinterpret_cast<const char*>(room.data()), size);
  }
  co_return text;
}

/// Reads one line, without its end.
inline Task<std::string> line_of(PipeReader& reader) {
  std::string line;
  std::array<char, 1> byte;
  for (;;) {
    const std::size_t size = co_await reader.read(byte);
    if (size == 0 || byte[0] == '\n') co_return line;
    line += byte[0];
  }
}

}  // namespace weft::test
