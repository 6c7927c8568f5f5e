// DuplexPipe: one direction of a duplex: a ring of bytes, and the operations that wait at its two
// sides. Shared by both ends and by the operations. Thread-safe.
//
// One mutex guards everything. Invariants, with the mutex free:
//  - the first reader waits only while the ring is empty and bytes may still come; the first writer
//    only while the ring is full and bytes may still be read. So no later operation passes a
//    waiter of its list. A waiter is in its list and nothing was done for it, or it was served and
//    will be woken once;
//  - bytes move with the mutex held, directly between the ring and the memory of an operation,
//    which stays alive until the operation has ended.
// Waiters are woken with the mutex free.
#pragma once

#include <weft/atomic.hpp>
#include <weft/duplex.hpp>
#include <weft/extend/waiter.hpp>
#include <weft/result.hpp>

#include <cstddef>
#include <memory>
#include <span>

namespace weft::inline v0_1::detail {

class DuplexPipe {
 public:
  /// Throws std::bad_alloc.
  explicit DuplexPipe(std::size_t capacity);
  ~DuplexPipe();
  DuplexPipe(const DuplexPipe&) = delete;
  DuplexPipe& operator=(const DuplexPipe&) = delete;

  /// Does what `node` asks for, if that needs no waiting and no other operation waits before it.
  [[nodiscard]] bool try_now(DuplexNode& node) noexcept;
  /// Queues `node`, unless it can be served at once.
  [[nodiscard]] Queued wait_with(DuplexNode& node) noexcept;
  /// Takes the node back: see WaiterLeaf.
  [[nodiscard]] bool withdraw(DuplexNode& node) noexcept;

  /// No more bytes are written. Returns false after close_writer().
  bool shutdown() noexcept;
  /// Its owner is gone: its operations end with errc::operation_canceled.
  void close_writer() noexcept;
  void close_reader() noexcept;
  [[nodiscard]] bool writer_is_closed() const noexcept;

 private:
  [[nodiscard]] WaiterList& list_of(const DuplexNode& node) noexcept;
  // With the mutex held
  [[nodiscard]] bool serve(DuplexNode& node) noexcept;
  [[nodiscard]] bool serve_reader(DuplexNode& node) noexcept;
  [[nodiscard]] bool serve_writer(DuplexNode& node) noexcept;
  [[nodiscard]] bool is_ended(DuplexNode& node) const noexcept;
  [[nodiscard]] bool is_closed(DuplexNode& node) const noexcept;
  [[nodiscard]] bool serve_first(WaiterList& list, ServedList& served) noexcept;
  void serve_all(ServedList& served) noexcept;
  [[nodiscard]] std::size_t take(std::span<std::byte> to) noexcept;
  [[nodiscard]] std::size_t put(std::span<const std::byte> from) noexcept;

  mutable ThreadMutex mutex_;  // guards all that follows
  WaiterList readers_;         // all are DuplexNodes
  WaiterList writers_;         // all are DuplexNodes
  WaiterList of_end_;          // all are DuplexNodes: of the reader, for the writer's end
  WaiterList of_close_;        // all are DuplexNodes: of the writer, for the reader's close
  std::unique_ptr<std::byte[]> ring_;
  const std::size_t capacity_;
  std::size_t first_ = 0;  // of the bytes in the ring
  std::size_t size_ = 0;
  bool is_shut_ = false;
  bool writer_closed_ = false;
  bool reader_closed_ = false;
};

}  // namespace weft::inline v0_1::detail
