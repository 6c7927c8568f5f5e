#include "out_of_memory/scenarios.hpp"

#include <weft/http.hpp>
#include <weft/weft.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace weft::test {

namespace {

using namespace std::chrono_literals;

/// What a scenario gives must be right if it gives anything.
void require(bool right) {
  if (!right) throw std::logic_error("a wrong result");
}

// Longer than what std::string keeps in itself.
const char* const long_text = "a text of more than fifteen bytes, which needs memory of its own";

RuntimeOptions options_of(std::size_t workers) {
  RuntimeOptions options;
  options.workers = workers;
  options.current_thread = workers == 0;
  options.on_failure = [](const UnhandledFailure&) {};
  return options;
}

// Starts

void start(std::size_t workers) {
  Runtime runtime(options_of(workers));
  require(runtime.block_on([]() -> Task<int> { co_return 7; }) == 7);
}

void start_with_hooks() {
  RuntimeOptions options = options_of(2);
  options.name = "a name that is longer than a short string";
  options.on_worker_start = [](std::size_t) { std::string(long_text).append("!"); };
  options.on_worker_stop = [](std::size_t) { std::string(long_text).append("!"); };
  Runtime runtime(std::move(options));
  require(runtime.block_on([]() -> Task<int> { co_return 7; }) == 7);
}

void start_thread_per_core() {
  RuntimeOptions options = options_of(2);
  options.thread_per_core = true;
  Runtime runtime(std::move(options));
  require(runtime.block_on([]() -> Task<int> { co_return 7; }) == 7);
}

void start_with_virtual_time() {
  RuntimeOptions options = options_of(0);
  options.virtual_time = true;
  Runtime runtime(std::move(options));
  runtime.block_on(sleep_for(1h));
}

void start_free() { weft::block_on(yield_now()); }

void end_with_waiting_tasks() {
  Runtime runtime(options_of(2));
  for (int i = 0; i < 3; ++i) {
    runtime.spawn([]() -> Task<void> { co_await sleep_for(1h); }).detach();
  }
  runtime.spawn(blocking([] {})).detach();
}

void step() {
  Runtime runtime(options_of(0));
  bool ran = false;
  runtime
      .spawn([&ran]() -> Task<void> {
        co_await yield_now();
        ran = true;
      })
      .detach();
  while (!ran) (void)runtime.poll();
  (void)runtime.native_handle();
}

void show_metrics() {
  Runtime runtime(options_of(2));
  require(runtime.metrics().workers.size() >= 2);
}

void event_queue() {
  // It gives its errors: a caller need not expect an exception.
  auto made = []() noexcept { return EventQueue::create(); }();
  if (!made) throw std::system_error(made.error());
  std::array<Event, 4> room;
  made->wake();
  (void)made->poll(room, 0ns);
}

void first_frame_of_a_thread() {
  std::vector<std::thread> threads;
  threads.reserve(2);
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([] {
      try {
        void* const block = allocate_frame(100);
        deallocate_frame(block, 100);
      } catch (const std::bad_alloc&) {
      }
    });
    threads.back().join();
  }
}

void names() {
  const std::vector<std::string> texts{"127.0.0.1:80", "[::1]:80",
                                       "unix:/tmp/a-path-of-some-length"};
  for (const std::string& text : texts) {
    const auto endpoint = Endpoint::parse(text);
    if (endpoint) require(!endpoint->to_string().empty());
  }
}

// Tasks

Task<int> number(int value) {
  co_await yield_now();
  co_return value;
}

Task<std::string> text() {
  std::string made(long_text);
  co_await yield_now();
  co_return made;
}

Task<void> chain() {
  const std::string made = co_await text();
  require(made == long_text);
}

Task<void> spawning() {
  auto first = spawn(text);
  auto second = spawn(number, 2);
  const std::string made = co_await std::move(first);
  const int two = co_await std::move(second);
  require(made == long_text && two == 2);
}

Task<void> scopes() {
  int sum = 0;
  co_await scope([&sum](Scope& children) -> Task<void> {
    for (int i = 0; i < 5; ++i) {
      auto handle = children.spawn(number, i);
      sum += co_await std::move(handle);
    }
  });
  require(sum == 10);
}

Task<void> all_of() {
  auto both = co_await when_all(number(1), text());
  require(std::get<0>(both) == 1);
  std::vector<Task<int>> many;
  for (int i = 0; i < 5; ++i) many.push_back(number(i));
  const std::vector<int> values = co_await when_all(std::move(many));
  require(values.size() == 5 && values[4] == 4);
}

