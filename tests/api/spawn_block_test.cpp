// The block of a spawned task: captures and arguments of any size and alignment, a result of any
// size in their place afterwards, and the effect of a move of either that throws.
#include <weft/extend/frame_pool.hpp>
#include <weft/spawn.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "support/runtime_fixture.hpp"

namespace weft::test::spawn_block_test {
namespace {

class SpawnBlockTest : public RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(SpawnBlockTest);

struct alignas(64) Line {
  std::array<unsigned char, 64> bytes{};
};

bool is_aligned(const void* object, std::size_t to) {
  return reinterpret_cast<std::uintptr_t>(object) % to == 0;
}

TEST_P(SpawnBlockTest, CapturesAreAlignedAsTheyWantAndAResultTakesTheirPlace) {
  run([]() -> Task<void> {
    Line line;
    line.bytes.fill(7);
    const auto owner = std::make_shared<int>(3);
    const auto body = [line, owner]() -> Task<std::string> {
      EXPECT_TRUE(is_aligned(&line, alignof(Line)));
      co_await yield_now();
      EXPECT_TRUE(std::ranges::all_of(line.bytes, [](unsigned char byte) { return byte == 7; }));
      EXPECT_GE(owner.use_count(), 3);
      co_return std::string(50, 'r');
    };
    auto handle = spawn(body);
    const std::string result = co_await std::move(handle);
    EXPECT_EQ(result, std::string(50, 'r'));
    EXPECT_EQ(owner.use_count(), 2);  // here, and in `body`
  });
}

TEST_P(SpawnBlockTest, AResultMayBeLargerThanWhatIsCaptured) {
  run([]() -> Task<void> {
    using Small = std::array<std::uint8_t, 40>;
    using Large = std::array<std::uint32_t, 1000>;
    auto small = spawn([]() -> Task<Small> {
      Small result{};
      result.fill(5);
      co_return result;
    });
    auto large = spawn(
        [](std::unique_ptr<std::uint32_t> value) -> Task<Large> {
          co_await yield_now();
          Large result{};
          result.fill(*value);
          co_return result;
        },
        std::make_unique<std::uint32_t>(9));
    const Small fives = co_await std::move(small);
    const Large nines = co_await std::move(large);
    EXPECT_EQ(std::ranges::count(fives, 5), 40);
    EXPECT_EQ(std::ranges::count(nines, 9U), 1000);
  });
}

/// Throws when it is moved for the `fuse`-th time, once.
class Fragile {
 public:
  explicit Fragile(int fuse) : fuse_(fuse) {}
  Fragile(Fragile&& other) : fuse_(other.fuse_ - 1), kept_(other.kept_) {
    if (fuse_ == 0) throw std::runtime_error("fragile");
  }
  Fragile& operator=(Fragile&&) = delete;
  ~Fragile() = default;
  Task<void> operator()() const { co_return; }

 private:
  int fuse_;
  std::shared_ptr<int> kept_ = std::make_shared<int>(0);  // the sanitizer would report a leak
};

TEST_P(SpawnBlockTest, ACallableThatThrowsWhenItIsMovedIsTheCallersAffair) {
  run([]() -> Task<void> {
    bool moved_in = false;
    for (int fuse = 1; !moved_in; ++fuse) {
      const auto before = frame_pool_stats().live_blocks;
      try {
        co_await spawn(Fragile(fuse));
        moved_in = true;
      } catch (const std::runtime_error&) {
        EXPECT_EQ(frame_pool_stats().live_blocks, before) << "fuse " << fuse;
      }
      EXPECT_LT(fuse, 20);
    }
  });
}

TEST_P(SpawnBlockTest, AResultThatThrowsWhenItIsMovedIsAFailureOrThere) {
  run([]() -> Task<void> {
    int failed = 0;
    for (int fuse = 1; fuse < 20; ++fuse) {
      auto handle = spawn([fuse]() -> Task<Fragile> { co_return Fragile(fuse); });
      try {
        const Fragile result = co_await std::move(handle);
      } catch (const std::runtime_error&) {
        ++failed;
      }
    }
    EXPECT_GT(failed, 0);
    EXPECT_LT(failed, 19);
  });
}

}  // namespace
}  // namespace weft::test::spawn_block_test
