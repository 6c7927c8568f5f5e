// What the tables for users of Asio and of Tokio say about pipes, files, processes,
// signals, threads that block, reports and HTTP. The code of each row stands here, and runs.
#include <unistd.h>
#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <weft/http.hpp>
#include <weft/weft.hpp>

namespace fs = std::filesystem;
namespace http = weft::http;
using namespace std::chrono_literals;

weft::Task<void> pipes(std::string path) {
  auto [reader, writer] = weft::pipe();
  co_await writer.write_all("through a pipe");
  writer.close();
  const std::string text = co_await weft::BufferedReader(reader).read_to_end(1 << 20);

  weft::make_fifo(path);
  auto opening = weft::spawn([path] { return weft::PipeReader::open_fifo(path); });
  weft::FifoOptions options;
  options.hold_other_end = true;
  weft::PipeWriter fifo = weft::PipeWriter::open_fifo(path, options);
  co_await fifo.write_all("fifo");
  weft::PipeReader other = co_await std::move(opening);
  std::array<char, 4> word{};
  co_await other.read_exact(word);

  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0) co_return;
  const weft::OwnedHandle input(ends[0]);
  const weft::OwnedHandle output(ends[1]);
  weft::Pollable pollable(output.get());
  co_await pollable.writable();
  std::printf("pipes: %s, %.4s, a handle of another library is ready\n", text.c_str(), word.data());
}

weft::Task<void> standard_streams() {
  weft::BufferedReader in(weft::standard_input());
  weft::SharedWriter out = weft::standard_output();
  std::fflush(stdout);  // what printf() holds comes first
  const auto line = co_await in.read_line();
  co_await out.write_all(line ? "a line\n" : "standard input has ended\n");
  if (weft::is_terminal(STDIN_FILENO)) {
    weft::Terminal terminal = weft::Terminal::open();
    const weft::TerminalMode raw = terminal.raw();
    weft::WindowChanges sizes = terminal.window_changes();
  }
}

weft::Task<void> files(fs::path folder) {
  const fs::path path = folder / "data";
  weft::File file = co_await weft::File::open(path, weft::OpenOptions().read().write().create());
  co_await file.write_all("one");
  co_await file.append(" two");
  co_await file.seek(0);
  std::array<std::byte, 64> buffer;
  const std::size_t size = co_await file.read(buffer);
  co_await file.read_exact_at(std::span(buffer).first(3), 4);
  co_await file.write_all_at(std::as_bytes(std::span("2", 1)), 4);
  co_await file.sync();
  co_await file.lock();
  co_await file.close();

  co_await weft::write_file(path, "new", weft::WriteOptions().atomic().durable());
  const std::string text = co_await weft::read_text(path);
  const std::vector<std::byte> bytes = co_await weft::read_file(path);
  const fs::path copy = folder / "copy";
  co_await weft::copy_file(path, copy);
  co_await weft::create_directories(folder / "a" / "b");
  co_await weft::rename(copy, folder / "a" / "b" / "c");
  const weft::FileMetadata known = co_await weft::metadata(path);
  const bool still = co_await weft::exists(copy);
  weft::File scratch = co_await weft::temporary_file();
  std::size_t names = 0;
  auto entries = weft::walk(folder);
  while (auto entry = co_await entries.next()) ++names;
  auto listed = weft::read_directory(folder);
  while (auto entry = co_await listed.next()) ++names;
  co_await weft::remove_all(folder / "a");
  std::printf("files: %zu bytes, then %s (%zu, %d); %zu names; the copy is %s\n", size,
              text.c_str(), bytes.size(), static_cast<int>(known.size), names,
              still ? "there" : "elsewhere");

  weft::FileWatch changes = co_await weft::FileWatch::on(folder);
  co_await weft::remove(path);
  const auto event = co_await changes.next();
  std::printf("watch: data was %s\n",
              event->change == weft::FileChange::removed ? "removed" : "changed");
}

