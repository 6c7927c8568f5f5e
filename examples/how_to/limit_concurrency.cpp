// Works on many items, a bounded number of them at a time.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

struct Load {
  int now = 0;
  int most = 0;
};

weft::Task<void> fetch(Load& load) {
  load.most = std::max(load.most, ++load.now);
  co_await weft::sleep_for(10ms);  // stands for a download
  --load.now;
}

// [semaphore]
weft::Task<void> fetch_one(weft::Semaphore& places, Load& load) {
  const weft::Permit place = co_await places.acquire();  // given back when it goes, on every path
  co_await fetch(load);
}

weft::Task<void> fetch_all(int count, Load& load) {
  weft::Semaphore places(8);
  auto each = [&](weft::Scope& scope) -> weft::Task<void> {
    for (int i = 0; i < count; ++i) scope.spawn(fetch_one, std::ref(places), std::ref(load));
    co_return;
  };
  co_await weft::scope(each);  // ends when all have
}
// [/semaphore]

// [spawner]
weft::Task<void> fetch_holding(weft::Permit place, Load& load) {
  co_await fetch(load);
  place.release();
}

/// The same, but a task is only made when there is a place for it: for millions of items.
weft::Task<void> fetch_endless(int count, Load& load) {
  weft::Semaphore places(8);
  auto each = [&](weft::Scope& scope) -> weft::Task<void> {
    for (int i = 0; i < count; ++i) {
      weft::Permit place = co_await places.acquire();
      scope.spawn(fetch_holding, std::move(place), std::ref(load));
    }
  };
  co_await weft::scope(each);
}
// [/spawner]

int main() {
  Load first;
  weft::block_on(fetch_all(100, first));
  Load second;
  weft::block_on(fetch_endless(100, second));
  std::printf("at most %d at a time, and %d\n", first.most, second.most);
}