Task<void> first_of() {
  auto first = co_await select(number(1), sleep_for(1h));
  require(first.index() == 0);
  std::vector<Task<int>> many;
  for (int i = 0; i < 3; ++i) many.push_back(number(i));
  auto any = co_await when_any(std::move(many));
  require(any.index() < 3);
  auto success = co_await first_success(number(1), number(2));
  require(success.index() < 2);
}

Task<void> limits_in_time() {
  const int one = co_await timeout(number(1), 1h);
  const int two = co_await with_deadline(number(2), 1h);
  require(one == 1 && two == 2);
  Interval interval(1us);
  co_await interval.tick();
  co_await sleep_for(1us);
}

Task<void> channels() {
  auto [sender, receiver] = channel<std::string>(2);
  auto [many, taker] = unbounded_channel<int>();
  for (int i = 0; i < 100; ++i) {
    auto queued = co_await many.send(i);
    require(queued.has_value());
  }
  auto sent = co_await sender.send(std::string(long_text));
  require(sent.has_value());
  const std::optional<std::string> received = co_await receiver.receive();
  require(received == long_text);
  for (int i = 0; i < 100; ++i) {
    const std::optional<int> value = co_await taker.receive();
    require(value == i);
  }
}

Task<void> one_value() {
  auto [sender, receiver] = oneshot<std::string>();
  (void)std::move(sender).send(std::string(long_text));
  const std::optional<std::string> received = co_await std::move(receiver);
  require(received == long_text);
}

Task<void> broadcasts() {
  auto [sender, receiver] = broadcast<std::string>(4);
  (void)sender.send(std::string(long_text));
  auto received = co_await receiver.receive();
  require(received.has_value() && received->has_value());
}

Task<void> watches() {
  auto [sender, receiver] = watch<std::string>(std::string(long_text));
  sender.send(std::string(long_text) + "!");
  auto changed = co_await receiver.changed();
  require(changed.has_value());
}

Task<void> fibers() {
  const int value = co_await fiber([] { return await(number(3)); });
  require(value == 3);
  std::vector<JoinHandle<void>> handles;
  for (int i = 0; i < 3; ++i) {
    handles.push_back(spawn(fiber([] { await(sleep_for(1us)); })));
  }
  for (auto& handle : handles) co_await std::move(handle);
}

const TaskLocal<std::string> task_local;

Task<void> locals() {
  static FiberLocal<std::string> fiber_local;
  const std::string value(long_text);
  auto bound = task_local.with(value, number(1));
  const int one = co_await std::move(bound);
  require(one == 1);
  co_await fiber([] {
    fiber_local.get() = long_text;
    await(yield_now());
    require(fiber_local.get() == long_text);
  });
}

Task<void> callbacks() {
  auto event = std::make_shared<ManualResetEvent>();
  on_complete(number(1), [event](int) { event->set(); });
  co_await event->wait();
  auto fired = std::make_shared<ManualResetEvent>();
  Timer timer([fired] { fired->set(); });
  timer.arm_after(1us);
  co_await fired->wait();
}

Task<void> promises() {
  Promise<std::string> promise;
  const SharedResult<std::string> result = promise.result();
  promise.set_value(std::string(long_text));
  const std::string& value = co_await result;
  require(value == long_text);
  const SharedResult<int> shared = share(number(2));
  const int& two = co_await shared;
  require(two == 2);
}

Task<void> polled() {
  const int one = co_await futures::ready(1);
  auto both = co_await futures::join(futures::ready(1), futures::ready(2));
  require(one == 1 && std::get<1>(both) == 2);
  FutureSet<AsFuture<Task<int>>> set;
  for (int i = 0; i < 3; ++i) set.push(as_future(number(i)));
  int sum = 0;
  while (auto value = co_await set.next()) sum += *value;
  require(sum == 3);
}

Generator<int> count_to(int end) {
  for (int i = 0; i < end; ++i) co_yield i;
}

AsyncGenerator<int> count_slowly_to(int end) {
  for (int i = 0; i < end; ++i) {
    co_await yield_now();
    co_yield i;
  }
}

Task<void> generators() {
  int sum = 0;
  for (const int each : count_to(4)) sum += each;
  auto slow = count_slowly_to(4);
  while (auto each = co_await slow.next()) sum += *each;
  require(sum == 12);
}

Task<void> stream_operators() {
  auto numbers = count_slowly_to(6) | streams::map([](int i) { return 2 * i; }) |
                 streams::filter([](int i) { return i % 4 == 0; }) | streams::chunk(2);
  std::size_t items = 0;
  while (auto chunk = co_await numbers.next()) items += chunk->size();
  require(items == 3);
}

