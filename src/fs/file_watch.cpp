// FileWatch: reads of the inotify handle, on the reactor; and jobs that add watches, on a thread
// for files.
#include <weft/file_watch.hpp>

#include <weft/extend/io.hpp>
#include <weft/file.hpp>
#include <weft/timeout.hpp>

#include <array>
#include <cerrno>

#include "fs/error.hpp"
#include "fs/file_watch_state.hpp"
#include "fs/path_text.hpp"
#include "os/file_syscalls.hpp"

namespace weft::inline v0_1::detail {

namespace {

constexpr const char* watching_for = "watch";
/// The halves of a move are queued by one system call.
constexpr Nanoseconds wait_for_other_half = std::chrono::milliseconds(10);

/// A read of whole records.
struct RecordsRequest {
  using value_type = std::size_t;
  RecordsRequest(Source* from, std::span<std::byte> to) noexcept : source(from), room(to) {}
  void prepare(Operation& op) noexcept {
    op.kind = OperationKind::read;
    op.source = source;
    op.io.buffer = {room.data(), room.size()};
  }
  Result<std::size_t> finish(std::int64_t result) noexcept {
    if (result < 0) return fail(code_of_file(result));
    return static_cast<std::size_t>(result);
  }
  [[nodiscard]] IoError error(std::error_code code) const {
    return IoError(code, "read", "inotify");
  }

  Source* source;
  std::span<std::byte> room;
};

Task<void> add_root(FileWatchState* state, std::filesystem::path path, bool recursive) {
  const FileWatchState::Scan scan{path, recursive, true, FileWatchState::Reason::asked};
  const auto work = [&](const StopFlag& stop) {
    path_text(path, watching_for);
    state->add(scan, stop);
    state->add_root(path, recursive);
  };
  co_await on_file_lane(watching_for, path.native(), work);
}

/// Watches what is to be watched before the next event. A cancelled scan stays to be made.
Task<void> make_scan(FileWatchState* state, FileWatchState::Scan* scan) {
  const auto work = [=](const StopFlag& stop) {
    try {
      state->add(*scan, stop);
    } catch (const IoError&) {
      state->scanned();
      throw;
    }
    state->scanned();
  };
  co_await on_file_lane(watching_for, scan->path.native(), work);
}

struct RecordsRoom {
  alignas(inotify_event) std::array<std::byte, 16 * 1024> bytes;
};

/// Reads what there is. With half a move, waits for the other half for a moment alone.
Task<void> read_records(FileWatchState* state) {
  RecordsRoom room;
  IoOp<RecordsRequest, false> read =
      IoOp<RecordsRequest>(RecordsRequest(&state->source(), room.bytes)).attempt();
  IoResult<std::size_t> size = 0;
  if (state->holds_move()) {
    size = co_await timeout(std::move(read), wait_for_other_half);
  } else {
    size = co_await std::move(read);
  }
  if (size) {
    state->take(std::span(room.bytes).first(*size));
  } else if (size.error().code() == std::errc::timed_out) {
    state->take_back_move();
  } else {
    throw size.error();
  }
}

Task<std::optional<FileEvent>> next_event(FileWatchState* state) {
  for (;;) {
    std::optional<FileWatchState::Scan> scan = state->next_scan();
    while (scan) {
      co_await make_scan(state, &*scan);
      scan = state->next_scan();
    }
    std::optional<FileEvent> event = state->pop();
    if (event || (state->watches() == 0 && !state->holds_move())) co_return event;
    co_await read_records(state);
  }
}

}  // namespace

void FileWatchStateDeleter::operator()(FileWatchState* state) const noexcept { delete state; }

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

namespace {

using StatePointer = std::unique_ptr<detail::FileWatchState, detail::FileWatchStateDeleter>;

StatePointer make_watch_state(const std::filesystem::path& path) {
  detail::Fd inotify(static_cast<int>(
      detail::or_throw(detail::FileSyscalls::inotify_init(), "watch", path.native())));
  return StatePointer(new detail::FileWatchState(std::move(inotify)));
}

}  // namespace

Task<FileWatch> FileWatch::on(std::filesystem::path path, FileWatchOptions options) {
  FileWatch watch(make_watch_state(path));
  co_await detail::add_root(watch.state_.get(), std::move(path), options.is_recursive);
  co_return watch;
}

Task<void> FileWatch::add(std::filesystem::path path, FileWatchOptions options) {
  return detail::add_root(state_.get(), std::move(path), options.is_recursive);
}

Task<std::optional<FileEvent>> FileWatch::next() { return detail::next_event(state_.get()); }

std::size_t FileWatch::watches() const noexcept {
  return state_ != nullptr ? state_->watches() : 0;
}

}  // namespace weft::inline v0_1
