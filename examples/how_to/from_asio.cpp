// What Asio's programs do, with weft: a session with a time limit, a strand, a callback.
#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <span>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

// [session]
/// With Asio: co_spawn(executor, session(std::move(socket)), detached), an async_read_some() in
/// `co_await (… || timer.async_wait(…))`, and a redirect_error() or as_tuple() for its error.
weft::Task<void> session(weft::StreamSocket socket) {
  std::array<std::byte, 1024> data;
  for (;;) {
    const auto size = co_await weft::attempt(weft::timeout(socket.read(data), 30s));
    if (!size || *size == 0) co_return;  // the destructor closes the socket
    co_await socket.write_all(std::span(data).first(*size));
  }
}
// [/session]

// [strand]
/// With Asio: handlers of one strand. Here: tasks of one worker, which run one after the other,
/// each up to its next co_await.
weft::Task<void> count(int& counter) {
  for (int i = 0; i < 1000; ++i) {
    ++counter;  // no lock
    co_await weft::yield_now();
  }
}

weft::Task<int> count_on_one_worker() {
  int counter = 0;
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    const auto one_worker = weft::SpawnOptions().on_worker(1);
    for (int i = 0; i < 4; ++i) scope.spawn(one_worker, count, std::ref(counter));
    co_return;
  };
  co_await weft::scope(body);
  co_return counter;
}
// [/strand]

// [callback]
/// With Asio: a completion handler. The scope owns what is started, and waits for it.
weft::Task<void> read_by_callback(weft::StreamSocket& socket, std::span<std::byte> data) {
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    const auto in_scope = weft::SpawnOptions().owner(scope);
    weft::on_complete(
        in_scope, socket.read(data), [](std::size_t size) { std::printf("read %zu\n", size); },
        [](std::exception_ptr) { std::puts("failed"); });
    co_return;
  };
  co_await weft::scope(body);
}
// [/callback]

weft::Task<void> program() {
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  weft::StreamSocket client = co_await weft::StreamSocket::connect(listener.local_endpoint());
  weft::StreamSocket server = co_await listener.accept();
  auto serving = weft::spawn(session, std::move(server));
  co_await client.write_all("hello");
  std::array<std::byte, 64> data;
  co_await read_by_callback(client, data);
  client.close();
  co_await std::move(serving);
  const int counted = co_await count_on_one_worker();
  std::printf("counted %d\n", counted);
}

int main() {
  weft::RuntimeOptions options;
  options.workers = 2;
  weft::Runtime runtime(options);
  runtime.block_on(program());
}
