// The allocations of the common shapes of code, pinned: how many blocks of the frame pool, of how
// many bytes, each time. None of them allocates anything else.
//
// The numbers are those of an optimized build, for each compiler. If a change makes a shape cheaper
// or dearer, its row fails and prints the new numbers; if the change is intended, put them into the
// table. This program runs twice: with WEFT_FRAME_POOL=malloc, where operator new sees the blocks
// of the pool (in the sizes of their classes), and without, where it sees the rest.
#include <weft/channel.hpp>
#include <weft/deadline.hpp>
#include <weft/fiber.hpp>
#include <weft/finally.hpp>
#include <weft/mutex.hpp>
#include <weft/net.hpp>
#include <weft/on_complete.hpp>
#include <weft/oneshot.hpp>
#include <weft/runtime.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/semaphore.hpp>
#include <weft/shield.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>
#include <weft/task_local.hpp>
#include <weft/timeout.hpp>
#include <weft/when_all.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "allocation/counting_new.hpp"

namespace weft::test {
namespace {

using namespace std::chrono_literals;

/// The objects that shapes use; made before anything is counted.
struct World {
  Channel<int> channel = weft::channel<int>(8);
  Channel<int> empty = weft::channel<int>(8);
  Mutex mutex;
  Semaphore semaphore{4};
  TaskLocal<int> local;
  std::optional<StreamSocket> server;
  std::optional<StreamSocket> client;
  std::array<std::byte, 64> buffer{};
};

Task<int> child() { co_return 1; }
Task<int> waiting_child() {
  co_await yield_now();
  co_return 1;
}
Task<void> acquiring_child(Semaphore& semaphore) {
  const auto permit = co_await semaphore.acquire();
}
Task<void> sleeping_child() { co_await sleep_for(1ns); }

// Each does the same `times` times.
using Shape = Task<void> (*)(World&, int times);

Task<void> await_child(World&, int times) {
  for (int i = 0; i < times; ++i) (void)co_await child();
}
Task<void> spawn_and_join(World&, int times) {
  for (int i = 0; i < times; ++i) (void)co_await spawn(child);
}
Task<void> spawn_and_join_waiting(World&, int times) {
  for (int i = 0; i < times; ++i) (void)co_await spawn(waiting_child);
}
Task<void> spawn_what_acquires(World& w, int times) {
  for (int i = 0; i < times; ++i) co_await spawn(acquiring_child, std::ref(w.semaphore));
}
Task<void> spawn_what_sleeps(World&, int times) {
  for (int i = 0; i < times; ++i) co_await spawn(sleeping_child);
}
Task<void> spawn_fiber_and_join(World&, int times) {
  for (int i = 0; i < times; ++i) (void)co_await spawn(fiber([] { return 1; }));
}
Task<void> call_back(World&, int times) {
  for (int i = 0; i < times; ++i) co_await on_complete(yield_now(), [] {});
}
Task<void> scope_of_two(World&, int times) {
  for (int i = 0; i < times; ++i) {
    co_await scope([](Scope& s) -> Task<void> {
      s.spawn(waiting_child).detach();
      s.spawn(waiting_child).detach();
      co_return;
    });
  }
}
Task<void> all_of_two(World&, int times) {
  for (int i = 0; i < times; ++i) (void)co_await when_all(child(), child());
}
Task<void> select_of_two(World& w, int times) {
  for (int i = 0; i < times; ++i) {
    (void)w.channel.sender.try_send(1);
    (void)co_await select(w.empty.receiver.receive(), w.channel.receiver.receive());
  }
}
Task<void> timeout_of_a_read(World& w, int times) {
  for (int i = 0; i < times; ++i) {
    co_await w.client->write_all("x");
    (void)co_await timeout(w.server->read(w.buffer), 1h);
  }
}
Task<void> read_and_write(World& w, int times) {
  for (int i = 0; i < times; ++i) {
    co_await w.client->write_all("x");
    (void)co_await w.server->read(w.buffer);
  }
}
Task<void> send_and_receive(World& w, int times) {
  for (int i = 0; i < times; ++i) {
    (void)co_await w.channel.sender.send(1);
    (void)co_await w.channel.receiver.receive();
  }
}
Task<void> send_once(World&, int times) {
  for (int i = 0; i < times; ++i) {
    auto [sender, receiver] = oneshot<int>();
    (void)std::move(sender).send(1);
    (void)co_await receiver.receive();
  }
}
Task<void> lock(World& w, int times) {
  for (int i = 0; i < times; ++i) {
    const auto guard = co_await w.mutex.lock();
  }
}
Task<void> acquire(World& w, int times) {
  for (int i = 0; i < times; ++i) {
    const auto permit = co_await w.semaphore.acquire();
  }
}
Task<void> sleep_and_yield(World&, int times) {
  for (int i = 0; i < times; ++i) {
    co_await sleep_for(1ns);
    co_await yield_now();
  }
}
Task<void> shield_a_child(World&, int times) {
  for (int i = 0; i < times; ++i) (void)co_await shield(child());
}
Task<void> clean_up(World&, int times) {
  for (int i = 0; i < times; ++i) (void)co_await finally(child(), [] {});
}
Task<void> with_a_deadline(World&, int times) {
  for (int i = 0; i < times; ++i) (void)co_await with_deadline(child(), 1h);
}
Task<void> with_a_local(World& w, int times) {
  for (int i = 0; i < times; ++i) (void)co_await w.local.with(1, child());
}

struct Row {
  std::string_view name;
  Shape shape;
  Allocations gcc;
  Allocations clang;
};

const Row rows[] = {
    // name, shape, {blocks, bytes} with g++ 12, {blocks, bytes} with clang 19
    {"await a child", await_child, {1, 128}, {1, 128}},
    {"spawn and join", spawn_and_join, {2, 256}, {2, 256}},
    {"spawn and join what waits", spawn_and_join_waiting, {2, 256}, {2, 256}},
    {"spawn and join what acquires a permit", spawn_what_acquires, {2, 320}, {2, 320}},
    {"spawn and join what sleeps", spawn_what_sleeps, {2, 320}, {2, 256}},
    {"spawn a fiber and join", spawn_fiber_and_join, {1, 320}, {1, 256}},
    {"call back", call_back, {1, 320}, {1, 256}},
    {"scope of two children", scope_of_two, {5, 640}, {5, 640}},
    {"when_all of two children", all_of_two, {2, 256}, {2, 256}},
    {"select of two receives", select_of_two, {2, 512}, {2, 512}},
    {"timeout of a read", timeout_of_a_read, {3, 1024}, {3, 960}},
    {"write and read", read_and_write, {0, 0}, {0, 0}},
    {"channel: send and receive", send_and_receive, {0, 0}, {0, 0}},
    {"oneshot: make, send and receive", send_once, {1, 64}, {1, 64}},
    {"mutex: lock", lock, {0, 0}, {0, 0}},
    {"semaphore: acquire", acquire, {0, 0}, {0, 0}},
    {"sleep and yield", sleep_and_yield, {0, 0}, {0, 0}},
    {"shield of a child", shield_a_child, {1, 128}, {1, 128}},
    {"finally of a child", clean_up, {1, 128}, {1, 128}},
    {"deadline of a child", with_a_deadline, {3, 960}, {3, 896}},
    {"task-local for a child", with_a_local, {2, 320}, {2, 320}},
};

#if defined(__clang__)
constexpr auto expected_of = &Row::clang;
constexpr std::string_view compiler = "clang";
#else
constexpr auto expected_of = &Row::gcc;
constexpr std::string_view compiler = "g++";
#endif

bool pool_is_seen() {
  const char* const choice = std::getenv("WEFT_FRAME_POOL");
  return choice != nullptr && std::string_view(choice) == "malloc";
}

/// Returns what `times` rounds cost beyond the first.
Task<Allocations> cost_of(Shape shape, World& world, int times) {
  co_await shape(world, 3);  // allocations of the first use are not counted
  const Allocations start = allocations_so_far();
  co_await shape(world, 1);
  const Allocations one = allocations_so_far() - start;
  const Allocations middle = allocations_so_far();
  co_await shape(world, times + 1);
  co_return allocations_so_far() - middle - one;
}

Task<void> connect_streams(World& world) {
  SocketListener listener = SocketListener::bind("127.0.0.1:0");
  auto both =
      co_await when_all(listener.accept(), StreamSocket::connect(listener.local_endpoint()));
  world.server.emplace(std::move(std::get<0>(both)));
  world.client.emplace(std::move(std::get<1>(both)));
}

// The overhead of a task beside the user's own state: a million may wait.
constexpr std::size_t words = sizeof(void*);
static_assert(sizeof(detail::SpawnedTask) <= 13 * words);
static_assert(sizeof(detail::TaskPromise<void>) <= 5 * words);
static_assert(sizeof(QueueAwaiter<detail::AcquireRequest>) <= 9 * words);
static_assert(sizeof(detail::SleepAwaiter) <= 8 * words);
static_assert(sizeof(detail::JoinLeaf) <= 4 * words);
static_assert(sizeof(OperationLeaf) <= 13 * words);

TEST(CommonShapes, AllocateWhatIsPinned) {
#if !defined(NDEBUG) || !defined(__OPTIMIZE__)
  GTEST_SKIP() << "pinned for optimized builds";
#endif
  constexpr int times = 100;
  RuntimeOptions options;
  options.current_thread = true;
  Runtime runtime(std::move(options));
  World world;
  runtime.block_on(connect_streams(world));
  for (const Row& row : rows) {
    const Allocations all = runtime.block_on(cost_of(row.shape, world, times));
    const Allocations each{.blocks = all.blocks / times, .bytes = all.bytes / times};
    EXPECT_TRUE(all.blocks % times == 0 && all.bytes % times == 0)
        << row.name << ": not the same each time: " << all.blocks << " blocks, " << all.bytes
        << " bytes in " << times << " rounds";
    const Allocations expected = pool_is_seen() ? row.*expected_of : Allocations();
    EXPECT_EQ(each, expected) << row.name << ", " << compiler
                              << (pool_is_seen() ? "" : ", beside the frame pool") << ": it was {"
                              << expected.blocks << ", " << expected.bytes << "}, and is now {"
                              << each.blocks << ", " << each.bytes << "}";
  }
}

}  // namespace
}  // namespace weft::test
