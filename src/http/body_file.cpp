// Files as bodies: BodyWriter::write_file(), and StreamedBody::file().
#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <utility>

#include <weft/file.hpp>
#include <weft/http/body.hpp>
#include <weft/http/body_writer.hpp>

namespace weft::inline v0_1::http {
namespace {

constexpr std::size_t kPieceSize = std::size_t{64} * 1024;
constexpr std::uint64_t kKeptBack = 512;

/// Reads at least one byte of a part of the file, into the memory that it makes.
class Piece {
 public:
  explicit Piece(std::uint64_t size)
      : size_(static_cast<std::size_t>(std::min<std::uint64_t>(size, kPieceSize))),
        memory_(std::make_unique_for_overwrite<std::byte[]>(size_)) {}

  Task<std::span<const std::byte>> read(File& file, std::uint64_t offset, std::uint64_t most) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(size_, most));
    const std::span<std::byte> room(memory_.get(), wanted);
    const std::size_t size = co_await file.read_at(room, offset);
    if (size == 0) throw IoError(FileErrc::unexpected_end, "read", file.name());
    co_return room.first(size);
  }

 private:
  std::size_t size_;
  std::unique_ptr<std::byte[]> memory_;
};

class FileProducer final : public BodyProducer {
 public:
  FileProducer(File file, std::uint64_t offset, std::uint64_t size)
      : BodyProducer(size), file_(std::move(file)), offset_(offset), size_(size) {}
  [[nodiscard]] Task<void> produce(BodyWriter& out) override {
    return out.write_file(file_, offset_, size_);
  }

 private:
  File file_;
  std::uint64_t offset_;
  std::uint64_t size_;
};

}  // namespace

StreamedBody StreamedBody::file(File file, std::uint64_t offset, std::uint64_t size) {
  return StreamedBody(std::make_shared<FileProducer>(std::move(file), offset, size));
}

Body Body::file(File file, std::uint64_t offset, std::uint64_t size) {
  return StreamedBody::file(std::move(file), offset, size);
}

Task<void> BodyWriter::write_file(File& file, std::uint64_t offset, std::uint64_t size,
                                  std::function<void()> check) {
  check_room(size);
  const bool directly =
      target_.sends_files() && framing_.end != BodyFraming::End::chunked && size > gathered;
  return directly ? send_file_directly(file, offset, size, std::move(check))
                  : copy_file_part(file, offset, size, std::move(check));
}

Task<void> BodyWriter::copy_file_part(File& file, std::uint64_t offset, std::uint64_t size,
                                      std::function<void()> check) {
  if (size == 0) co_return;
  Piece piece(size);
  for (std::uint64_t done = 0; done < size;) {
    const std::span<const std::byte> data = co_await piece.read(file, offset + done, size - done);
    done += data.size();
    if (done == size && check) check();
    co_await write_all(data);
  }
}

/// The first bytes, behind the head or what else was gathered: one packet less. Returns their
/// number.
Task<std::uint64_t> BodyWriter::begin_file(File& file, std::uint64_t offset, std::uint64_t size) {
  const std::size_t before = unsent();
  if (before == 0 || before >= gathered) co_return 0;
  Piece piece(std::min<std::uint64_t>(size, gathered - before));
  const std::span<const std::byte> data = co_await piece.read(file, offset, size);
  gather(data);
  co_return data.size();
}

Task<void> BodyWriter::send_file_directly(File& file, std::uint64_t offset, std::uint64_t size,
                                          std::function<void()> check) {
  std::uint64_t done = co_await begin_file(file, offset, size);
  co_await send_pending();
  // The last bytes are kept back for the check, unless the first call takes all.
  std::uint64_t kept = 0;
  while (done + kept < size) {
    const std::size_t sent = co_await target_.send_file(file, offset + done, size - kept - done);
    begun_ = begun_ || sent != 0;
    if (sent == 0) throw IoError(FileErrc::unexpected_end, "read", file.name());
    written_ += sent;
    done += sent;
    if (check) kept = std::min(size - done, kKeptBack);
  }
  if (kept != 0) co_await copy_file_part(file, offset + done, kept, std::move(check));
}

}  // namespace weft::inline v0_1::http
