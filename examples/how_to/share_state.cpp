// State that several tasks use: three ways.
#include <chrono>
#include <cstdio>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

// [std_mutex]
/// Nothing here waits while the lock is held: std::mutex does.
class Counter {
 public:
  void add(int number) {
    const std::lock_guard lock(mutex_);
    sum_ += number;
  }
  int sum() const {
    const std::lock_guard lock(mutex_);
    return sum_;
  }

 private:
  mutable std::mutex mutex_;
  int sum_ = 0;  // guarded by mutex_
};
// [/std_mutex]

// [mutex]
/// The lock is held across a wait: weft::Mutex. Tasks that wait for it block no thread.
class Cache {
 public:
  weft::Task<int> get(std::string name) {
    const weft::MutexGuard guard = co_await mutex_.lock();
    const auto found = values_.find(name);
    if (found != values_.end()) co_return found->second;
    co_await weft::sleep_for(10ms);  // stands for a question to a database
    ++asked_;
    const int value = static_cast<int>(name.size());
    values_.emplace(std::move(name), value);
    co_return value;
  }
  int asked() const { return asked_; }

 private:
  weft::Mutex mutex_;
  std::map<std::string, int> values_;  // guarded by mutex_
  int asked_ = 0;                      // guarded by mutex_
};
// [/mutex]

// [owner]
struct Deposit {
  std::string account;
  int amount;
};

/// One task owns the accounts; the other tasks send deposits to it. There is no lock.
weft::Task<int> keep_accounts(weft::Receiver<Deposit> deposits) {
  std::map<std::string, int> accounts;
  while (auto deposit = co_await deposits.receive()) accounts[deposit->account] += deposit->amount;
  co_return accounts["alice"];
}
// [/owner]

weft::Task<void> work(Counter& counter, Cache& cache, weft::Sender<Deposit> deposits) {
  counter.add(1);
  const int length = co_await cache.get("key");
  Deposit deposit{"alice", length};
  const auto sent = co_await deposits.send(std::move(deposit));
  if (!sent) std::puts("the accounts are closed");
}

weft::Task<void> program() {
  Counter counter;
  Cache cache;
  auto [sender, receiver] = weft::channel<Deposit>(16);
  auto accounts = weft::spawn(keep_accounts, std::move(receiver));
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    for (int i = 0; i < 100; ++i) scope.spawn(work, std::ref(counter), std::ref(cache), sender);
    co_return;
  };
  co_await weft::scope(body);
  sender.close();
  const int alice = co_await std::move(accounts);
  std::printf("counted %d, asked the database %d time, alice has %d\n", counter.sum(),
              cache.asked(), alice);
}

int main() {
  weft::Runtime runtime;
  runtime.block_on(program());
}
