// duplex(): the two directions, the leaf that waits for one, and the ends.
#include <weft/duplex.hpp>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <stdexcept>

#include "base/check.hpp"
#include "io/duplex_pipe.hpp"

namespace weft::inline v0_1::detail {

namespace {

DuplexNode& first_of(const WaiterList& list) noexcept {
  // SAFETY: only DuplexNodes are queued.
  return *static_cast<DuplexNode*>(list.first());
}

bool ends_with(DuplexNode& node, std::errc why) noexcept {
  node.error = std::make_error_code(why);
  return true;
}

}  // namespace

DuplexPipe::DuplexPipe(std::size_t capacity)
    : ring_(std::make_unique_for_overwrite<std::byte[]>(capacity)), capacity_(capacity) {}

DuplexPipe::~DuplexPipe() {
  // Each operation holds the pipe until it has ended.
  WEFT_CHECK(readers_.first() == nullptr && writers_.first() == nullptr &&
                 of_end_.first() == nullptr && of_close_.first() == nullptr,
             "a duplex is destroyed while a task waits for it");
}

std::size_t DuplexPipe::take(std::span<std::byte> to) noexcept {
  const std::size_t sum = std::min(size_, to.size());
  const std::size_t part = std::min(sum, capacity_ - first_);
  if (part != 0) std::memcpy(to.data(), ring_.get() + first_, part);
  if (sum != part) std::memcpy(to.data() + part, ring_.get(), sum - part);
  first_ = (first_ + sum) % capacity_;
  size_ -= sum;
  return sum;
}

std::size_t DuplexPipe::put(std::span<const std::byte> from) noexcept {
  const std::size_t sum = std::min(capacity_ - size_, from.size());
  const std::size_t at = (first_ + size_) % capacity_;
  const std::size_t part = std::min(sum, capacity_ - at);
  if (part != 0) std::memcpy(ring_.get() + at, from.data(), part);
  if (sum != part) std::memcpy(ring_.get(), from.data() + part, sum - part);
  size_ += sum;
  return sum;
}

/// False: it has to wait, and nothing was done.
bool DuplexPipe::serve_reader(DuplexNode& node) noexcept {
  if (reader_closed_) return ends_with(node, std::errc::operation_canceled);
  const bool is_transfer = node.kind == DuplexKind::read;
  if (is_transfer && node.buffer.empty()) return true;
  if (size_ == 0) return is_shut_ || writer_closed_;
  if (is_transfer) node.done = take(node.buffer);
  return true;
}

/// False: it has to wait, and nothing was done.
bool DuplexPipe::serve_writer(DuplexNode& node) noexcept {
  if (writer_closed_) return ends_with(node, std::errc::operation_canceled);
  const bool is_transfer = node.kind == DuplexKind::write;
  if (is_shut_ || reader_closed_) {
    return !is_transfer || ends_with(node, std::errc::broken_pipe);
  }
  if (is_transfer && node.buffer.empty()) return true;
  if (size_ == capacity_) return false;
  if (is_transfer) node.done = put(node.buffer);
  return true;
}

/// For the reader.
bool DuplexPipe::is_ended(DuplexNode& node) const noexcept {
  if (reader_closed_) return ends_with(node, std::errc::operation_canceled);
  return is_shut_ || writer_closed_;
}

/// For the writer.
bool DuplexPipe::is_closed(DuplexNode& node) const noexcept {
  if (writer_closed_) return ends_with(node, std::errc::operation_canceled);
  return reader_closed_;
}

WaiterList& DuplexPipe::list_of(const DuplexNode& node) noexcept {
  switch (node.kind) {
    case DuplexKind::read:
    case DuplexKind::readable:
      return readers_;
    case DuplexKind::ended:
      return of_end_;
    case DuplexKind::closed:
      return of_close_;
    default:
      return writers_;
  }
}

bool DuplexPipe::serve(DuplexNode& node) noexcept {
  switch (node.kind) {
    case DuplexKind::read:
    case DuplexKind::readable:
      return serve_reader(node);
    case DuplexKind::ended:
      return is_ended(node);
    case DuplexKind::closed:
      return is_closed(node);
    default:
      return serve_writer(node);
  }
}

bool DuplexPipe::serve_first(WaiterList& list, ServedList& served) noexcept {
  if (list.first() == nullptr || !serve(first_of(list))) return false;
  list.serve_first(served);
  return true;
}

void DuplexPipe::serve_all(ServedList& served) noexcept {
  bool moved = true;
  while (moved) {
    const bool read = serve_first(readers_, served);
    const bool written = serve_first(writers_, served);
    moved = read || written;
  }
  while (serve_first(of_end_, served)) {
  }
  while (serve_first(of_close_, served)) {
  }
}

bool DuplexPipe::try_now(DuplexNode& node) noexcept {
  ServedList served;
  {
    const std::lock_guard lock(mutex_);
    if (list_of(node).first() != nullptr || !serve(node)) return false;
    serve_all(served);  // there is room now, or there are bytes
  }
  served.wake_all();
  return true;
}

Queued DuplexPipe::wait_with(DuplexNode& node) noexcept {
  ServedList served;
  {
    const std::lock_guard lock(mutex_);
    if (WaiterList::refuses(node)) return Queued::refused;
    WaiterList& list = list_of(node);
    if (list.first() != nullptr || !serve(node)) {
      list.append(node);
      return Queued::waiting;
    }
    WaiterList::served_at_once(node);
    serve_all(served);
  }
  served.wake_all();
  return Queued::served;
}

bool DuplexPipe::withdraw(DuplexNode& node) noexcept {
  // Those behind it wait for the same thing.
  const std::lock_guard lock(mutex_);
  return list_of(node).withdraw(node);
}

bool DuplexPipe::shutdown() noexcept {
  ServedList served;
  {
    const std::lock_guard lock(mutex_);
    if (writer_closed_) return false;
    is_shut_ = true;
    serve_all(served);
  }
  served.wake_all();
  return true;
}

void DuplexPipe::close_writer() noexcept {
  ServedList served;
  {
    const std::lock_guard lock(mutex_);
    writer_closed_ = true;
    serve_all(served);
  }
  served.wake_all();
}

void DuplexPipe::close_reader() noexcept {
  ServedList served;
  {
    const std::lock_guard lock(mutex_);
    reader_closed_ = true;
    size_ = 0;
    serve_all(served);
  }
  served.wake_all();
}

bool DuplexPipe::writer_is_closed() const noexcept {
  const std::lock_guard lock(mutex_);
  return writer_closed_;
}

bool DuplexLeaf::suspend(PromiseBase& innermost) noexcept {
  // Begins nothing once a cancel was requested.
  if (!innermost.task().cancel_requested() && pipe_->try_now(*this)) {
    return suspended_for_others(innermost);
  }
  return WaiterLeaf<DuplexLeaf>::suspend(innermost);
}

void DuplexLeaf::on_served(Runnable& self) noexcept {
  // SAFETY: only the DuplexNode of a DuplexLeaf gets this function.
  static_cast<DuplexLeaf&>(self).served();
}

Queued DuplexLeaf::queue() noexcept { return pipe_->wait_with(*this); }
bool DuplexLeaf::withdraw() noexcept { return pipe_->withdraw(*this); }

IoError duplex_error(DuplexKind kind, std::error_code code) {
  const bool reads =
      kind == DuplexKind::read || kind == DuplexKind::readable || kind == DuplexKind::ended;
  return IoError(code, reads ? "read" : "write", "duplex");
}

namespace {

/// An operation that does not wait is in no queue, and is never woken.
class NowNode final : public DuplexNode {
 public:
  NowNode(DuplexKind what, std::span<std::byte> memory) noexcept
      : DuplexNode([](Runnable&) noexcept {}, what, memory) {}
};

Result<std::size_t> now(DuplexPipe& pipe, DuplexKind what, std::span<std::byte> memory) noexcept {
  NowNode node(what, memory);
  if (!pipe.try_now(node)) return fail(std::errc::operation_would_block);
  if (node.error) return fail(node.error);
  return node.done;
}

const std::shared_ptr<DuplexPipe>& checked(const std::shared_ptr<DuplexPipe>& pipe) noexcept {
  WEFT_CHECK(pipe != nullptr, "the end of a duplex was moved from");
  return pipe;
}

}  // namespace

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

const std::shared_ptr<detail::DuplexPipe>& DuplexEnd::in() const noexcept {
  return detail::checked(in_);
}
const std::shared_ptr<detail::DuplexPipe>& DuplexEnd::out() const noexcept {
  return detail::checked(out_);
}

DuplexEnd& DuplexEnd::operator=(DuplexEnd&& other) noexcept {
  if (this == &other) return *this;
  close();
  in_ = std::move(other.in_);
  out_ = std::move(other.out_);
  return *this;
}

Result<std::size_t> DuplexEnd::try_read(std::span<std::byte> buffer) noexcept {
  return detail::now(*in(), detail::DuplexKind::read, buffer);
}

Result<std::size_t> DuplexEnd::try_write(std::span<const std::byte> data) noexcept {
  return detail::now(*out(), detail::DuplexKind::write, only_read(data));
}

Result<void> DuplexEnd::shutdown() noexcept {
  if (!out()->shutdown()) return fail(std::errc::operation_canceled);
  return {};
}

void DuplexEnd::close() noexcept {
  if (in_ != nullptr) in_->close_reader();
  if (out_ != nullptr) out_->close_writer();
}

DuplexEnd::operator bool() const noexcept { return out_ != nullptr && !out_->writer_is_closed(); }

Duplex duplex(std::size_t capacity) {
  if (capacity == 0) throw std::invalid_argument("weft::duplex: of no capacity");
  auto there = std::make_shared<detail::DuplexPipe>(capacity);
  auto back = std::make_shared<detail::DuplexPipe>(capacity);
  DuplexEnd one(back, there);
  return Duplex(std::move(one), DuplexEnd(there, back));
}

}  // namespace weft::inline v0_1