weft::Task<void> processes() {
  weft::Command list("printf");
  list.args({"a\\nb\\n"}).env("LC_ALL", "C").directory("/");
  const weft::Output output = co_await list.output();
  const weft::ExitStatus status = co_await weft::Command("true").status();

  weft::Command sort("sort");
  sort.in(weft::Stdio::pipe()).out(weft::Stdio::pipe()).err(weft::Stdio::null());
  sort.limit(weft::Resource::open_files, 64).kill_on_drop();
  weft::ChildProcess child = sort.spawn();
  co_await child.in->write_all("b\na\n");
  child.in.reset();  // the end of its input
  const std::string sorted = co_await weft::BufferedReader(*child.out).read_to_end(1 << 20);
  co_await child.wait();

  weft::Command command("sleep");
  weft::ChildProcess slow = command.arg("1000").new_group().spawn();
  static_cast<void>(slow.signal(SIGCONT));
  const weft::ExitStatus end = co_await slow.terminate(5s);
  std::printf("processes: %zu bytes, %s; sorted first: %c; %s\n", output.out.size(),
              status.to_string().c_str(), sorted.front(), end.to_string().c_str());
}

weft::Task<void> signals() {
  weft::SignalListener reloads(SIGHUP);
  std::raise(SIGHUP);
  const auto number = co_await reloads.next();
  weft::Task<int> stop = weft::stop_requested();
  std::raise(SIGTERM);
  const int asked = co_await std::move(stop);
  std::printf("signals: %s, %s\n", weft::signal_name(*number).c_str(),
              weft::signal_name(asked).c_str());
}

weft::Task<void> threads() {
  const int answer = co_await weft::blocking([] { return 42; });
  const int row = co_await weft::blocking(weft::lane("database"), [] { return 7; });
  weft::BlockingThreads reports({.name = "reports", .most_threads = 1});
  const int page = co_await weft::blocking(reports, [] { return 1; });
  std::printf("threads: %d, %d, %d\n", answer, row, page);
}

weft::Task<http::Response> greet(http::Request& request) {
  const std::string name = request.query_value("name").value_or("you");
  co_return http::Response::text("hello " + name + "\n");
}

weft::Task<void> over_http() {
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  const std::string url = "http://" + listener.local_endpoint().to_string() + "/?name=weft";
  weft::ManualResetEvent stop;
  http::Server server({}, greet);
  auto serving = weft::spawn([&] { return server.serve_until(listener, stop.wait()); });
  std::string body;
  auto sink = [&](const http::Response&, std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) body += static_cast<char>(byte);
  };
  {
    http::Client client;
    const http::Response response = co_await client.get(url);
    co_await client.get_to(url, sink);
    std::printf("http: %d, %zu bytes, streamed %zu\n", response.status.code(), response.body.size(),
                body.size());
  }
  stop.set();
  co_await std::move(serving);

  weft::Duplex ends = weft::duplex(4096);
  auto one = weft::spawn([&] { return server.serve_connection(std::move(ends.a)); });
  http::ClientConnection connection(std::move(ends.b));
  const http::Response hello = co_await connection.get("http://test/");
  connection.close();
  co_await std::move(one);
  std::printf("http over memory: %s", hello.body.c_str());
}

weft::Task<void> program() {
  auto folder = co_await weft::TemporaryDirectory::create();
  co_await pipes((folder.path() / "fifo").string());
  co_await standard_streams();
  auto data = co_await weft::TemporaryDirectory::create();
  co_await files(data.path());
  co_await processes();
  co_await signals();
  co_await threads();
  co_await over_http();
}

int main() {
  weft::RuntimeOptions options;
  options.workers = 2;
  options.lanes = {{.name = "database", .most_threads = 2}};
  options.log = [](const weft::LogRecord& record) {
    std::fprintf(stderr, "%s\n", weft::to_string(record).c_str());
  };
  weft::Runtime runtime(std::move(options));
  runtime.block_on(program());
  const weft::RuntimeMetrics counts = runtime.metrics();
  std::printf("metrics: %zu lane, %d calls\n", counts.lanes.size(),
              static_cast<int>(counts.lanes.front().calls));
  const weft::ShutdownResult result = runtime.shutdown(5s);
  std::printf("shutdown: %s\n", result.complete ? "all has ended" : result.waits_for.c_str());
}
