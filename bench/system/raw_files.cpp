// The system benchmarks' plain system calls: files, on 32 threads where they wait for a device.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "system/system.hpp"

namespace {

using bench::Figures;
using bench::Job;
using bench::Meter;

std::size_t bytes_of(int file) {
  struct stat status{};
  bench::require(fstat(file, &status) == 0, "fstat");
  return static_cast<std::size_t>(status.st_size);
}

void read_block(int file, const bench::AlignedBlock& block, std::size_t at) {
  const auto offset = static_cast<off_t>(at * bench::block_bytes);
  const ssize_t size = pread(file, block.data(), bench::block_bytes, offset);
  bench::require(size == ssize_t{bench::block_bytes} && bench::is_block(block.data(), at), "read");
}

/// What is in memory needs no threads.
Figures read_cached(Job job) {
  const int file = open(bench::data_path, O_RDONLY);
  const std::size_t blocks = bytes_of(file) / bench::block_bytes;
  const bench::AlignedBlock block;
  const Meter meter;
  for (std::size_t i = 0; i < job.count; ++i) read_block(file, block, bench::scattered(i, blocks));
  return meter.each(job.count);
}

Figures read_direct(Job job) {
  const int file = open(bench::data_path, O_RDONLY | O_DIRECT);
  bench::require(file >= 0, "open");
  const std::size_t blocks = bytes_of(file) / bench::block_bytes;
  std::atomic<std::size_t> next = 0;
  const Meter meter;
  std::vector<std::jthread> readers;
  for (std::size_t i = 0; i < bench::read_depth; ++i) {
    readers.emplace_back([&] {
      const bench::AlignedBlock block;
      for (std::size_t n = next++; n < job.count; n = next++) {
        read_block(file, block, bench::scattered(n, blocks));
      }
    });
  }
  readers.clear();
  return meter.each(job.count);
}

struct CopyEnds {
  int from = open(bench::data_path, O_RDONLY);
  int to = open(bench::copy_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
};

Figures copy(Job job) {
  const Meter meter;
  const CopyEnds ends;
  std::vector<char> room(bench::copy_bytes);
  for (std::size_t left = job.count << 20; left > 0; left -= room.size()) {
    const auto size = static_cast<ssize_t>(room.size());
    bench::require(read(ends.from, room.data(), room.size()) == size, "read");
    bench::require(write(ends.to, room.data(), room.size()) == size, "write");
  }
  close(ends.to);
  return meter.each(1, 1e6);
}

Figures copy_by_call(Job job) {
  const Meter meter;
  const CopyEnds ends;
  std::size_t left = bytes_of(ends.from);
  bench::require(left == job.count << 20, "the file's size");
  while (left > 0) {
    const ssize_t size = copy_file_range(ends.from, nullptr, ends.to, nullptr, left, 0);
    bench::require(size > 0, "copy_file_range");
    left -= static_cast<std::size_t>(size);
  }
  close(ends.to);
  return meter.each(1, 1e6);
}

}  // namespace

bench::Cells bench::files_cells() {
  return {{"read-cached", read_cached},
          {"read-direct", read_direct},
          {"copy", copy},
          {"copy-call", copy_by_call}};
}
