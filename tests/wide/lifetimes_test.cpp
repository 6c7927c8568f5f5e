// Lifetimes of runtimes, in child processes, many times under delays and loads that a seed chooses:
// each child ends as documented, by an exit code or by an abort with its text, and within a bound.
#include <weft/http.hpp>
#include <weft/weft.hpp>

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "base/random.hpp"
#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"
#include "support/sanitizers.hpp"
#include "wide/wide.hpp"

namespace weft::test::lifetimes_test {
namespace {

using namespace std::chrono_literals;

constexpr int good = 7;
constexpr unsigned limit_s = address_sanitizer ? 60 : 30;  // of a child

/// What the seed of a child decides.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}
  bool one_in(std::uint32_t count) { return random_.below(count) == 0; }
  std::uint32_t below(std::uint32_t bound) { return random_.below(bound); }
  /// Computes for up to some hundred microseconds, or gives the processor away.
  void delay() {
    if (one_in(3)) return;
    const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(below(300));
    while (std::chrono::steady_clock::now() < end) {
      if (one_in(4)) std::this_thread::yield();
    }
  }

 private:
  detail::Random random_;
};

struct Setting {
  std::size_t workers;
  Chance& chance;
};

RuntimeOptions options_in(Setting& setting) {
  RuntimeOptions options = options_for(setting.workers);
  options.compute_threads = 1 + setting.chance.below(3);
  options.blocking_threads = 1 + setting.chance.below(3);
  options.thread_per_core = setting.workers > 1 && setting.chance.one_in(4);
  options.on_failure = [](const UnhandledFailure&) {};
  return options;
}

// Loads: what runs or waits in a runtime when something ends.

Task<void> echo_for_ever(SocketListener& listener) {
  StreamSocket client = co_await StreamSocket::connect(listener.local_endpoint());
  StreamSocket server = co_await listener.accept();
  co_await scope([&](Scope& children) -> Task<void> {
    children.spawn([&server]() -> Task<void> {
      std::array<std::byte, 64> room;
      for (;;) {
        const std::size_t got = co_await server.read(room);
        if (got == 0) co_return;
        co_await server.write_all("pong");
      }
    });
    std::array<std::byte, 64> room;
    for (;;) {
      co_await client.write_all("ping");
      static_cast<void>(co_await client.read(room));
    }
  });
}

Task<void> calls_for_ever() {
  for (;;) {
    co_await blocking([] { std::this_thread::yield(); });
    co_await parallel([] { std::this_thread::yield(); });
  }
}

Task<void> sleep_often() {
  for (;;) co_await sleep_for(50us);
}

/// What a load needs to outlive the runtime.
struct Surroundings {
  SocketListener listener = SocketListener::bind("127.0.0.1:0");
  BlockingThreads threads;
};

void begin_load(Runtime& runtime, Surroundings& around, Chance& chance) {
  if (chance.one_in(2)) runtime.spawn([] { return sleep_for(1h); }).detach();
  if (chance.one_in(2)) runtime.spawn(sleep_often).detach();
  if (chance.one_in(2)) runtime.spawn(calls_for_ever).detach();
  if (chance.one_in(2)) runtime.spawn(fiber([] { await(sleep_for(1h)); })).detach();
  if (chance.one_in(2)) {
    runtime.spawn([&around] { return echo_for_ever(around.listener); }).detach();
  }
  if (chance.one_in(2)) runtime.spawn(blocking(around.threads, [] {})).detach();
  if (chance.one_in(2)) runtime.block_on(blocking([] {}));
  if (chance.one_in(2)) {
    runtime.block_on([]() -> Task<void> {
      for (int i = 0; i < 20; ++i) co_await yield_now();
    });
  }
  chance.delay();
}

// Scenarios. Each returns, ends the process, or is ended.

/// Runs on the thread and in the place that the seed chooses.
void at_some_place(Runtime& runtime, Chance& chance, std::function<void()> act) {
  auto in_task = [act]() -> Task<void> {
    co_await yield_now();
    act();
  };
  auto in_call = [act]() -> Task<void> { co_await blocking([&act] { act(); }); };
  auto in_computation = [act]() -> Task<void> { co_await parallel([&act] { act(); }); };
  auto in_fiber = [act]() -> Task<void> {
    auto body = fiber([&act] {
      await(yield_now());
      act();
    });
    co_await std::move(body);
  };
  auto in_place = [act]() -> Task<void> {
    block_in_place([&act] { act(); });
    co_return;
  };
  auto in_callback = [act]() -> Task<void> {
    on_complete(yield_now(), [act] { act(); });
    co_await sleep_for(1h);
  };
  switch (chance.below(6)) {
    case 0:
      return runtime.block_on(std::move(in_task));
    case 1:
      return runtime.block_on(std::move(in_call));
    case 2:
      return runtime.block_on(std::move(in_computation));
    case 3:
      return runtime.block_on(std::move(in_fiber));
    case 4:
      return runtime.block_on(std::move(in_place));
    default:
      return runtime.block_on(std::move(in_callback));
  }
}

int ends_under_load(Setting setting) {
  Surroundings around;
  Runtime runtime(options_in(setting));
  begin_load(runtime, around, setting.chance);
  if (setting.chance.one_in(2)) runtime.shutdown();
  return good;
}

/// Several threads use it and end it at once; what comes late is refused.
int ends_beside_users(Setting setting) {
  Surroundings around;
  auto runtime = std::make_unique<Runtime>(options_in(setting));
  begin_load(*runtime, around, setting.chance);
  std::atomic<bool> wrong = false;
  std::vector<std::thread> users;
  for (int i = 0; i < 3; ++i) {
    users.emplace_back([&] {
      try {
        for (;;) {
          runtime->spawn(yield_now()).detach();
          runtime->block_on(yield_now());
        }
      } catch (const std::logic_error&) {  // refused
      } catch (const IoError& error) {
        if (error.code() != std::errc::operation_canceled) wrong = true;
      }
    });
  }
  setting.chance.delay();
  runtime->shutdown();
  for (std::thread& user : users) user.join();
  runtime.reset();
  return wrong ? 1 : good;
}

int ends_itself(Setting setting) {
  Surroundings around;
  auto runtime = std::make_unique<Runtime>(options_in(setting));
  Runtime& kept = *runtime;
  begin_load(kept, around, setting.chance);
  const bool by_destructor = setting.chance.one_in(2);
  at_some_place(kept, setting.chance, [&] {
    if (by_destructor) {
      runtime.reset();
    } else {
      kept.shutdown();
    }
  });
  return 1;
}

/// The thread of another runtime's pool ends it.
int is_ended_by_anothers_thread(Setting setting) {
  Surroundings around;
  Runtime keeper(options_in(setting));
  auto other = std::make_unique<Runtime>(options_in(setting));
  begin_load(*other, around, setting.chance);
  if (setting.chance.one_in(2)) {
    keeper.block_on([&]() -> Task<void> { co_await blocking([&] { other.reset(); }); });
  } else {
    keeper.block_on([&]() -> Task<void> { co_await parallel([&] { other.reset(); }); });
  }
  return other == nullptr ? good : 1;
}

int handles_outlive_it(Setting setting) {
  Surroundings around;
  std::optional<Runtime> runtime(std::in_place, options_in(setting));
  std::vector<JoinHandle<void>> handles;
  for (int i = 0; i < 10; ++i) {
    handles.push_back(runtime->spawn([]() -> Task<void> { co_await sleep_for(1h); }));
    handles.push_back(runtime->spawn(yield_now()));
  }
  SharedResult<int> shared = runtime->block_on(
      []() -> Task<SharedResult<int>> { co_return share([]() -> Task<int> { co_return 3; }()); });
  begin_load(*runtime, around, setting.chance);
  runtime.reset();
  for (JoinHandle<void>& handle : handles) {
    if (!handle.ended()) return 1;
    if (setting.chance.one_in(3)) handle.cancel();
    if (setting.chance.one_in(3)) std::move(handle).detach();
  }
  // Joined in another runtime.
  Runtime next(options_in(setting));
  for (JoinHandle<void>& handle : handles) {
    if (!handle) continue;
    auto joined = [&handle]() -> Task<bool> {
      try {
        co_await std::move(handle);
      } catch (const IoError& error) {
        co_return error.code() == std::errc::operation_canceled;
      }
      co_return true;
    };
    if (!next.block_on(joined)) return 1;
  }
  return good;
}

bool own_runtime_works(Setting& setting) {
  Runtime own(options_in(setting));
  return own.block_on([]() -> Task<int> {
    const int one = co_await blocking([] { return 1; });
    const int two = co_await parallel([] { return 2; });
    co_await sleep_for(1us);
    co_return one + two;
  }) == 3;
}

/// A child of the child: it has the runtime of its parent, at any moment of that.
int forks(Setting setting) {
  Surroundings around;
  Runtime runtime(options_in(setting));
  begin_load(runtime, around, setting.chance);
  const bool in_task = setting.chance.one_in(2);
  auto fork_here = [&] {
    const pid_t child = ::fork();
    if (child == 0) {
      ::alarm(limit_s);
      bool right = false;
      try {
        runtime.spawn(yield_now()).detach();
      } catch (const std::logic_error&) {
        right = true;
      }
      runtime.shutdown();
      ::_exit(right && own_runtime_works(setting) ? good : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
  };
  if (!in_task) return fork_here();
  return runtime.block_on([&]() -> Task<int> {
    co_await yield_now();
    co_return fork_here();
  });
}

Surroundings& static_surroundings() {
  static Surroundings around;
  return around;
}

[[noreturn]] void exit_beside(Runtime& runtime, Surroundings& around, Setting& setting) {
  begin_load(runtime, around, setting.chance);
  if (setting.chance.one_in(2)) std::exit(good);
  // On a thread that the runtime does not know.
  std::thread elsewhere([] { std::exit(good); });
  elsewhere.join();
  std::abort();
}

int exits_with_a_static_runtime(Setting setting) {
  Surroundings& around = static_surroundings();
  static Runtime runtime(options_in(setting));
  exit_beside(runtime, around, setting);
}

int exits_with_a_local_runtime(Setting setting) {
  // exit() does not destroy the runtime, so its tasks go on meanwhile: what they use stays.
  static auto& around = *new Surroundings;
  Runtime runtime(options_in(setting));
  exit_beside(runtime, around, setting);
}

int exits_in_the_runtime(Setting setting) {
  static_surroundings();
  static Runtime runtime(options_in(setting));
  begin_load(runtime, static_surroundings(), setting.chance);
  at_some_place(runtime, setting.chance, [] { std::exit(good); });
  return 1;
}

int leaves_at_once(Setting setting) {
  static_surroundings();
  static Runtime runtime(options_in(setting));
  begin_load(runtime, static_surroundings(), setting.chance);
  at_some_place(runtime, setting.chance, [] { std::_Exit(good); });
  return 1;
}

int returns_from_main_with_statics(Setting setting) {
  // Destroyed in the reverse order, the runtime first.
  static_surroundings();
  static SocketListener listener = SocketListener::bind("127.0.0.1:0");
  static http::Server server({}, [](http::Request&) { return http::Response::text("x"); });
  static http::Client client;
  static Runtime runtime(options_in(setting));
  runtime.spawn(server.serve(listener)).detach();
  const std::string url = "http://" + listener.local_endpoint().to_string() + "/";
  const http::Response got = runtime.block_on(client.get(url));
  runtime.spawn(client.get(url)).detach();
  begin_load(runtime, static_surroundings(), setting.chance);
  return got.body == "x" ? good : 1;
}

struct Scenario {
  const char* name;
  int (*run)(Setting);
  const char* told = nullptr;  ///< it is aborted with this text
};

constexpr const char* told = "would wait for itself";

const Scenario scenarios[] = {
    {"EndsUnderLoad", ends_under_load},
    {"EndsBesideUsers", ends_beside_users},
    {"EndsItself", ends_itself, told},
    {"IsEndedByAnothersThread", is_ended_by_anothers_thread},
    {"HandlesOutliveIt", handles_outlive_it},
    {"Forks", forks},
    {"ExitsWithAStaticRuntime", exits_with_a_static_runtime},
    {"ExitsWithALocalRuntime", exits_with_a_local_runtime},
    {"ExitsInTheRuntime", exits_in_the_runtime, told},
    {"LeavesAtOnce", leaves_at_once},
    {"ReturnsFromMainWithStatics", returns_from_main_with_statics},
};

struct Ended {
  int status = 0;
  std::string text;
};

/// Runs the scenario in a child, whose end is that of a program. Its standard error is returned.
Ended run_in_child(const Scenario& scenario, std::size_t workers, std::uint64_t seed) {
  std::array<int, 2> pipe{};
  if (::pipe(pipe.data()) != 0) std::abort();
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(limit_s);
    ::dup2(pipe[1], STDERR_FILENO);
    for (const int each : pipe) ::close(each);
    Chance chance(seed);
    int code = 1;
    try {
      code = scenario.run({workers, chance});
    } catch (const std::exception& error) {
      std::fprintf(stderr, "threw: %s\n", error.what());
    }
    std::exit(code);
  }
  ::close(pipe[1]);
  Ended ended;
  std::array<char, 4096> room;
  for (ssize_t got = 0; (got = ::read(pipe[0], room.data(), room.size())) > 0;) {
    ended.text.append(room.data(), static_cast<std::size_t>(got));
  }
  ::close(pipe[0]);
  ::waitpid(child, &ended.status, 0);
  return ended;
}

/// Parameters: scenario, workers.
class Lifetimes : public ::testing::TestWithParam<std::tuple<std::size_t, std::size_t>> {};

INSTANTIATE_TEST_SUITE_P(Scenarios, Lifetimes,
                         ::testing::Combine(::testing::Range(std::size_t{0}, std::size(scenarios)),
                                            ::testing::Values(0, 1, 2, 8)),
                         [](const auto& which) {
                           return std::string(scenarios[std::get<0>(which.param)].name) +
                                  "Workers" + std::to_string(std::get<1>(which.param));
                         });

TEST_P(Lifetimes, EndAsDocumented) {
  const Scenario& scenario = scenarios[std::get<0>(GetParam())];
  const std::size_t workers = std::get<1>(GetParam());
  const std::uint64_t first_seed = seed_of_cases();
  for (int i = 0; i < wide_or(100, 3); ++i) {
    const std::uint64_t seed = first_seed + static_cast<std::uint64_t>(i);
    const Ended ended = run_in_child(scenario, workers, seed);
    const std::string what = "WEFT_SEED=" + std::to_string(seed) + "\n" + ended.text;
    if (scenario.told == nullptr) {
      ASSERT_TRUE(WIFEXITED(ended.status)) << "signal " << WTERMSIG(ended.status) << ", " << what;
      ASSERT_EQ(WEXITSTATUS(ended.status), good) << what;
      ASSERT_EQ(ended.text, "") << what;
    } else {
      ASSERT_TRUE(WIFSIGNALED(ended.status)) << WEXITSTATUS(ended.status) << ", " << what;
      ASSERT_EQ(WTERMSIG(ended.status), SIGABRT) << what;
      ASSERT_NE(ended.text.find(scenario.told), std::string::npos) << what;
    }
  }
}

}  // namespace
}  // namespace weft::test::lifetimes_test
