// Computations: beside the workers, on a team of threads; and forks of tasks that also wait.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <vector>
#include <weft/weft.hpp>

namespace {

using namespace std::chrono_literals;

// [fork]
std::uint64_t fibonacci(int n) {
  if (n < 2) return static_cast<std::uint64_t>(n);
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  weft::parallel_invoke([&] { a = fibonacci(n - 1); }, [&] { b = fibonacci(n - 2); });
  return a + b;
}

std::uint64_t sum_of_squares(std::uint64_t end) {
  return weft::parallel_reduce(
      std::uint64_t{0}, end, std::uint64_t{0}, [](std::uint64_t i) { return i * i; },
      [](std::uint64_t left, std::uint64_t right) { return left + right; });
}
// [/fork]

// [beside]
weft::Task<void> compute() {
  auto number = weft::spawn(weft::parallel([] { return fibonacci(27); }));
  auto sum = weft::spawn(weft::parallel([] { return sum_of_squares(1'000'000); }));
  int turns = 0;
  while (!number.ended() || !sum.ended()) {
    ++turns;  // this worker has its time for other tasks
    co_await weft::yield_now();
  }
  const std::uint64_t fib = co_await std::move(number);
  const std::uint64_t squares = co_await std::move(sum);
  std::printf("fibonacci(27) is %llu, the sum %llu\n", static_cast<unsigned long long>(fib),
              static_cast<unsigned long long>(squares));
  std::printf("other tasks had turns meanwhile: %s\n", turns > 0 ? "yes" : "no");
}
// [/beside]

// [tasks]
struct Folder {
  int files = 0;
  std::vector<Folder> folders;
};

weft::Task<int> count_files(const Folder& folder) {
  co_await weft::sleep_for(100us);  // reading the folder
  if (folder.folders.size() != 2) co_return folder.files;
  auto both = weft::fork_all([&] { return count_files(folder.folders[0]); },
                             [&] { return count_files(folder.folders[1]); });
  auto [left, right] = co_await std::move(both);
  co_return folder.files + left + right;
}
// [/tasks]

Folder folder_of(int depth) {
  Folder folder{1, {}};
  if (depth > 0) folder.folders = {folder_of(depth - 1), folder_of(depth - 1)};
  return folder;
}

}  // namespace

int main() {
  weft::Runtime runtime;
  runtime.block_on(compute());
  const Folder root = folder_of(6);
  std::printf("%d files\n", runtime.block_on(count_files(root)));
}
