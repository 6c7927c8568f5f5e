// An eager promise works from the moment it is made; a lazy future works when it is awaited.
#include <cstdio>
#include <future>
#include <weft/weft.hpp>

int eager_runs = 0;
int lazy_runs = 0;

// [both]
std::future<int> eager() {
  return std::async(std::launch::async, [] { return ++eager_runs; });
}

weft::Task<int> lazy() { co_return ++lazy_runs; }
// [/both]

int main() {
  // [dropped]
  {
    const std::future<int> made_eager = eager();  // begins now, on a thread of its own
    const weft::Task<int> made_lazy = lazy();     // a frame is made; nothing runs
  }  // both are dropped without a request for a result
  std::printf("made and dropped:  eager ran %d times, lazy ran %d times\n", eager_runs, lazy_runs);
  // [/dropped]
  // [awaited]
  std::future<int> made_eager = eager();
  weft::Task<int> made_lazy = lazy();
  made_eager.get();
  weft::block_on(std::move(made_lazy));  // begins now, and ends
  std::printf("made and awaited:  eager ran %d times, lazy ran %d times\n", eager_runs, lazy_runs);
  // [/awaited]
}
