// The visitor of twelve_lines.cpp.
#pragma once

#include <array>
#include <cstdio>
#include <span>
#include <string_view>
#include <weft/weft.hpp>

// [visit]
weft::Task<void> visit() {
  co_await weft::yield_now();  // the server shall listen first
  weft::StreamSocket stream = co_await weft::StreamSocket::connect("127.0.0.1", 7789);
  for (const std::string_view word : {"interrupt", "queue", "task"}) {
    co_await stream.write_all(word);
    std::array<char, 16> echo{};
    const auto room = std::as_writable_bytes(std::span(echo).first(word.size()));
    co_await stream.read_exact(room);
    std::printf("%s\n", echo.data());
  }
}
// [/visit]
