// SharedEnd: what a SharedReader or SharedWriter owns: the way by which a handle that other
// processes share is read or written without a change of its open file description.
//
// Thread-safety: any thread, after make(). Each operation holds the end by a shared pointer.
// Invariant: after make() the members change no more, but those that are atomic or locks.
#pragma once

#include <weft/atomic.hpp>
#include <weft/detail/net_request.hpp>
#include <weft/extend/operation.hpp>
#include <weft/file.hpp>
#include <weft/mutex.hpp>
#include <weft/native_handle.hpp>
#include <weft/result.hpp>
#include <weft/task.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace weft::inline v0_1::detail {

class SharedEnd {
 public:
  enum class Use : bool { reads, writes };
  enum class Way : std::uint8_t {
    own,     ///< An open file description of its own, non-blocking.
    file,    ///< The threads for files, by a duplicate: the cursor is the description's.
    socket,  ///< When the handle is ready, with MSG_DONTWAIT.
    lane,    ///< When the handle is ready: RWF_NOWAIT, or the threads for files.
  };

  /// The most bytes that are written at once on a thread: a handle that is ready takes as much
  /// without waiting (PIPE_BUF of a pipe).
  static constexpr std::size_t most_on_lane = 4096;

  /// Finds the way. `keeps`: what has to live as long, or null. Throws std::bad_alloc.
  [[nodiscard]] static Result<std::shared_ptr<SharedEnd>> make(NativeHandle handle, Use use,
                                                               std::string name,
                                                               std::shared_ptr<void> keeps);
  ~SharedEnd();
  SharedEnd(const SharedEnd&) = delete;
  SharedEnd& operator=(const SharedEnd&) = delete;

  [[nodiscard]] Way way() const noexcept { return way_; }
  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] bool is_terminal() const noexcept { return is_terminal_; }
  [[nodiscard]] bool closed() const noexcept {
    return closed_.load(std::memory_order_acquire);  // pairs with close()
  }
  void close() noexcept;
  /// See SharedWriter::shutdown().
  [[nodiscard]] Result<void> shutdown() noexcept;

  // Each keeps `end` to its end
  [[nodiscard]] static Task<std::size_t> read(std::shared_ptr<SharedEnd> end,
                                              std::span<std::byte> buffer);
  [[nodiscard]] static Task<std::size_t> write(std::shared_ptr<SharedEnd> end,
                                               std::span<const std::byte> data);
  [[nodiscard]] static Task<void> write_all(std::shared_ptr<SharedEnd> end,
                                            std::span<const std::byte> data);
  [[nodiscard]] static Task<void> ready(std::shared_ptr<SharedEnd> end, std::uint32_t interests);

 private:
  SharedEnd(NativeHandle handle, std::string name, std::shared_ptr<void> keeps);

  [[nodiscard]] Result<void> choose(Use use);
  [[nodiscard]] Result<void> use_as_file();
  [[nodiscard]] bool open_again(Use use);
  [[nodiscard]] Task<void> wait(std::uint32_t interests);
  [[nodiscard]] Task<std::int64_t> read_once(std::span<std::byte> buffer);
  [[nodiscard]] Task<std::int64_t> write_once(std::span<const std::byte> data);
  [[nodiscard]] IoError error(std::error_code code, const char* operation) const;

  const NativeHandle handle_;
  const std::string name_;
  const std::shared_ptr<void> keeps_;
  Source* const readiness_;  // of the caller's handle, which it does not own
  Way way_ = Way::lane;
  bool is_terminal_ = false;
  bool is_pipe_ = false;
  SocketOwner own_;
  std::optional<File> file_;
  Mutex turn_;  // one operation at a time waits for the handle and uses it
  Atomic<bool> closed_{false};
};

}  // namespace weft::inline v0_1::detail