Task<void> streams_ahead() {
  auto slow = [](int i) { return number(i); };
  auto ahead = count_slowly_to(5) | streams::buffered(2, slow);
  int sum = 0;
  while (auto value = co_await ahead.next()) sum += *value;
  auto merged = streams::merge(count_slowly_to(3), count_slowly_to(4));
  while (auto value = co_await merged.next()) sum += *value;
  require(sum == 10 + 3 + 6);
}

Task<void> forks() {
  auto one = [] { return number(1); };
  auto two = [] { return number(2); };
  auto both = co_await fork_all(one, two);
  require(std::get<0>(both) == 1 && std::get<1>(both) == 2);
}

Task<void> calls_on_threads() {
  const std::string made = co_await blocking([] { return std::string(long_text); });
  require(made == long_text);
  BlockingThreads threads;
  auto call = blocking(threads, [] { return 1; });
  const int one = co_await std::move(call);
  require(one == 1);
}

Task<void> computations() {
  const int sum = co_await parallel(
      [] { return parallel_reduce(0, 1000, 0, [](int i) { return i; }, std::plus<>()); });
  require(sum == 499'500);
}

Task<void> calls_in_place() {
  const std::string made = block_in_place([] { return std::string(long_text); });
  require(made == long_text);
  co_await yield_now();
}

Task<void> names_looked_up() {
  const std::vector<Endpoint> numeric = co_await resolve("127.0.0.1", 80);
  require(numeric.size() == 1);
  const std::vector<Endpoint> found = co_await resolve("localhost", 80);
  require(!found.empty());
}

Task<void> talk_over(SocketListener& listener) {
  auto both =
      co_await when_all(listener.accept(), StreamSocket::connect(listener.local_endpoint()));
  StreamSocket server = std::move(std::get<0>(both));
  StreamSocket client = std::move(std::get<1>(both));
  (void)client.set_linger(0s);
  co_await client.write_all(long_text);
  std::array<std::byte, 16> buffer{};
  const std::size_t size = co_await server.read(buffer);
  require(size == buffer.size());
}

Task<void> sockets() {
  SocketListener listener = SocketListener::bind("127.0.0.1:0");
  co_await talk_over(listener);
}

/// A cancelled or failed read that cannot put its bytes back for want of memory says so.
Task<void> bytes_in_memory() {
  auto [a, b] = duplex(256);
  BufferedWriter writer(a, BufferOptions{.capacity = 16});
  co_await writer.write_all(long_text);
  co_await writer.write_all("\nand a second line\nand the rest, which has no end of line");
  BufferedReader reader(b, BufferOptions{.capacity = 4});
  auto write = [&]() -> Task<void> { co_await writer.shutdown(); };
  auto read = [&]() -> Task<void> {
    const auto first = co_await reader.read_line();
    require(first == long_text);
    std::string second(18, ' ');
    co_await reader.read_exact(second);
    require(second == "and a second line\n");
    const std::string rest = co_await reader.read_to_end(100);
    require(rest == "and the rest, which has no end of line");
  };
  co_await when_all(write(), read());
}

Task<void> pipes() {
  Pipe ends = pipe();
  auto [near, far] = duplex(256);
  co_await ends.writer.write_all(long_text);
  ends.writer.close();
  const std::uint64_t size = co_await copy(ends.reader, near);
  std::string text(size, ' ');
  co_await far.read_exact(text);
  require(text == long_text);
}

Task<void> connect_by_name() {
  SocketListener listener = SocketListener::bind("127.0.0.1:0");
  auto both = co_await when_all(
      listener.accept(), StreamSocket::connect("localhost", listener.local_endpoint().port()));
  (void)std::get<1>(both).set_linger(0s);
}

Task<void> guarded() {
  const int one = co_await shield(number(1));
  int cleaned = 0;
  auto cleanup = [&cleaned]() -> Task<void> {
    co_await yield_now();
    cleaned = 1;
  };
  const int two = co_await finally(number(2), cleanup);
  require(one == 1 && two == 2 && cleaned == 1);
}

Task<void> locks() {
  Semaphore semaphore(1);
  Mutex mutex;
  OnceCell<std::string> cell;
  const Permit permit = co_await semaphore.acquire();
  const std::string& value = co_await cell.get_or_init(text);
  require(value == long_text);
  auto waiting =
      spawn([&semaphore]() -> Task<void> { const Permit second = co_await semaphore.acquire(); });
  co_await yield_now();
  waiting.cancel();
  const auto outcome = co_await std::move(waiting).outcome();
  require(outcome.cancelled());
}

Task<void> another_runtime() {
  Runtime other(options_of(1));
  auto handle = other.spawn(text);
  const std::string made = co_await std::move(handle);
  require(made == long_text);
}

Task<void> signals() {
  SignalListener listener(SIGUSR1);
  std::raise(SIGUSR1);
  const std::optional<int> number = co_await listener.next();
  require(number == SIGUSR1);
}

Task<void> child_processes() {
  Command command("/bin/echo");
  command.arg(long_text).env("WEFT_LONG", long_text);
  const Output output = co_await command.output();
  require(output.status.success() && output.out == std::string(long_text) + "\n");
}

Task<http::Response> hello(http::Request& request) {
  std::string body(long_text);
  body += request.target;
  body += request.body;
  co_return http::Response::text(std::move(body));
}

/// Runs `visit(client, url)` beside a server that is drained at the end.
template <class V>
Task<void> beside_a_server(V visit) {
  SocketListener listener = SocketListener::bind("127.0.0.1:0");
  http::Server server({}, hello);
  const std::string url = "http://" + listener.local_endpoint().to_string() + "/x";
  co_await scope([&](Scope& children) -> Task<void> {
    children.spawn([&] { return server.serve(listener); }).detach();
    http::Client client;
    co_await visit(client, url);
    children.cancel_children();
  });
}

Task<void> serve_and_get() {
  co_await beside_a_server([](http::Client& client, const std::string& url) -> Task<void> {
    for (int i = 0; i < 2; ++i) {
      const http::Response response = co_await client.get(url);
      require(response.status == 200 || response.status.code() >= 500);
    }
  });
}

Task<void> serve_and_post() {
  co_await beside_a_server([](http::Client& client, const std::string& url) -> Task<void> {
    http::ClientRequest request(http::Method::post, url);
    request.headers.add("X-Long", long_text);
    request.body.assign(200'000, 'x');
    std::size_t bytes = 0;
    auto sink = [&bytes](const http::Response&, std::span<const std::byte> part) {
      bytes += part.size();
    };
    auto sending = client.request_to(std::move(request), std::move(sink));
    const http::Response response = co_await std::move(sending);
    require(response.status != 200 || bytes > 200'000);
  });
}

Task<void> serve_many() {
  co_await beside_a_server([](http::Client& client, const std::string& url) -> Task<void> {
    std::vector<Task<http::Response>> all;
    for (int i = 0; i < 4; ++i) all.push_back(client.get(url));
    const std::vector<http::Response> responses = co_await when_all(std::move(all));
    require(responses.size() == 4);
  });
}

constexpr StartScenario starts[] = {
    {"CurrentThread", [] { start(0); }},
    {"OneWorker", [] { start(1); }},
    {"FourWorkers", [] { start(4); }},
    {"Hooks", start_with_hooks},
    {"ThreadPerCore", start_thread_per_core},
    {"VirtualTime", start_with_virtual_time},
    {"FreeBlockOn", start_free},
    {"WaitingTasks", end_with_waiting_tasks},
    {"Step", step},
    {"Metrics", show_metrics},
    {"EventQueue", event_queue},
    {"FirstFrameOfAThread", first_frame_of_a_thread},
    {"Names", names},
};

constexpr TaskScenario tasks[] = {
    {"Chain", chain},
    {"Spawn", spawning},
    {"Scope", scopes},
    {"WhenAll", all_of},
    {"Select", first_of},
    {"Time", limits_in_time},
    {"Channel", channels},
    {"Oneshot", one_value},
    {"Broadcast", broadcasts},
    {"Watch", watches},
    {"Fiber", fibers},
    {"Locals", locals},
    {"Callbacks", callbacks},
    {"Promise", promises},
    {"Futures", polled},
    {"Generators", generators},
    {"Streams", stream_operators},
    {"StreamsAhead", streams_ahead},
    {"Forks", forks},
    {"Blocking", calls_on_threads},
    {"Parallel", computations},
    {"BlockInPlace", calls_in_place},
    {"Resolve", names_looked_up, true},
    {"Sockets", sockets},
    {"BytesInMemory", bytes_in_memory},
    {"Pipes", pipes},
    {"ConnectByName", connect_by_name, true},
    {"Guarded", guarded},
    {"Locks", locks},
    {"AnotherRuntime", another_runtime},
    {"Signals", signals},
    {"ChildProcesses", child_processes},
    {"HttpGet", serve_and_get, true},
    {"HttpPost", serve_and_post, true},
    {"HttpMany", serve_many, true},
};

}  // namespace

std::span<const StartScenario> start_scenarios() { return starts; }
std::span<const TaskScenario> task_scenarios() { return tasks; }

}  // namespace weft::test
