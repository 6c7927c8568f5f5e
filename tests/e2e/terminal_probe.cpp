// A program at a terminal, for test_terminal.py: the first argument says what it does.
#include <sys/types.h>
#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

namespace {

weft::Task<void> say(std::string text) {
  weft::SharedWriter out = weft::standard_output();
  co_await out.write_all(text);
}

weft::Task<int> cat() {
  weft::SharedReader in = weft::standard_input();
  weft::SharedWriter out = weft::standard_output();
  const auto size = co_await weft::attempt(weft::copy(in, out));
  if (size) co_return 0;
  std::fprintf(stderr, "%s\n", size.error().what());
  co_return 3;
}

/// A read that is given up must not hold the program up.
weft::Task<int> give_up() {
  weft::SharedReader in = weft::standard_input();
  char room[16];
  const auto size = co_await weft::attempt(weft::timeout(in.read(room), 20ms));
  const bool timed_out = !size && size.error() == std::errc::timed_out;
  std::string text = timed_out ? "timed out\n" : "read\n";
  co_await say(text);
  co_return 0;
}

/// A read that was given up must not have taken what comes later.
weft::Task<int> read_after_giving_up() {
  weft::SharedReader in = weft::standard_input();
  char room[64];
  const auto none = co_await weft::attempt(weft::timeout(in.read(room), 5ms));
  std::string text = none ? "early\n" : "given up\n";
  co_await say(text);
  const std::size_t size = co_await in.read(room);
  co_await say("got " + std::string(room, size));
  co_return 0;
}

weft::Task<int> read_error() {
  std::signal(SIGTTIN, SIG_IGN);
  char room[16];
  const auto size = co_await weft::attempt(weft::standard_input().read(room));
  const weft::Result<bool> front = weft::Terminal::open().in_foreground();
  std::fprintf(stderr, "%s; foreground: %d\n", size ? "read" : size.error().what(),
               front && *front ? 1 : 0);
  co_return 0;
}

weft::Task<int> sizes(int count) {
  weft::Terminal terminal = weft::Terminal::of(STDIN_FILENO);
  weft::WindowChanges changes = terminal.window_changes();
  weft::WindowSize size = terminal.window_size().value();
  co_await say(std::to_string(size.columns) + "x" + std::to_string(size.rows) + "\n");
  while (count-- > 0) {
    const auto next = co_await changes.next();
    size = *next;
    co_await say(std::to_string(size.columns) + "x" + std::to_string(size.rows) + "\n");
  }
  co_return 0;
}

weft::Task<int> relay(std::string path) {
  weft::UnixStream socket = co_await weft::UnixStream::connect(path);
  auto user = weft::join(weft::standard_input(), weft::standard_output());
  co_await weft::copy_bidirectional(user, socket);
  co_return 0;
}

weft::Task<int> password() {
  weft::Terminal terminal = weft::Terminal::open();
  weft::SharedWriter out = terminal.writer();
  weft::BufferedReader in(terminal.reader());
  std::string secret;
  {
    const weft::TerminalMode mode = terminal.no_echo();
    co_await out.write_all("password: ");
    const auto line = co_await in.read_line();
    secret = std::string(line.value_or(""));
  }
  co_await say("it has " + std::to_string(secret.size()) + " characters\n");
  co_return 0;
}

weft::Task<void> wait_for(std::string_view end) {
  if (end == "stop_requested") {
    co_await weft::stop_requested();
    co_await say("stopping\r\n");
  }
  if (end == "return") co_return;
  if (end == "throw") throw std::runtime_error("thrown");
  if (end == "exit") std::exit(0);
  if (end == "quick_exit") std::quick_exit(0);
  if (end == "abort") std::abort();
  if (end == "fault") ::raise(SIGSEGV);
  co_await weft::never();
}

/// Changes the mode, says so, and ends in the way that `end` names.
weft::Task<int> changed(std::string_view mode, std::string_view end) {
  weft::Terminal terminal = weft::Terminal::of(STDIN_FILENO);
  const weft::TerminalMode changed = mode == "raw" ? terminal.raw() : terminal.cbreak();
  if (end == "listener") {
    weft::SignalListener reloads(SIGTERM);
    co_await say("ready\r\n");
    co_await reloads.next();
    co_return 0;
  }
  if (end == "fork") {
    if (::fork() == 0) std::exit(0);  // the child leaves the mode alone
  }
  if (end == "stop_requested") {
    auto waits = weft::spawn(wait_for(end));
    co_await weft::yield_now();
    co_await say("ready\r\n");
    co_await std::move(waits);
  }
  co_await say("ready\r\n");
  co_await wait_for(end);
  co_return 0;
}

weft::Task<int> run(int count, char** arguments) {
  const std::string_view what = count > 1 ? arguments[1] : "";
  if (what == "cat") co_return co_await cat();
  if (what == "give-up") co_return co_await give_up();
  if (what == "read-after-giving-up") co_return co_await read_after_giving_up();
  if (what == "read-error") co_return co_await read_error();
  if (what == "sizes") co_return co_await sizes(std::atoi(arguments[2]));
  if (what == "relay") co_return co_await relay(arguments[2]);
  if (what == "password") co_return co_await password();
  if (what == "mode") co_return co_await changed(arguments[2], arguments[3]);
  co_return 2;
}

}  // namespace

int main(int count, char** arguments) try {
  weft::Runtime runtime;
  return runtime.block_on(run(count, arguments));
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 3;
}
