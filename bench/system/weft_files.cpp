// The system benchmarks' weft: files.
#include <span>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

#include "core/weft_run.hpp"
#include "system/system.hpp"

namespace {

using bench::Figures;
using bench::Job;
using bench::Meter;

struct Reads {
  weft::File file;
  std::size_t blocks;
  std::size_t count;
  std::size_t next = 0;
};

weft::Task<void> read_blocks(Reads& reads) {
  const bench::AlignedBlock block;
  const std::span<std::byte> room(block.data(), bench::block_bytes);
  while (reads.next < reads.count) {
    const std::size_t at = bench::scattered(reads.next++, reads.blocks);
    const std::size_t size = co_await reads.file.read_at(room, at * bench::block_bytes);
    bench::require(size == bench::block_bytes && bench::is_block(block.data(), at), "read");
  }
}

template <bool direct>
weft::Task<Figures> read_all(Job job) {
  weft::OpenOptions options;
  options.direct(direct);
  weft::File file = co_await weft::File::open(bench::data_path, options);
  const std::uint64_t size = co_await file.size();
  Reads reads{std::move(file), size / bench::block_bytes, job.count};
  const Meter meter;
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    for (std::size_t i = 0; i < bench::read_depth; ++i) scope.spawn(read_blocks(reads));
    co_return;
  };
  co_await weft::scope(body);
  co_return meter.each(job.count);
}

weft::Task<Figures> copy(Job job) {
  const Meter meter;
  weft::File from = co_await weft::File::open(bench::data_path);
  weft::File to = co_await weft::File::create(bench::copy_path);
  std::vector<std::byte> room(bench::copy_bytes);
  std::uint64_t left = std::uint64_t{job.count} << 20;
  while (left > 0) {
    const std::size_t size = co_await from.read(room);
    bench::require(size != 0, "copy");
    co_await to.write_all(std::span<const std::byte>(room).first(size));
    left -= size;
  }
  co_await to.close();
  co_return meter.each(1, 1e6);
}

weft::Task<Figures> copy_by_call(Job job) {
  const Meter meter;
  const std::uint64_t size = co_await weft::copy_file(bench::data_path, bench::copy_path);
  bench::require(size == std::uint64_t{job.count} << 20, "copy");
  co_return meter.each(1, 1e6);
}

std::function<Figures(Job)> on_files(weft::Task<Figures> (*cell)(Job)) {
  return [cell](Job job) {
    weft::RuntimeOptions options = bench::options_of(job);
    options.file_threads = bench::file_threads;
    weft::Runtime runtime(options);
    return runtime.block_on([cell, job] { return cell(job); });
  };
}

}  // namespace

bench::Cells bench::files_cells() {
  return {{"read-cached", on_files(read_all<false>)},
          {"read-direct", on_files(read_all<true>)},
          {"copy", on_files(copy)},
          {"copy-call", on_files(copy_by_call)}};
}
