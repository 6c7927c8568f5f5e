// Solution to exercise 3 of chapter 16: settings that are read again at SIGHUP. What is wrong with
// the file is said, and the old settings stay.
#include <charconv>
#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <weft/weft.hpp>

namespace fs = std::filesystem;

namespace {

struct Settings {
  int clients = 0;
};

// [load]
/// Reads "clients 100". Throws IoError, and std::runtime_error for another text.
weft::Task<Settings> load(fs::path file) {
  const std::string text = co_await weft::read_text(file, 64 * 1024);
  constexpr std::string_view key = "clients ";
  Settings settings;
  const char* const end = text.data() + text.size();
  if (text.starts_with(key)) {
    const auto parsed = std::from_chars(text.data() + key.size(), end, settings.clients);
    if (parsed.ec == std::errc() && parsed.ptr == end) co_return settings;
  }
  throw std::runtime_error("not \"clients N\": \"" + text + "\"");
}
// [/load]

// [reload]
/// Reads the file at each SIGHUP. Those that use the settings see a whole new one, or the old one.
weft::Task<void> reload_on(weft::SignalListener& hangups, fs::path file,
                           weft::WatchSender<Settings> settings, weft::Sender<std::string> log) {
  while (auto number = co_await hangups.next()) {
    std::string result = "reloaded";
    try {
      const Settings loaded = co_await load(file);
      settings.send(loaded);
    } catch (const std::exception& error) {
      result = error.what();
    }
    static_cast<void>(log.try_send(std::move(result)));
  }
}
// [/reload]

// [try]
weft::Task<void> program() {
  auto folder = co_await weft::TemporaryDirectory::create();
  const fs::path file = folder.path() / "settings";
  co_await weft::write_file(file, "clients 10");
  const Settings first = co_await load(file);
  auto [sender, current] = weft::watch(first);
  auto [log, reports] = weft::channel<std::string>(8);
  weft::SignalListener hangups(SIGHUP);
  auto reloading = weft::spawn(reload_on, std::ref(hangups), file, std::move(sender), log);
  for (const std::string_view text : {"clients 20", "clients many", "clients 30"}) {
    co_await weft::write_file(file, text, weft::WriteOptions().atomic());
    std::raise(SIGHUP);
    const auto report = co_await reports.receive();
    const int clients = current.borrow()->clients;
    std::printf("%s; %d clients\n", report->c_str(), clients);
  }
  hangups.close();
  co_await std::move(reloading);
}
// [/try]

}  // namespace

int main() { weft::block_on(program()); }
