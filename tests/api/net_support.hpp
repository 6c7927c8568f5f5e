// Shared by the tests of net: a fixture over kinds of runtimes that checks for leaked handles, and
// a pair of connected streams.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>
#include <weft/weft.hpp>

#include "support/open_handles.hpp"

namespace weft::testing {

/// Parameter: workers; 0 is a current_thread runtime. run() makes a runtime, runs `work` on it and
/// ends it. Every test must end with as many handles as it began with.
class Net : public ::testing::TestWithParam<std::size_t> {
 protected:
  template <class W>
  auto run(W work) {
    RuntimeOptions options;
    options.workers = GetParam();
    options.current_thread = GetParam() == 0;
    Runtime runtime(std::move(options));
    return runtime.block_on(std::move(work));
  }
  void SetUp() override { handles_ = open_handles(); }
  void TearDown() override {
    EXPECT_EQ(settled_handles(handles_), handles_) << "leaked or lost handles";
  }

 private:
  std::size_t handles_ = 0;
};

inline std::string name_of_workers(const ::testing::TestParamInfo<std::size_t>& info) {
  return info.param == 0 ? "CurrentThread" : "Workers" + std::to_string(info.param);
}

struct Pair {
  Pair(StreamSocket s, StreamSocket c) noexcept : server(std::move(s)), client(std::move(c)) {}
  StreamSocket server;
  StreamSocket client;
};

inline Task<Pair> connect_to(SocketListener& listener) {
  auto both =
      co_await when_all(listener.accept(), StreamSocket::connect(listener.local_endpoint()));
  co_return Pair(std::move(std::get<0>(both)), std::move(std::get<1>(both)));
}

inline Task<Pair> make_pair() {
  SocketListener listener = SocketListener::bind(Endpoint::loopback(0));
  Pair pair = co_await connect_to(listener);
  co_return pair;
}

/// Reads to the end of the stream.
template <class Reader>
Task<std::string> read_all(Reader& reader) {
  std::string text;
  std::array<std::byte, 4096> buffer;
  for (;;) {
    const std::size_t size = co_await reader.read(buffer);
    if (size == 0) co_return text;
    text.append(reinterpret_cast<const char*>(buffer.data()), size);
  }
}

/// Bytes in which a lost, doubled or misplaced stretch shows.
inline std::string pattern(std::size_t size, std::uint32_t seed = 1) {
  std::string text(size, '\0');
  for (char& c : text) {
    seed = seed * 1664525 + 1013904223;
    c = static_cast<char>(seed >> 24);
  }
  return text;
}

inline std::span<std::byte> writable_bytes(std::string& text) {
  return std::as_writable_bytes(std::span(text));
}

/// what() of the IoError that awaiting `awaitable` throws; "no error" if it does not.
template <class A>
Task<std::string> error_text(A awaitable) {
  try {
    static_cast<void>(co_await std::move(awaitable));
  } catch (const IoError& error) {
    co_return error.what();
  }
  co_return "no error";
}

}  // namespace weft::testing
