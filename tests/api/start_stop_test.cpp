// A thousand runtimes, one after the other, each with work of every kind and with tasks that are
// still waiting when it ends. No thread, descriptor or byte is left.
#include <weft/blocking.hpp>
#include <weft/channel.hpp>
#include <weft/deadline.hpp>
#include <weft/extend/frame_pool.hpp>
#include <weft/fiber.hpp>
#include <weft/net.hpp>
#include <weft/on_complete.hpp>
#include <weft/runtime.hpp>
#include <weft/scope.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/task_local.hpp>
#include <weft/when_all.hpp>

#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <string>
#include <utility>

#include "support/process_state.hpp"
#include "support/runtime_fixture.hpp"
#include "support/sanitizers.hpp"

namespace weft::test::start_stop_test {
namespace {

using namespace std::chrono_literals;

/// Parameter: workers, 0 for current_thread.
class StartStopTest : public ::testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(Runtimes, StartStopTest, ::testing::Values(std::size_t{0}, std::size_t{2}),
                         worker_count_name);

const TaskLocal<int> cycle;

Task<void> echo_once() {
  SocketListener listener = SocketListener::bind("127.0.0.1:0");
  auto both =
      co_await when_all(listener.accept(), StreamSocket::connect(listener.local_endpoint()));
  StreamSocket server = std::move(std::get<0>(both));
  StreamSocket client = std::move(std::get<1>(both));
  // Reset at the end, so that no port stays occupied for a minute.
  EXPECT_TRUE(client.set_linger(0s).has_value());
  co_await client.write_all("x");
  std::array<std::byte, 8> buffer{};
  const std::size_t size = co_await server.read(buffer);
  EXPECT_EQ(size, 1U);
}

Task<int> receive_all(const Receiver<int>& receiver) {
  int sum = 0;
  while (const std::optional<int> value = co_await receiver.receive()) sum += *value;
  co_return sum;
}

/// Some work of every kind.
Task<int> work(bool with_io) {
  auto [sender, receiver] = channel<int>(2);
  auto sum = spawn(receive_all, std::move(receiver));
  const auto to = std::cref(sender);
  co_await scope([&](Scope& s) -> Task<void> {
    for (int i = 0; i < 3; ++i) {
      s.spawn([to]() -> Task<void> { (void)co_await to.get().send(cycle.get()); });
    }
    s.spawn(fiber([to] { (void)await(to.get().send(cycle.get())); }));
    co_return;
  });
  sender.close();
  co_await on_complete(sleep_for(1us), [] {});
  if (with_io) {
    co_await echo_once();
    co_await blocking([] { return 1; });
  }
  co_return co_await std::move(sum);
}

void run_one(std::size_t workers, int number) {
  Runtime runtime(options_for(workers));
  // These wait when the runtime ends.
  runtime.spawn([]() -> Task<void> { co_await sleep_for(1h); }).detach();
  runtime.spawn(fiber([] { await(sleep_for(1h)); })).detach();
  auto body = [number]() -> Task<int> {
    co_return co_await cycle.with(1, with_deadline(work(number % 10 == 0), 1h));
  };
  EXPECT_EQ(runtime.block_on(body), 4);
}

struct Memory {
  std::int64_t heap_bytes = 0;  // in use
  std::int64_t slab_bytes = 0;
  std::int64_t resident_bytes = 0;
};

Memory memory_now() {
  long pages = 0;
  long resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return {.heap_bytes = static_cast<std::int64_t>(mallinfo2().uordblks),
          .slab_bytes = frame_pool_stats().slab_bytes,
          .resident_bytes = resident * sysconf(_SC_PAGESIZE)};
}

TEST_P(StartStopTest, AThousandWithWorkLeaveNothing) {
  constexpr int warm = 100;
  constexpr int cycles = fewer_if_sanitized(1000);
  for (int i = 0; i < warm; ++i) run_one(GetParam(), i);
  const ProcessState before = ProcessState::without_runtimes();
  const Memory memory_before = memory_now();
  for (int i = 0; i < cycles; ++i) run_one(GetParam(), i);
  const ProcessState after = settled(before);
  EXPECT_TRUE(after == before) << to_string(before) << " → " << to_string(after);
  const Memory memory = memory_now();
  // Sanitizers keep freed memory, and a shadow of all memory.
  if (!address_sanitizer && !thread_sanitizer) {
    // The smallest block has 32 bytes, so a leak in one cycle of four would show. (The allocator's
    // caches per thread count as well: some kilobytes more or less.)
    EXPECT_LT(memory.heap_bytes - memory_before.heap_bytes, 8 * cycles);
    EXPECT_LT(memory.resident_bytes - memory_before.resident_bytes, 1 << 20);
  }
  // At most one: the number of free blocks that the threads of one moment keep varies by chance.
  EXPECT_LE(memory.slab_bytes - memory_before.slab_bytes, 2 << 20);
}

}  // namespace
}  // namespace weft::test::start_stop_test
