// Command::status() and output(): a child from its start to its end.
#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <weft/finally.hpp>
#include <weft/process.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>
#include <weft/spawn.hpp>

#include "process/spawner.hpp"

namespace weft::inline v0_1::detail {

namespace {

constexpr std::size_t read_bytes = 64 * 1024;

/// Kills the child if it has not ended, and waits for its end, so that a cancel leaves none.
Task<void> end_child(ChildProcess& child) {
  const Result<std::optional<ExitStatus>> status = child.try_wait();
  if (!status || *status) co_return;
  Spawner::state_of(child).kill();
  static_cast<void>(co_await attempt(child.wait()));
}

Task<ExitStatus> run_to_end(Command command) {
  ChildProcess child = Spawner(Spawner::spec_of(command), false).spawn();
  child.kill_on_drop();  // if there is no memory for the cleanup
  auto cleanup = [&child] { return end_child(child); };
  const ExitStatus status = co_await finally(child.wait(), cleanup);
  co_return status;
}

/// Reads to the end. Keeps `limit` bytes. What was read stays after a cancel.
Task<void> read_to_end(PipeReader& from, std::string& text, bool& truncated, std::size_t limit) {
  std::vector<std::byte> room(read_bytes);
  for (;;) {
    const std::size_t size = co_await from.read(room);
    if (size == 0) co_return;
    const std::size_t kept = std::min(size, limit - text.size());
    text.append(reinterpret_cast<const char*>(room.data()), kept);
    truncated = truncated || kept < size;
  }
}

/// Waits for the child while its outputs are read, and then for the rest of these.
Task<void> gather(Scope& readers, ChildProcess& child, const OutputOptions& options,
                  Output& output) {
  if (child.out) {
    readers.spawn(
        [&] { return read_to_end(*child.out, output.out, output.out_truncated, options.limit); });
  }
  if (child.err) {
    readers.spawn(
        [&] { return read_to_end(*child.err, output.err, output.err_truncated, options.limit); });
  }
  output.status = co_await child.wait();
  co_await select(readers.all_ended(), sleep_for(options.grace));
  output.pipes_held = readers.size() != 0;
  readers.cancel_children();
}

Task<void> gather_all(ChildProcess& child, const OutputOptions& options, Output& output) {
  auto body = [&](Scope& readers) { return gather(readers, child, options, output); };
  co_await scope(body);
}

Task<Output> run_for_output(Command command, OutputOptions options) {
  ChildProcess child = Spawner(Spawner::spec_of(command), true).spawn();
  child.kill_on_drop();
  child.in.reset();
  Output output;
  auto cleanup = [&child] { return end_child(child); };
  co_await finally(gather_all(child, options, output), cleanup);
  co_return output;
}

}  // namespace

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

Task<ExitStatus> Command::status() const { return detail::run_to_end(*this); }

Task<Output> Command::output(OutputOptions options) const {
  return detail::run_for_output(*this, options);
}

}  // namespace weft::inline v0_1
