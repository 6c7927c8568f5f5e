// send_file(): a part of a file to a socket. What the page cache has goes by sendfile(2), which has
// no flag against waiting for a disk. So the last byte of the part is looked for first, without
// waiting: files are read and dropped in runs, and so the rest is there as a rule. What is not goes
// through a buffer, read where other operations on files are; after that it is in the cache.
#include <sys/uio.h>
#include <weft/file.hpp>
#include <weft/io.hpp>
#include <weft/net.hpp>
#include <weft/spawn.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <system_error>

#include "fs/file_handle.hpp"
#include "net/socket.hpp"
#include "os/file_syscalls.hpp"
#include "os/syscalls.hpp"

namespace weft::inline v0_1 {

namespace {

constexpr std::uint64_t most_of_a_file_at_once = std::uint64_t{128} * 1024;
// After that many bytes other tasks have their turn.
constexpr std::uint64_t most_of_a_file_in_a_turn = std::uint64_t{1} << 20;
// Rounds in a row in which the socket was writable and took nothing; see relay.cpp.
constexpr int fruitless_rounds_of_a_send = 2;

/// Whether the byte at `offset` is in memory. False also if the file ends before it, or the system
/// cannot tell.
[[nodiscard]] bool is_in_memory(int file, std::uint64_t offset) noexcept {
  char byte = 0;
  const iovec slice{&byte, 1};
  return detail::FileSyscalls::preadv2(file, &slice, 1, static_cast<std::int64_t>(offset),
                                       RWF_NOWAIT) == 1;
}

/// Whether reading the file, and writing what was read, may do what sendfile(2) did not.
[[nodiscard]] bool may_be_copied(std::int64_t result) noexcept {
  switch (-result) {
    case EINVAL:
    case ENOSYS:
    case EOPNOTSUPP:
    case EOVERFLOW:
    case ENOMEM:
    case EIO:  // the file's: reading it gives an error with its name
      return true;
    default:
      return result == 0;
  }
}

/// Tries it without waiting. 0, as other refusals: the part is not in memory.
[[nodiscard]] std::int64_t try_to_send(detail::Socket& socket, FileSource& source,
                                       std::uint64_t offset, std::uint64_t size) {
  const detail::FileUse file(source);
  if (!file || !is_in_memory(file.handle(), offset + size - 1)) return 0;
  const auto send = [&](NativeHandle handle) -> Result<std::int64_t> {
    return detail::Syscalls::sendfile(handle, file.handle(), static_cast<std::int64_t>(offset),
                                      static_cast<std::size_t>(size));
  };
  const Result<std::int64_t> sent = detail::with_handle(&socket, send, interest::writable);
  if (!sent) throw IoError(sent.error(), "write", socket.subject());
  return *sent;
}

/// Sends from memory. Null: some of the part is not there, or the system refuses.
Task<std::optional<std::size_t>> send_from_memory(detail::Socket& socket, FileSource& file,
                                                  std::uint64_t offset, std::uint64_t size) {
  for (int fruitless = 0; fruitless <= fruitless_rounds_of_a_send; ++fruitless) {
    const std::int64_t sent = try_to_send(socket, file, offset, size);
    if (sent > 0) co_return static_cast<std::size_t>(sent);
    if (may_be_copied(sent)) break;
    if (sent != -EAGAIN) throw IoError(detail::code_of(sent), "write", socket.subject());
    co_await IoOp<detail::ReadyRequest>(detail::ReadyRequest(&socket, interest::writable));
  }
  co_return std::nullopt;
}

}  // namespace

Task<std::size_t> send_file(StreamSocket& to, File& from, std::uint64_t offset,
                            std::uint64_t size) {
  size = std::min(size, most_of_a_file_at_once);
  if (size == 0) co_return 0;
  if (offset / most_of_a_file_in_a_turn != (offset + size) / most_of_a_file_in_a_turn)
    co_await yield_now();
  detail::Socket& socket = detail::socket_of(detail::SocketAccess::of(to));
  FileSource& file = detail::file_of(from.file());
  const std::optional<std::size_t> sent = co_await send_from_memory(socket, file, offset, size);
  if (sent) co_return *sent;
  detail::CopyBuffer memory;
  const std::span<std::byte> room = memory.get();
  const std::size_t most = static_cast<std::size_t>(std::min<std::uint64_t>(size, room.size()));
  const std::size_t read = co_await from.read_at(room.first(most), offset);
  if (read == 0) co_return 0;
  const std::size_t taken = co_await to.write(std::span<const std::byte>(room.first(read)));
  co_return taken;
}

}  // namespace weft::inline v0_1
