// FileCalls: the operations of files of one driver, which cannot wait for a file: it reads in place
// what is in the page cache, and has the runtime's lane for files make all other system calls.
// Owned by ReadinessDriver; a driver whose kernel does files by itself needs it for the rest.
//
// A call on the lane comes back by the inbox: the lane's thread pushes it there and wakes the
// driver.
//
// Operations at a file's cursor take turns (CursorOrder), whatever the driver. The thread that ends
// a turn gives the next call to the lane, of the driver where that was started.
//
// Thread-safety: as Driver, except ended_on_lane() and begin_turn(): any thread.
// Invariant: the lane outlives the last call, and its threads have ended before the driver does:
// after the push a thread still wakes the driver.
#pragma once

#include <weft/atomic.hpp>
#include <weft/extend/file_call.hpp>
#include <weft/extend/operation.hpp>

#include <cstddef>
#include <cstdint>

#include "reactor/driver.hpp"
#include "reactor/file_lane.hpp"

namespace weft::inline v0_1::detail {

class FileCalls {
 public:
  /// The most bytes that are read in place: copying them takes as long as a few tasks run.
  static constexpr std::size_t most_in_place = std::size_t{64} * 1024;

  /// `lane` may be null: then only what can be done in place works, and all else ends with
  /// -EOPNOTSUPP.
  FileCalls(Driver& driver, FileLane* lane) noexcept : driver_(driver), lane_(lane) {}
  ~FileCalls();
  FileCalls(const FileCalls&) = delete;
  FileCalls& operator=(const FileCalls&) = delete;

  // As the functions of Driver
  [[nodiscard]] Started start(Operation& operation) noexcept;
  [[nodiscard]] Cancelled cancel(Operation& operation) noexcept;
  /// Appends at most `most` operations that have ended to `completed`.
  void deliver(CompletionList& completed, std::size_t most) noexcept;
  /// Whether deliver() has left some.
  [[nodiscard]] bool has_undelivered() const noexcept { return !ended_.empty(); }

  // The threads of lanes
  void ended_on_lane(FileCall& call) noexcept;
  [[nodiscard]] static std::int64_t perform(FileCall& call) noexcept;

 private:
  [[nodiscard]] static FileSource& file_of(const FileCall& call) noexcept;
  [[nodiscard]] std::int64_t try_in_place(FileCall& call) noexcept;
  [[nodiscard]] static std::int64_t read_in_place(FileCall& call) noexcept;
  [[nodiscard]] std::int64_t submit(FileCall& call) noexcept;
  static void begin_turn(FileCall* next) noexcept;
  static void pass_turn(FileCall& call) noexcept;
  void post(FileCall& call) noexcept;
  void take_inbox() noexcept;

  Driver& driver_;
  FileLane* const lane_;
  std::size_t pending_ = 0;
  CompletionList ended_;  // taken from the inbox, and not delivered
  // A stack of calls: any thread pushes, the driver's caller takes all of it.
  Atomic<FileCall*> inbox_{nullptr};
};

}  // namespace weft::inline v0_1::detail
