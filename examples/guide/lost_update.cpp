// A lost update: by threads that meet, and by tasks of one thread that wait in the midst of it.
//
//   lost_update broken   both, as they must not be
//   lost_update          both, and then repaired
#include <atomic>
#include <barrier>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <string_view>
#include <thread>
#include <vector>
#include <weft/weft.hpp>

constexpr int clients = 3;

// [threads]
/// Each thread pays in 10. All read the balance before any of them writes it.
long pay_in_by_threads() {
  std::atomic<long> balance{0};
  std::barrier all_have_read(clients);
  std::vector<std::jthread> threads;
  for (int i = 0; i < clients; ++i) {
    threads.emplace_back([&] {
      const long before = balance.load();
      all_have_read.arrive_and_wait();  // what happens once in a million runs, made to happen
      balance.store(before + 10);
    });
  }
  threads.clear();  // joins all
  return balance.load();
}
// [/threads]

// [tasks]
weft::Task<long> asked_for() {  // stands for a question to another machine
  co_await weft::sleep_for(std::chrono::milliseconds(10));
  co_return 10;
}

weft::Task<void> pay_in(long& balance) {
  const long before = balance;
  const long amount = co_await asked_for();  // the others run meanwhile
  balance = before + amount;
}

weft::Task<long> pay_in_by_tasks() {
  long balance = 0;
  co_await weft::when_all(pay_in(balance), pay_in(balance), pay_in(balance));
  co_return balance;
}
// [/tasks]

// [repaired]
long pay_in_by_locking_threads() {
  long balance = 0;
  std::mutex mutex;
  std::vector<std::jthread> threads;
  for (int i = 0; i < clients; ++i) {
    threads.emplace_back([&] {
      const std::lock_guard lock(mutex);  // from the read to the write, one thread at a time
      balance = balance + 10;
    });
  }
  threads.clear();
  return balance;
}

weft::Task<void> ask_then_pay_in(long& balance) {
  const long amount = co_await asked_for();
  balance = balance + amount;  // read and written without a wait in between
}
// [/repaired]

weft::Task<long> pay_in_by_repaired_tasks() {
  long balance = 0;
  co_await weft::when_all(ask_then_pay_in(balance), ask_then_pay_in(balance),
                          ask_then_pay_in(balance));
  co_return balance;
}

int main(int count, char** arguments) {
  std::printf("%d clients pay in 10 each\n", clients);
  std::printf("threads            %ld\n", pay_in_by_threads());
  std::printf("tasks, one thread  %ld\n", weft::block_on(pay_in_by_tasks()));
  if (count > 1 && std::string_view(arguments[1]) == "broken") return 0;
  std::printf("with a lock        %ld\n", pay_in_by_locking_threads());
  std::printf("asked before       %ld\n", weft::block_on(pay_in_by_repaired_tasks()));
}
