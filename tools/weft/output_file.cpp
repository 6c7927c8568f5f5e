#include "output_file.hpp"

#include <cerrno>
#include <filesystem>
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

OutputFile::OutputFile(std::string path)
    : path_(std::move(path)), temporary_(path_ + ".part"), file_(nullptr) {
  file_ = std::fopen(temporary_.c_str(), "wbe");
  if (file_ == nullptr) refuse("create", temporary_, last_error());
}

OutputFile::~OutputFile() {
  if (file_ == nullptr) return;
  std::fclose(file_);
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
  std::fclose(std::exchange(file_, nullptr));
  std::error_code error;
  std::filesystem::rename(temporary_, path_, error);
  if (error) refuse("create", path_, error);
}

}  // namespace weft::tool
