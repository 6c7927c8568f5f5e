#include "fetch_destination.hpp"

#include <fcntl.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>
#include <weft/owned_handle.hpp>
#include <weft/terminal.hpp>

#include "commands.hpp"
#include "fetch_client.hpp"

namespace weft::tool {

namespace {

constexpr const char* standard_output_name = "standard output";

class StreamDestination final : public Destination {
 public:
  explicit StreamDestination(const std::string& path) : name_(path) {
    if (path == "-") {
      name_ = standard_output_name;
      writer_.emplace(standard_output());
      return;
    }
    handle_.reset(::open(path.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY));
    const int error = errno;
    if (!handle_) fail_to_open(std::error_code(error, std::generic_category()));
    auto writer = SharedWriter::of(handle_.get(), name_);
    if (!writer) fail_to_open(writer.error());
    writer_.emplace(std::move(*writer));
  }

  Task<void> begin(std::uint64_t, const PartRecord&) override { co_return; }
  Task<void> write(std::span<const std::byte> bytes) override {
    const auto written = co_await attempt(writer_->write_all(bytes));
    if (written) co_return;
    throw FetchError(exit_not_written,
                     "cannot write to " + name_ + ": " + written.error().message());
  }
  Task<void> finish() override { co_return; }

 private:
  [[noreturn]] void fail_to_open(std::error_code why) const {
    throw FetchError(exit_failed, "cannot open " + name_ + ": " + why.message());
  }

  std::string name_;
  OwnedHandle handle_;  // open as long as the writer
  std::optional<SharedWriter> writer_;
};

// What exists and is no regular file takes bytes as they come, but for a directory.
bool is_stream(const std::string& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  return std::filesystem::exists(status) && !std::filesystem::is_regular_file(status) &&
         !std::filesystem::is_directory(status);
}

void refuse_directory(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) return;
  throw FetchError(exit_failed, "cannot write " + path + ": it is a directory");
}

}  // namespace

std::unique_ptr<Destination> make_stream_destination(const std::string& path) {
  return std::make_unique<StreamDestination>(path);
}

std::unique_ptr<Destination> make_destination(const std::string& path, bool continues) {
  if (path.empty() || path == "-") return make_stream_destination("-");
  refuse_directory(path);
  if (is_stream(path)) {
    if (continues) throw FetchError(exit_failed, "cannot continue " + path + ": it is no file");
    return make_stream_destination(path);
  }
  return continues ? make_continued_file(path) : make_new_file(path);
}

}  // namespace weft::tool
