// What is slow makes what is before it wait, back to the peer that sends; or is refused at once.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <utility>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

// [wait]
using Record = std::array<std::byte, 1024>;

/// Reads records and hands them on. While the channel is full it reads nothing. Then the system's
/// buffers fill up, and in the end the peer's write waits.
weft::Task<void> read_records(weft::StreamSocket stream, weft::Sender<Record> records) {
  Record record;
  for (;;) {
    const auto read = co_await weft::attempt(stream.read_exact(record));
    if (!read) co_return;                             // the peer has ended, or is gone
    const auto sent = co_await records.send(record);  // waits while 8 are in the channel
    if (!sent) co_return;
  }
}

weft::Task<void> store_records(weft::Receiver<Record> records, std::size_t& most_waiting) {
  while (auto record = co_await records.receive()) {
    most_waiting = std::max(most_waiting, records.size());
    co_await weft::sleep_for(1ms);  // stands for a slow disk
  }
}
// [/wait]

weft::Task<void> send_records(weft::StreamSocket stream, int count) {
  const Record record{};
  for (int i = 0; i < count; ++i) co_await stream.write_all(record);
}

weft::Task<void> transfer() {
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  weft::StreamSocket out = co_await weft::StreamSocket::connect(listener.local_endpoint());
  weft::StreamSocket in = co_await listener.accept();
  auto [sender, receiver] = weft::channel<Record>(8);
  std::size_t most_waiting = 0;
  auto receiving = read_records(std::move(in), std::move(sender));
  auto storing = store_records(std::move(receiver), most_waiting);
  co_await weft::when_all(send_records(std::move(out), 20'000), std::move(receiving),
                          std::move(storing));
  std::printf("20000 records, at most %zu of them in memory\n", most_waiting);
}

// [refuse]
/// Work for which a caller would wait too long is better refused, while it is cheap to do so.
class Service {
 public:
  weft::Task<bool> answer() {
    const weft::Permit place = places_.try_acquire();
    if (!place) co_return false;  // in HTTP: 503, with a Retry-After
    co_await weft::sleep_for(10ms);
    co_return true;
  }

 private:
  weft::Semaphore places_{8};
};
// [/refuse]

weft::Task<void> ask_twenty_at_once() {
  Service service;
  std::vector<weft::Task<bool>> questions;
  for (int i = 0; i < 20; ++i) questions.push_back(service.answer());
  const std::vector<bool> answers = co_await weft::when_all(std::move(questions));
  const auto answered = std::ranges::count(answers, true);
  std::printf("20 questions at once: %td answered, %td refused\n", answered, 20 - answered);
}

weft::Task<void> program() {
  co_await transfer();
  co_await ask_twenty_at_once();
}

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;  // so that no time passes; leave it out in a program
  weft::Runtime runtime(options);
  runtime.block_on(program());
}
