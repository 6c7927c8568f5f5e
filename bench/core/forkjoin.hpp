// The four fork-join programs, each written once in terms of a subject's Fork. A Fork has both(a,
// b), which calls both, possibly in parallel, and returns when both have ended; and each(n, f),
// which calls f(0) … f(n - 1) likewise.
//
// fib and nqueens fork at every call. skynet forks ten ways down to single leaves (each returns its
// number, the sum is checked). matmul splits C = A B into blocks of rows and columns. The recursive
// functions are not inlined: g++ would make a plain loop of much of the serial fib.
#pragma once

#include <array>
#include <cstddef>
#include <utility>
#include <vector>

#include "core/core.hpp"

namespace bench {

template <class Fork>
[[gnu::noinline]] std::size_t fib(Fork& fork, std::size_t n) {
  if (n < 2) return n;
  std::size_t a = 0;
  std::size_t b = 0;
  fork.both([&, n] { a = fib(fork, n - 1); }, [&, n] { b = fib(fork, n - 2); });
  return a + b;
}

template <class Fork>
[[gnu::noinline]] std::size_t skynet(Fork& fork, std::size_t number, std::size_t leaves) {
  if (leaves == 1) return number;
  std::array<std::size_t, 10> sums{};
  fork.each(10, [&, number, leaves](std::size_t i) {
    sums[i] = skynet(fork, number + i * (leaves / 10), leaves / 10);
  });
  std::size_t sum = 0;
  for (std::size_t each : sums) sum += each;
  return sum;
}

struct Board {
  std::array<signed char, 16> column_of{};
  std::size_t rows = 0;

  [[nodiscard]] bool free(std::size_t column) const {
    for (std::size_t row = 0; row < rows; ++row) {
      const auto distance = static_cast<long>(rows - row);
      const long apart = column_of[row] - static_cast<long>(column);
      if (apart == 0 || apart == distance || apart == -distance) return false;
    }
    return true;
  }
};

template <class Fork>
[[gnu::noinline]] std::size_t nqueens(Fork& fork, const Board& board, std::size_t n) {
  if (board.rows == n) return 1;
  std::array<std::size_t, 16> solutions{};
  fork.each(n, [&](std::size_t column) {
    if (!board.free(column)) return;
    Board next = board;
    next.column_of[next.rows++] = static_cast<signed char>(column);
    solutions[column] = nqueens(fork, next, n);
  });
  std::size_t sum = 0;
  for (std::size_t each : solutions) sum += each;
  return sum;
}

using Matrix = std::vector<float>;

/// Rows [row, row + size) and columns [column, column + size) of C += A B, for n x n matrices.
template <class Fork>
void multiply(Fork& fork, const Matrix& a, const Matrix& b, Matrix& c, std::size_t n,
              std::array<std::size_t, 3> block) {
  const auto [row, column, size] = block;
  if (size > 64) {
    const std::size_t half = size / 2;
    fork.each(4, [&, row, column, half](std::size_t i) {
      multiply(fork, a, b, c, n, {row + (i / 2) * half, column + (i % 2) * half, half});
    });
    return;
  }
  for (std::size_t i = row; i < row + size; ++i) {
    for (std::size_t k = 0; k < n; ++k) {
      const float factor = a[i * n + k];
      for (std::size_t j = column; j < column + size; ++j) c[i * n + j] += factor * b[k * n + j];
    }
  }
}

inline double ms(const Stopwatch& watch) { return watch.ns() / 1e6; }

template <class Fork>
Figures fib_cell(Fork& fork, std::size_t n) {
  const Stopwatch watch;
  const std::size_t result = fib(fork, n);
  const double took = ms(watch);
  std::size_t a = 0;
  std::size_t b = 1;
  for (std::size_t i = 0; i < n; ++i) a = std::exchange(b, a + b);
  require(result == a, "fib");
  return {took};
}

/// 10^depth leaves.
template <class Fork>
Figures skynet_cell(Fork& fork, std::size_t depth) {
  std::size_t leaves = 1;
  for (std::size_t i = 0; i < depth; ++i) leaves *= 10;
  const Stopwatch watch;
  const std::size_t sum = skynet(fork, 0, leaves);
  const double took = ms(watch);
  require(sum == leaves * (leaves - 1) / 2, "skynet");
  return {took};
}

template <class Fork>
Figures nqueens_cell(Fork& fork, std::size_t n) {
  constexpr std::array<std::size_t, 14> solutions{1,  1,  0,   0,   2,    10,    4,
                                                  40, 92, 352, 724, 2680, 14200, 73712};
  const Stopwatch watch;
  const std::size_t found = nqueens(fork, Board(), n);
  const double took = ms(watch);
  require(n < solutions.size() && found == solutions[n], "nqueens");
  return {took};
}

/// n: a power of two.
template <class Fork>
Figures matmul_cell(Fork& fork, std::size_t n) {
  Matrix a(n * n);
  Matrix b(n * n);
  Matrix c(n * n);
  for (std::size_t i = 0; i < n * n; ++i) {
    a[i] = static_cast<float>(i % 7);
    b[i] = static_cast<float>(i % 5);
  }
  const Stopwatch watch;
  multiply(fork, a, b, c, n, {0, 0, n});
  const double took = ms(watch);
  float expected = 0;
  for (std::size_t k = 0; k < n; ++k) expected += a[(n - 1) * n + k] * b[k * n + 1];
  require(c[(n - 1) * n + 1] == expected, "matmul");
  return {took};
}

/// The four cells. `run(workers, body)` calls body(fork) where forks run on so many workers.
template <class Run>
Cells forkjoin_cells(Run run) {
  const auto cell = [run](auto work) {
    return [run, work](Job job) {
      return run(job.workers, [work, job](auto& fork) { return work(fork, job.count); });
    };
  };
  return {{"fib", cell([](auto& fork, std::size_t n) { return fib_cell(fork, n); })},
          {"skynet", cell([](auto& fork, std::size_t n) { return skynet_cell(fork, n); })},
          {"nqueens", cell([](auto& fork, std::size_t n) { return nqueens_cell(fork, n); })},
          {"matmul", cell([](auto& fork, std::size_t n) { return matmul_cell(fork, n); })}};
}

}  // namespace bench
