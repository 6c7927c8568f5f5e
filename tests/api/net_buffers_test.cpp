// What may be read into, and what an operation owns: temporaries move into it.
#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <weft/net.hpp>
#include <weft/spawn.hpp>

#include "net_support.hpp"

namespace weft::testing::net_buffers_test {
namespace {

class NetBuffers : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, NetBuffers, ::testing::Values(0, 1, 2), name_of_workers);

/// Longer than what a std::string keeps within itself, and in memory that is used again.
std::string made_text(char c) { return std::string(100, c); }

TEST_P(NetBuffers, ATemporaryMovesIntoTheOperationThatWritesIt) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    auto text = pair.server.write_all(made_text('a'));
    auto bytes = pair.server.write_all(std::vector<std::byte>(100, std::byte{'b'}));
    auto chars = pair.server.write_all(std::array<char, 3>{'c', 'c', 'c'});
    auto part = pair.server.write(std::string("d"));
    const std::string other = made_text('x');  // where freed memory would be used again
    auto moved = std::move(text);              // and the text moves along with it
    co_await std::move(moved);
    co_await std::move(bytes);
    co_await std::move(chars);
    const std::size_t written = co_await std::move(part);
    EXPECT_EQ(written, 1U);
    EXPECT_TRUE(pair.server.shutdown());
    const std::string got = co_await read_all(pair.client);
    EXPECT_EQ(got, made_text('a') + made_text('b') + "cccd");
    EXPECT_EQ(other, made_text('x'));
  });
}

TEST_P(NetBuffers, ATemporaryLivesAsLongAsASpawnedOperation) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    const std::string large = pattern(4 << 20);
    auto writing = spawn(pair.server.write_all(std::string(large)));
    std::string got(large.size(), '\0');
    co_await pair.client.read_exact(got);
    co_await std::move(writing);
    EXPECT_TRUE(got == large);
  });
}

TEST_P(NetBuffers, ReadsFillArraysVectorsStringsAndViews) {
  run([]() -> Task<void> {
    Pair pair = co_await make_pair();
    char chars[4];
    std::array<std::byte, 4> bytes;
    std::array<unsigned char, 4> numbers;
    std::vector<char> vector(4);
    std::string string(4, '\0');
    const std::span<char> view(vector);
    co_await pair.server.write_all("abcdefghijklmnopqrstuvwxyz");
    co_await pair.client.read_exact(chars);
    EXPECT_EQ(std::string(chars, 4), "abcd");
    co_await pair.client.read_exact(bytes);
    EXPECT_EQ(bytes[0], std::byte{'e'});
    co_await pair.client.read_exact(numbers);
    EXPECT_EQ(numbers[0], 'i');
    co_await pair.client.read_exact(vector);
    EXPECT_EQ(vector[3], 'p');
    const std::size_t size = co_await pair.client.read(string);
    EXPECT_EQ(string.substr(0, size), std::string("qrst").substr(0, size));
    EXPECT_EQ(string.size(), 4U);
    co_await pair.client.read_exact(view.first(2));
    EXPECT_EQ(size == 4 ? vector[1] : 'v', 'v');
  });
}

}  // namespace
}  // namespace weft::testing::net_buffers_test
