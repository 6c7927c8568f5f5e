// The system benchmarks' Asio: child processes by Boost.Process, whose loop is Boost.Asio's. Asio
// itself has none.
#define BOOST_PROCESS_USE_STD_FS 1
#include <boost/asio/io_context.hpp>
#include <boost/process/async.hpp>
#include <boost/process/child.hpp>
#include <boost/process/extend.hpp>
#include <memory>

#include "system/system.hpp"

namespace {

using bench::Figures;
using bench::Job;
using bench::Stopwatch;

/// One of those that run at the same time, one child after another.
struct Children {
  static void start(Children& self) {
    if (*self.left == 0) return;
    --*self.left;
    const auto ended = [&self](int code, const std::error_code& error) {
      bench::require(code == 0 && !error, "the child");
      // Within the handler the child object is still in use.
      boost::asio::post(*self.context, [&self] { start(self); });
    };
    self.child =
        boost::process::child(bench::program_path, *self.context, boost::process::on_exit = ended);
  }

  boost::asio::io_context* context = nullptr;
  std::size_t* left = nullptr;
  boost::process::child child = {};
};

template <std::size_t at_once>
Figures spawn_and_wait(Job job) {
  boost::asio::io_context context(1);
  std::size_t left = job.count;
  std::array<Children, at_once> children{};
  const Stopwatch watch;
  for (Children& each : children) {
    each.context = &context;
    each.left = &left;
    Children::start(each);
  }
  context.run();
  bench::require(left == 0, "all");
  return {watch.ns_each(job.count) / 1000};
}

}  // namespace

bench::Cells bench::process_cells() {
  return {{"process", spawn_and_wait<1>}, {"process-8", spawn_and_wait<children_at_once>}};
}
