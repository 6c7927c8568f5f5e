#include "fetch_body.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <span>
#include <system_error>
#include <utility>
#include <vector>
#include <weft/terminal.hpp>

#include "fetch_client.hpp"

namespace weft::tool {

namespace {

constexpr std::size_t piece_size = std::size_t{64} * 1024;

[[noreturn]] void fail_to_read(const std::string& name, const std::string& why) {
  throw FetchError(exit_failed, "cannot read " + name + ": " + why);
}

// The file has the announced size, or the request ends with an error.
Task<void> send_file(std::shared_ptr<File> file, std::uint64_t size, http::BodyWriter& out) {
  std::vector<std::byte> piece(piece_size);
  for (std::uint64_t at = 0; at < size;) {
    const auto most = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), size - at));
    const auto got = co_await attempt(file->read_at(std::span(piece).first(most), at));
    if (!got) fail_to_read(file->name(), got.error().message());
    if (*got == 0) fail_to_read(file->name(), "it became shorter");
    at += *got;
    co_await out.write_all(std::span<const std::byte>(piece).first(*got));
  }
}

SharedReader reader_of(const std::shared_ptr<OwnedHandle>& handle, const std::string& name) {
  if (handle == nullptr) return standard_input();
  auto reader = SharedReader::of(handle->get(), name);
  if (!reader) fail_to_read(name, reader.error().message());
  return std::move(*reader);
}

Task<void> send_stream(std::shared_ptr<OwnedHandle> handle, std::string name,
                       http::BodyWriter& out) {
  SharedReader reader = reader_of(handle, name);
  std::vector<std::byte> piece(piece_size);
  for (;;) {
    const auto got = co_await attempt(reader.read(piece));
    if (!got) fail_to_read(name, got.error().message());
    if (*got == 0) co_return;
    co_await out.write_all(std::span<const std::byte>(piece).first(*got));
    co_await out.flush();
  }
}

}  // namespace

SentBody::SentBody(const FetchOptions& options) {
  if (!options.upload.empty()) {
    open(options.upload);
  } else if (options.data && options.data->starts_with('@')) {
    open(options.data->substr(1));
  } else {
    text_ = options.data.value_or("");
  }
}

void SentBody::open(const std::string& path) {
  name_ = path == "-" ? "standard input" : path;
  if (path == "-") return;
  OwnedHandle handle(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  const int error = errno;
  if (!handle) fail_to_read(path, std::error_code(error, std::generic_category()).message());
  std::error_code failed;
  const auto status = std::filesystem::status(path, failed);
  if (std::filesystem::is_directory(status)) fail_to_read(path, "it is a directory");
  if (!std::filesystem::is_regular_file(status)) {
    stream_ = std::make_shared<OwnedHandle>(std::move(handle));
    return;
  }
  size_ = std::filesystem::file_size(path, failed);
  if (failed) fail_to_read(path, failed.message());
  auto adopted = File::adopt(handle.get(), path);
  if (!adopted) fail_to_read(path, adopted.error().message());
  static_cast<void>(handle.release());
  file_ = std::make_shared<File>(std::move(*adopted));
}

void SentBody::add_to(http::ClientRequest& request) const {
  if (file_ != nullptr) {
    auto send = [file = file_, size = size_](http::BodyWriter& out) {
      return send_file(file, size, out);
    };
    request.stream(std::move(send), size_).repeatable();
  } else if (!name_.empty()) {
    request.stream([stream = stream_, name = name_](http::BodyWriter& out) {
      return send_stream(stream, name, out);
    });
  } else {
    request.body = text_;
  }
}

std::string requested_url(const FetchOptions& options) {
  std::string url = options.urls.front();
  if (options.upload.empty() || options.upload == "-" || !url.ends_with('/')) return url;
  return url + http::percent_encode(std::filesystem::path(options.upload).filename().string());
}

http::Method requested_method(const FetchOptions& options) {
  if (options.method) return *options.method;
  if (options.data) return http::Method::post;
  return options.upload.empty() ? http::Method::get : http::Method::put;
}

}  // namespace weft::tool
