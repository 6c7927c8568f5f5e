// SharedReader, SharedWriter, and the standard streams.
#include <fcntl.h>
#include <unistd.h>
#include <weft/terminal.hpp>

#include <array>
#include <utility>

#include "base/check.hpp"
#include "terminal/shared_end.hpp"

namespace weft::inline v0_1::detail {

SharedUser& SharedUser::operator=(SharedUser&& other) noexcept {
  if (this == &other) return *this;
  close();
  end_ = std::move(other.end_);
  return *this;
}

void SharedUser::close() noexcept {
  if (end_ != nullptr) end_->close();
}

SharedUser::operator bool() const noexcept { return end_ != nullptr && !end_->closed(); }

bool SharedUser::is_terminal() const noexcept { return end()->is_terminal(); }

std::string SharedUser::subject() const { return end()->name(); }

const std::shared_ptr<SharedEnd>& SharedUser::end() const noexcept {
  WEFT_CHECK(end_ != nullptr, "the shared reader or writer was moved from");
  return end_;
}

Task<void> SharedUser::ready(std::uint32_t interests) { return SharedEnd::ready(end(), interests); }

namespace {

constexpr std::array standard_names = {"standard input", "standard output", "standard error"};

/// Which of the handles 0 to 2 were closed before the program ran: their numbers may be those of
/// other files by the time it asks.
constinit std::array<bool, 3> closed_at_start{};

/// Before the constructors of static objects, which may open files.
[[gnu::constructor(101)]] void note_closed_handles() noexcept {
  for (int handle = 0; handle < 3; ++handle) {
    closed_at_start[static_cast<std::size_t>(handle)] = ::fcntl(handle, F_GETFD) < 0;
  }
}

template <class Stream>
Stream standard_stream(NativeHandle handle) {
  const auto index = static_cast<std::size_t>(handle);
  const std::string name = standard_names[index];
  if (closed_at_start[index]) {
    throw IoError(std::make_error_code(std::errc::bad_file_descriptor), "open",
                  name + " (closed when the program began)");
  }
  Result<Stream> stream = Stream::of(handle, name);
  if (!stream) throw IoError(stream.error(), "open", name);
  return std::move(*stream);
}

}  // namespace
}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

Result<SharedReader> SharedReader::of(NativeHandle handle, std::string name) {
  Result<std::shared_ptr<detail::SharedEnd>> end =
      detail::SharedEnd::make(handle, detail::SharedEnd::Use::reads, std::move(name), nullptr);
  if (!end) return fail(end.error());
  return SharedReader(std::move(*end));
}

Task<std::size_t> SharedReader::read(std::span<std::byte> buffer) {
  return detail::SharedEnd::read(end(), buffer);
}

Task<void> SharedReader::readable() { return ready(interest::readable); }

Result<SharedWriter> SharedWriter::of(NativeHandle handle, std::string name) {
  Result<std::shared_ptr<detail::SharedEnd>> end =
      detail::SharedEnd::make(handle, detail::SharedEnd::Use::writes, std::move(name), nullptr);
  if (!end) return fail(end.error());
  return SharedWriter(std::move(*end));
}

Task<std::size_t> SharedWriter::write(std::span<const std::byte> data) {
  return detail::SharedEnd::write(end(), data);
}

Task<void> SharedWriter::write_all(std::span<const std::byte> data) {
  return detail::SharedEnd::write_all(end(), data);
}

Task<void> SharedWriter::writable() { return ready(interest::writable); }

Result<void> SharedWriter::shutdown() noexcept { return end()->shutdown(); }

SharedReader standard_input() { return detail::standard_stream<SharedReader>(STDIN_FILENO); }
SharedWriter standard_output() { return detail::standard_stream<SharedWriter>(STDOUT_FILENO); }
SharedWriter standard_error() { return detail::standard_stream<SharedWriter>(STDERR_FILENO); }

bool is_terminal(NativeHandle handle) noexcept { return ::isatty(handle) == 1; }

}  // namespace weft::inline v0_1
