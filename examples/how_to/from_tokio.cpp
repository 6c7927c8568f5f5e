// What Tokio's programs do, with weft: a JoinSet, a select! in a loop, a CancellationToken.
#include <chrono>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

weft::Task<int> fetch(int page) {
  co_await weft::sleep_for(10ms);  // stands for a request
  co_return page * 100;
}

// [join_set]
/// With Tokio: a JoinSet. The scope aborts nothing when it ends: it waits.
weft::Task<int> fetch_all(int pages) {
  auto body = [&](weft::Scope& scope) -> weft::Task<int> {
    std::vector<weft::JoinHandle<int>> handles;
    for (int page = 1; page <= pages; ++page) handles.push_back(scope.spawn(fetch, page));
    int sum = 0;
    for (auto& handle : handles) sum += co_await std::move(handle);
    co_return sum;
  };
  co_return co_await weft::scope(body);
}
// [/join_set]

// [select]
/// With Tokio: loop { select! { line = lines.recv() => …, _ = interval.tick() => … } }. Here the
/// loser is waited for, and may have a result as well: look at both.
weft::Task<void> read_lines(weft::Receiver<std::string> lines) {
  weft::Interval every = weft::interval(10s);
  for (;;) {
    auto first = co_await weft::select(lines.receive(), every.tick());
    if (first.has<1>()) std::puts("a tick");
    if (!first.has<0>()) continue;
    const std::optional<std::string> line = first.take<0>();
    if (!line) co_return;  // the last sender has gone
    std::printf("a line: %s\n", line->c_str());
  }
}
// [/select]

// [token]
/// With Tokio: a CancellationToken and its children. Here each task can be cancelled as it is, and
/// a scope cancels what it owns.
weft::Task<void> work_until_told(weft::Notify& told) {
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    for (int i = 0; i < 3; ++i) scope.spawn(weft::sleep_for(1h));
    co_await told.wait();
    scope.cancel_children();
  };
  co_await weft::scope(body);
  std::puts("all have ended");
}
// [/token]

weft::Task<void> program() {
  const int sum = co_await fetch_all(3);
  std::printf("sum: %d\n", sum);

  auto [sender, receiver] = weft::channel<std::string>(8);
  auto reading = weft::spawn(read_lines, std::move(receiver));
  co_await weft::sleep_for(15s);
  static_cast<void>(co_await sender.send("hello"));
  sender.close();
  co_await std::move(reading);

  weft::Notify told;
  auto working = weft::spawn(work_until_told, std::ref(told));
  co_await weft::sleep_for(1s);
  told.notify_one();
  co_await std::move(working);
}

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;  // so that no time passes; leave it out in a program
  weft::Runtime runtime(options);
  runtime.block_on(program());
}
