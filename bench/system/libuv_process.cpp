// The system benchmarks' libuv: child processes, and names by its pool of threads.
#include <netinet/in.h>
#include <uv.h>

#include <array>
#include <string>

#include "system/system.hpp"

namespace {

using bench::Figures;
using bench::Job;
using bench::Meter;
using bench::Stopwatch;

/// One of those that run at the same time, one child after another.
struct Children {
  static void start(Children& self) {
    if (*self.left == 0) return;
    --*self.left;
    std::string name = bench::program_path;
    std::array<char*, 2> arguments{name.data(), nullptr};
    std::array<uv_stdio_container_t, 3> streams{};
    for (int i = 0; i < 3; ++i) {
      streams.at(static_cast<std::size_t>(i)).flags = UV_INHERIT_FD;
      streams.at(static_cast<std::size_t>(i)).data.fd = i;
    }
    uv_process_options_t options{};
    options.file = name.c_str();
    options.args = arguments.data();
    options.stdio = streams.data();
    options.stdio_count = 3;
    options.exit_cb = [](uv_process_t* process, std::int64_t status, int signal) {
      bench::require(status == 0 && signal == 0, "the child");
      uv_close(reinterpret_cast<uv_handle_t*>(process),
               [](uv_handle_t* closed) { start(*static_cast<Children*>(closed->data)); });
    };
    self.process.data = &self;
    bench::require(uv_spawn(self.loop, &self.process, &options) == 0, "spawn");
  }

  uv_loop_t* loop = nullptr;
  std::size_t* left = nullptr;
  uv_process_t process{};
};

template <std::size_t at_once>
Figures spawn_and_wait(Job job) {
  uv_loop_t loop;
  bench::require(uv_loop_init(&loop) == 0, "uv_loop_init");
  std::size_t left = job.count;
  std::array<Children, at_once> children{};
  const Stopwatch watch;
  for (Children& each : children) {
    each.loop = &loop;
    each.left = &left;
    Children::start(each);
  }
  uv_run(&loop, UV_RUN_DEFAULT);
  bench::require(left == 0, "all");
  return {watch.ns_each(job.count) / 1000};
}

struct LookUps {
  uv_loop_t loop{};
  std::size_t next = 0;
  std::size_t done = 0;
  std::size_t count = 0;
};

struct LookUp {
  void start() {
    if (all->next == all->count) return;
    number = all->next++;
    request.data = this;
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    const std::string name = bench::name_to_resolve(number);
    bench::require(uv_getaddrinfo(&all->loop, &request, ended, name.c_str(), nullptr, &hints) == 0,
                   "getaddrinfo");
  }
  static void ended(uv_getaddrinfo_t* request, int status, addrinfo* found) {
    bench::require(status == 0, "getaddrinfo");
    auto& self = *static_cast<LookUp*>(request->data);
    std::size_t count = 0;
    bool right = false;
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
      ++count;
      if (each->ai_family != AF_INET) continue;
      const auto* const at = reinterpret_cast<const sockaddr_in*>(each->ai_addr);
      right = ntohl(at->sin_addr.s_addr) == bench::address_of_name(self.number);
    }
    bench::require(right && count == 2, "a name's addresses");
    uv_freeaddrinfo(found);
    ++self.all->done;
    self.start();
  }

  LookUps* all = nullptr;
  std::size_t number = 0;
  uv_getaddrinfo_t request{};
};

template <std::size_t at_once>
Figures resolve_all(Job job) {
  LookUps all;
  bench::require(uv_loop_init(&all.loop) == 0, "uv_loop_init");
  all.count = job.count;
  std::array<LookUp, at_once> each{};
  const Meter meter;
  for (LookUp& one : each) {
    one.all = &all;
    one.start();
  }
  uv_run(&all.loop, UV_RUN_DEFAULT);
  bench::require(all.done == job.count, "all");
  return meter.each(job.count, 1e3);
}

}  // namespace

bench::Cells bench::process_cells() {
  return {{"process", spawn_and_wait<1>}, {"process-8", spawn_and_wait<children_at_once>}};
}
bench::Cells bench::dns_cells() {
  return {{"dns", resolve_all<1>}, {"dns-32", resolve_all<lookups_at_once>}};
}
