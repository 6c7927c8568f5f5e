// The files among the destinations of `weft fetch`: a new one, and one that is continued.
#include <fcntl.h>
#include <stdio.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>

#include "commands.hpp"
#include "fetch_client.hpp"
#include "fetch_destination.hpp"
#include "output_file.hpp"
#include "values.hpp"

namespace weft::tool {

namespace {

std::string record_beside(const std::string& path) { return path + ".weft-part"; }

std::string text_of_kept(std::uint64_t size, const std::string& path) {
  return readable_size(size) + " kept in " + path + "; --continue goes on from there";
}

// What both have in common: an open file that is written from a position on.
class FileDestination : public Destination {
 public:
  explicit FileDestination(std::string path) : path_(std::move(path)) {}

  Task<void> write(std::span<const std::byte> bytes) override {
    const auto written = co_await attempt(file_->write_all_at(bytes, end_));
    if (!written) fail_to_write(written.error());
    end_ += bytes.size();
  }
  Task<void> finish() override {
    if (file_) {
      const auto closed = co_await attempt(file_->close());  // some file systems write only now
      if (!closed) fail_to_write(closed.error());
      file_.reset();
      take_place();
    }
    std::error_code ignored;
    std::filesystem::remove(record_beside(path_), ignored);
  }

 protected:
  // Puts the complete file where it belongs.
  virtual void take_place() {}

  [[noreturn]] void fail_to_write(const IoError& why) const {
    throw FetchError(exit_not_written, "cannot write " + path_ + ": " + why.message());
  }
  [[noreturn]] void fail_to_open(const std::error_code& why) const {
    throw FetchError(exit_failed, "cannot create " + path_ + ": " + why.message());
  }
  void remove(const std::string& path) const noexcept {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }

  const std::string path_;
  std::optional<File> file_;
  std::uint64_t end_ = 0;
};

class NewFile final : public FileDestination {
 public:
  using FileDestination::FileDestination;
  ~NewFile() override {
    if (!temporary_.empty()) remove(temporary_);
  }

  Task<void> begin(std::uint64_t, const PartRecord& record) override {
    record_ = record;
    for (;;) {
      std::string name = temporary_beside(path_);
      const auto how = OpenOptions().write().create_new();
      auto opened = co_await attempt(File::open(name, how));
      if (!opened && opened.error().code() == std::errc::file_exists) continue;
      if (!opened) fail_to_open(opened.error().code());
      file_.emplace(std::move(*opened));
      temporary_ = std::move(name);
      co_return;
    }
  }
  std::string leave(bool can_continue) override {
    file_.reset();
    if (temporary_.empty() || end_ == 0 || !can_continue) return {};
    record_.save(record_beside(path_));
    const int error =
        ::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE);
    if (error != 0) {  // there is such a file, or the file system cannot do this
      remove(record_beside(path_));
      return {};
    }
    temporary_.clear();
    return text_of_kept(end_, path_);
  }

 private:
  void take_place() override {
    std::error_code error;
    std::filesystem::rename(temporary_, path_, error);
    if (error) fail_to_open(error);
    temporary_.clear();
  }

  std::string temporary_;  // empty: there is none
  PartRecord record_;
};

class ContinuedFile final : public FileDestination {
 public:
  explicit ContinuedFile(std::string path) : FileDestination(std::move(path)) {
    std::error_code error;
    const auto size = std::filesystem::file_size(path_, error);
    was_there_ = !error;
    if (was_there_) end_ = size;
  }

  std::uint64_t part() const noexcept override { return end_; }
  PartRecord record() const override { return PartRecord::load(record_beside(path_)); }

  Task<void> begin(std::uint64_t at, const PartRecord& record) override {
    if (!file_) co_await open();
    const auto cut = co_await attempt(file_->truncate(at));
    if (!cut) fail_to_write(cut.error());
    end_ = at;
    record.save(record_beside(path_));
  }
  std::string leave(bool) override {
    if (!file_) return {};
    file_.reset();
    if (end_ > 0) return text_of_kept(end_, path_);
    if (!was_there_) remove(path_);
    remove(record_beside(path_));
    return {};
  }

 private:
  Task<void> open() {
    auto opened = co_await attempt(File::open(path_, OpenOptions().write().create()));
    if (!opened) fail_to_open(opened.error().code());
    file_.emplace(std::move(*opened));
    const auto is_ours = co_await attempt(file_->try_lock());
    const auto size = co_await attempt(file_->size());
    if (is_ours && size && *is_ours && *size == end_) co_return;
    file_.reset();
    if (!is_ours) fail_to_open(is_ours.error().code());
    if (!size) fail_to_open(size.error().code());
    throw FetchError(exit_failed, "cannot continue " + path_ + ": another process writes it");
  }

  bool was_there_ = false;
};

}  // namespace

std::unique_ptr<Destination> make_new_file(const std::string& path) {
  return std::make_unique<NewFile>(path);
}

std::unique_ptr<Destination> make_continued_file(const std::string& path) {
  return std::make_unique<ContinuedFile>(path);
}

}  // namespace weft::tool
