// Files, directories and watches.
#include <array>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <weft/weft.hpp>

namespace fs = std::filesystem;

// [whole]
/// A settings file that is complete at any time, also after a crash of the machine.
weft::Task<void> save(fs::path path, std::string settings) {
  co_await weft::write_file(path, settings, weft::WriteOptions().atomic().durable());
}

weft::Task<std::string> load(fs::path path) {
  auto text = co_await weft::attempt(weft::read_text(path, 64 * 1024));  // at most 64 KiB
  if (text) co_return *text;
  if (text.error().code() == std::errc::no_such_file_or_directory) co_return "";
  throw text.error();
}
// [/whole]

// [parts]
/// Records of one size, read and written by their numbers, by any number of tasks at once.
class Records {
 public:
  static constexpr std::size_t size = 16;
  using Record = std::array<std::byte, size>;

  explicit Records(weft::File file) : file_(std::move(file)) {}

  weft::Task<Record> get(std::uint64_t number) {
    Record record;
    co_await file_.read_exact_at(record, number * size);
    co_return record;
  }
  weft::Task<void> put(std::uint64_t number, Record record) {
    co_await file_.write_all_at(record, number * size);
  }
  weft::Task<void> close() {
    co_await file_.sync();
    co_await file_.close();
  }

 private:
  weft::File file_;
};
// [/parts]

// [walk]
weft::Task<std::uint64_t> bytes_below(fs::path directory) {
  std::uint64_t sum = 0;
  auto entries = weft::walk(directory);
  while (auto entry = co_await entries.next()) {
    if (entry->error) {
      std::printf("%s: %s\n", entry->path.c_str(), entry->error.message().c_str());
    } else if (entry->type == weft::FileType::regular) {
      const weft::FileMetadata file = co_await weft::metadata(entry->path);
      sum += file.size;
    }
  }
  co_return sum;
}
// [/walk]

// [watch]
/// Waits until the file has changed, and gives what is in it then. What is watched is its
/// directory: an atomic replacement makes another file.
weft::Task<std::string> next_version(weft::FileWatch& changes, fs::path path) {
  while (auto event = co_await changes.next()) {
    const bool lost = event->change == weft::FileChange::rescan;
    if (lost || event->path == path) break;
  }
  co_return co_await load(path);
}
// [/watch]

weft::Task<void> program() {
  auto folder = co_await weft::TemporaryDirectory::create();
  const fs::path settings = folder.path() / "settings";
  const std::string before = co_await load(settings);
  std::printf("settings at first: \"%s\"\n", before.c_str());
  weft::FileWatch changes = co_await weft::FileWatch::on(folder.path());
  auto waiting = weft::spawn(next_version(changes, settings));
  co_await save(settings, "colour = blue");
  const std::string after = co_await std::move(waiting);
  std::printf("settings then: \"%s\"\n", after.c_str());

  const auto options = weft::OpenOptions().read().write().create();
  weft::File file = co_await weft::File::open(folder.path() / "records", options);
  Records records(std::move(file));
  Records::Record record{};
  record.fill(std::byte{7});
  co_await records.put(3, record);
  const Records::Record third = co_await records.get(3);
  std::printf("record 3 begins with %d\n", static_cast<int>(third[0]));
  co_await records.close();

  const std::uint64_t sum = co_await bytes_below(folder.path());
  std::printf("bytes in the folder: %llu\n", static_cast<unsigned long long>(sum));
}

int main() {
  weft::Runtime runtime;
  runtime.block_on(program());
}
