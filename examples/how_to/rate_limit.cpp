// Sends so many requests a second, so many at a time.
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

weft::Task<int> send(int number, Load& load) {
  load.most = std::max(load.most, ++load.now);
  co_await weft::sleep_for(300ms);  // stands for a request
  --load.now;
  co_return number;
}

// [limits]
struct Limits {
  weft::RateLimiter rate{10, 1s, 5};  // ten a second, the first five at once
  weft::ConcurrencyLimit parallel{2};
};

weft::Task<int> send_within(Limits& limits, int number, Load& load) {
  const weft::OwnedPermit place = co_await limits.parallel.acquire();
  co_await limits.rate.acquire();
  co_return co_await send(number, load);
}
// [/limits]

// [set]
weft::Task<int> send_all(int count, Limits& limits, Load& load) {
  auto body = [&](weft::Scope& scope) -> weft::Task<int> {
    weft::JoinSet<int> requests(weft::SpawnOptions().owner(scope));
    for (int i = 0; i < count; ++i) {
      requests.spawn(send_within, std::ref(limits), i, std::ref(load));
    }
    int answered = 0;
    while (auto number = co_await requests.next()) ++answered;  // in the order of the answers
    co_return answered;
  };
  co_return co_await weft::scope(body);  // if one fails, the others have ended when it is thrown
}
// [/set]

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  options.virtual_time = true;  // the requests take no time
  Limits limits;
  Load load;
  weft::Runtime runtime(options);  // after what its tasks use, and so destroyed before
  const int answered = runtime.block_on(send_all(20, limits, load));
  std::printf("%d answers, at most %d at a time\n", answered, load.most);
}
