#include "output_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <random>
#include <set>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "values.hpp"

namespace weft::tool {

namespace {

[[noreturn]] void refuse(const char* what, const std::string& path, const std::error_code& why) {
  throw std::runtime_error("cannot " + std::string(what) + " " + path + ": " + why.message());
}

std::error_code last_error() { return {errno, std::generic_category()}; }

}  // namespace

void make_output_directory(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error && !std::filesystem::is_directory(path)) {
    error = std::make_error_code(std::errc::not_a_directory);
  }
  if (error) refuse("make directory", path, error);
}

std::vector<std::string> output_paths(const std::string& directory,
                                      const std::vector<std::string>& urls) {
  std::set<std::string> taken;
  std::vector<std::string> paths;
  for (const std::string& url : urls) {
    const std::string base = file_name_of(url);
    std::string name = base;
    for (unsigned number = 2; !taken.insert(name).second; ++number) {
      name = base + "-" + std::to_string(number);
    }
    paths.push_back((std::filesystem::path(directory) / name).string());
  }
  return paths;
}

// The random part keeps processes apart that write to one directory.
std::string temporary_beside(const std::string& path) {
  std::random_device random;
  const std::string name = ".weft-" + std::to_string(random()) + "-" + std::to_string(random());
  return std::filesystem::path(path).replace_filename(name).string();
}

OutputFile::OutputFile(std::string path) : path_(std::move(path)), file_(nullptr) {
  int handle = -1;
  do {
    temporary_ = temporary_beside(path_);
    handle = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (handle < 0 && errno == EEXIST);
  if (handle < 0) refuse("create", temporary_, last_error());
  file_ = ::fdopen(handle, "wb");
  if (file_ != nullptr) return;
  const std::error_code error = last_error();
  ::close(handle);
  remove_temporary();
  refuse("create", temporary_, error);
}

OutputFile::~OutputFile() {
  if (file_ == nullptr) return;
  std::fclose(file_);
  remove_temporary();
}

void OutputFile::remove_temporary() const noexcept {
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
}

void OutputFile::write(std::span<const std::byte> bytes) {
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) {
    refuse("write", temporary_, last_error());
  }
}

void OutputFile::commit() {
  if (std::fflush(file_) != 0) refuse("write", temporary_, last_error());
  std::error_code error;
  if (std::fclose(std::exchange(file_, nullptr)) != 0) {  // some file systems write only now
    error = last_error();
  } else {
    std::filesystem::rename(temporary_, path_, error);
  }
  if (!error) return;
  remove_temporary();
  refuse("create", path_, error);
}

}  // namespace weft::tool
