// Standard streams and the terminal: lines from standard input to standard output, a key at a time,
// a password, the window's size.
#include <unistd.h>
#include <array>
#include <cstdio>
#include <string>
#include <utility>
#include <weft/weft.hpp>

// [filter]
weft::Task<int> number_lines() {
  weft::BufferedReader in(weft::standard_input());
  weft::SharedWriter out = weft::standard_output();
  int count = 0;
  while (auto line = co_await in.read_line()) {
    std::string text = std::to_string(++count) + " " + std::string(*line) + "\n";
    co_await out.write_all(text);
  }
  co_return count;
}
// [/filter]

// [keys]
weft::Task<void> echo_keys(weft::Terminal terminal) {
  const weft::TerminalMode raw = terminal.raw();  // until this function ends, however it ends
  weft::SharedReader keys = terminal.reader();
  weft::SharedWriter screen = terminal.writer();
  std::array<char, 16> key;
  while (std::size_t size = co_await keys.read(key)) {
    if (key[0] == 'q') co_return;
    co_await screen.write_all(std::string_view(key.data(), size));
  }
}
// [/keys]

// [password]
weft::Task<std::string> ask_password() {
  weft::Terminal terminal = weft::Terminal::open();  // also where standard input is a file
  weft::SharedWriter screen = terminal.writer();
  weft::BufferedReader in(terminal.reader());
  const weft::TerminalMode quiet = terminal.no_echo();
  co_await screen.write_all("Password: ");
  const auto line = co_await in.read_line();
  co_return std::string(line.value_or(""));
}
// [/password]

// [window]
weft::Task<void> redraw(weft::Terminal terminal) {
  weft::WindowChanges changes = terminal.window_changes();
  while (auto size = co_await changes.next()) {
    std::printf("%u columns, %u rows\r\n", unsigned{size->columns}, unsigned{size->rows});
  }
}
// [/window]

// [relay]
weft::Task<void> talk(const weft::Endpoint& where) {
  weft::StreamSocket socket = co_await weft::StreamSocket::connect(where);
  auto user = weft::join(weft::standard_input(), weft::standard_output());
  co_await weft::copy_bidirectional(user, socket);
}
// [/relay]

weft::Task<int> program() {
  if (!weft::is_terminal(STDIN_FILENO)) {
    const int lines = co_await number_lines();
    co_return lines == 0 ? 1 : 0;
  }
  weft::Terminal terminal = weft::Terminal::of(STDIN_FILENO);
  const std::string secret = co_await ask_password();
  co_await weft::select(redraw(terminal), echo_keys(terminal));
  std::printf("the password has %zu characters\n", secret.size());
  co_return 0;
}

int main(int count, char** arguments) {
  weft::Runtime runtime;
  if (count < 2) return runtime.block_on(program());
  runtime.block_on(talk(weft::Endpoint::parse(arguments[1]).value()));
}
