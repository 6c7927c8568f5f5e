// The system benchmarks' libuv: files, on its pool of threads.
#include <fcntl.h>
#include <uv.h>

#include <array>
#include <vector>

#include "system/system.hpp"

namespace {

using bench::Figures;
using bench::Job;
using bench::Meter;

struct Reads {
  uv_loop_t loop{};
  uv_file file = -1;
  std::size_t blocks = 0;
  std::size_t count = 0;
  std::size_t next = 0;
};

struct Reader {
  void start() {
    if (reads->next == reads->count) return;
    at = bench::scattered(reads->next++, reads->blocks);
    request.data = this;
    buffer = uv_buf_init(reinterpret_cast<char*>(block.data()), bench::block_bytes);
    const auto offset = static_cast<std::int64_t>(at * bench::block_bytes);
    uv_fs_read(&reads->loop, &request, reads->file, &buffer, 1, offset, [](uv_fs_t* ended) {
      auto& self = *static_cast<Reader*>(ended->data);
      bench::require(ended->result == ssize_t{bench::block_bytes} &&
                         bench::is_block(self.block.data(), self.at),
                     "read");
      uv_fs_req_cleanup(ended);
      self.start();
    });
  }

  Reads* reads = nullptr;
  std::size_t at = 0;
  uv_fs_t request{};
  uv_buf_t buffer{};
  bench::AlignedBlock block;
};

Figures read_all(Job job, int flags) {
  Reads reads;
  bench::require(uv_loop_init(&reads.loop) == 0, "uv_loop_init");
  uv_fs_t request{};
  reads.file = uv_fs_open(&reads.loop, &request, bench::data_path, O_RDONLY | flags, 0, nullptr);
  bench::require(reads.file >= 0, "open");
  bench::require(uv_fs_fstat(&reads.loop, &request, reads.file, nullptr) == 0, "fstat");
  reads.blocks = request.statbuf.st_size / bench::block_bytes;
  reads.count = job.count;
  std::array<Reader, bench::read_depth> readers;
  const Meter meter;
  for (Reader& each : readers) {
    each.reads = &reads;
    each.start();
  }
  uv_run(&reads.loop, UV_RUN_DEFAULT);
  bench::require(reads.next == job.count, "reads");
  return meter.each(job.count);
}

Figures read_cached(Job job) { return read_all(job, 0); }
Figures read_direct(Job job) { return read_all(job, O_DIRECT); }

struct Copy {
  void read() {
    if (left == 0) return;
    buffer = uv_buf_init(room.data(), static_cast<unsigned>(room.size()));
    request.data = this;
    uv_fs_read(&loop, &request, from, &buffer, 1, -1, [](uv_fs_t* ended) {
      bench::require(ended->result == ssize_t{bench::copy_bytes}, "read");
      uv_fs_req_cleanup(ended);
      static_cast<Copy*>(ended->data)->write();
    });
  }
  void write() {
    uv_fs_write(&loop, &request, to, &buffer, 1, -1, [](uv_fs_t* ended) {
      bench::require(ended->result == ssize_t{bench::copy_bytes}, "write");
      uv_fs_req_cleanup(ended);
      auto& self = *static_cast<Copy*>(ended->data);
      self.left -= bench::copy_bytes;
      self.read();
    });
  }

  uv_loop_t loop{};
  uv_file from = -1;
  uv_file to = -1;
  std::size_t left = 0;
  uv_fs_t request{};
  uv_buf_t buffer{};
  std::vector<char> room = std::vector<char>(bench::copy_bytes);
};

Figures copy(Job job) {
  const Meter meter;
  Copy copy;
  bench::require(uv_loop_init(&copy.loop) == 0, "uv_loop_init");
  uv_fs_t request{};
  copy.from = uv_fs_open(&copy.loop, &request, bench::data_path, O_RDONLY, 0, nullptr);
  copy.to = uv_fs_open(&copy.loop, &request, bench::copy_path, O_WRONLY | O_CREAT | O_TRUNC, 0600,
                       nullptr);
  bench::require(copy.from >= 0 && copy.to >= 0, "open");
  copy.left = job.count << 20;
  copy.read();
  uv_run(&copy.loop, UV_RUN_DEFAULT);
  bench::require(copy.left == 0, "copy");
  uv_fs_close(&copy.loop, &request, copy.to, nullptr);
  return meter.each(1, 1e6);
}

Figures copy_by_call(Job job) {
  const Meter meter;
  uv_loop_t loop;
  bench::require(uv_loop_init(&loop) == 0, "uv_loop_init");
  uv_fs_t request{};
  const auto ended = [](uv_fs_t* copied) { bench::require(copied->result == 0, "copy"); };
  bench::require(uv_fs_copyfile(&loop, &request, bench::data_path, bench::copy_path, 0, ended) == 0,
                 "copy");
  uv_run(&loop, UV_RUN_DEFAULT);
  const Figures figures = meter.each(1, 1e6);
  bench::require(uv_fs_stat(&loop, &request, bench::copy_path, nullptr) == 0 &&
                     request.statbuf.st_size == job.count << 20,
                 "the copy's size");
  return figures;
}

}  // namespace

bench::Cells bench::files_cells() {
  return {{"read-cached", read_cached},
          {"read-direct", read_direct},
          {"copy", copy},
          {"copy-call", copy_by_call}};
}
