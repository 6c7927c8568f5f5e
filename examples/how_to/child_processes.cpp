// Runs other programs: for their output, in a conversation, in a pipeline, with an end.
#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <tuple>
#include <utility>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

// [output]
weft::Task<void> list() {
  weft::Command command("printf");
  command.arg("%s\n").args({"one", "two"}).directory("/");
  const weft::Output output = co_await command.output();
  std::printf("it wrote %zu bytes and ended with %s\n", output.out.size(),
              output.status.to_string().c_str());
}
// [/output]

// [talk]
weft::Task<std::string> upper_case(std::string text) {
  weft::Command command("tr");
  command.args({"a-z", "A-Z"}).in(weft::Stdio::pipe()).out(weft::Stdio::pipe());
  weft::ChildProcess child = command.spawn();
  auto write = [&]() -> weft::Task<void> {
    co_await child.in->write_all(text);
    child.in.reset();  // the end of its input
  };
  auto read = [&]() -> weft::Task<std::string> {
    std::string all;
    std::array<char, 4096> room;
    while (std::size_t size = co_await child.out->read(room)) all.append(room.data(), size);
    co_return all;
  };
  // Both at once: either pipe may be full while the other one waits.
  auto both = co_await weft::when_all(write(), read());
  co_await child.wait();
  co_return std::get<1>(both);
}
// [/talk]

// [pipeline]
weft::Task<void> sorted() {
  weft::Command words("printf");
  words.args({"b\\na\\n"}).out(weft::Stdio::pipe());
  weft::ChildProcess first = words.spawn();
  weft::Command sort("sort");
  sort.in(weft::Stdio::from(std::move(*first.out)));
  const weft::Output output = co_await sort.output();
  std::printf("the first line is %s\n", output.out.substr(0, output.out.find('\n')).c_str());
  co_await first.wait();
}
// [/pipeline]

// [end]
weft::Task<void> end_in_time() {
  weft::Command command("sleep");
  command.arg("1000").new_group().kill_on_drop();
  weft::ChildProcess child = command.spawn();
  const auto status = co_await weft::attempt(weft::timeout(child.wait(), 50ms));
  if (status) co_return;
  const weft::ExitStatus end = co_await child.terminate(2s);  // SIGTERM, and SIGKILL after 2 s
  std::printf("it was %s\n", end.to_string().c_str());
}
// [/end]

// [errors]
void fail() {
  try {
    static_cast<void>(weft::Command("true").directory("/no/such").spawn());
  } catch (const weft::SpawnError& error) {
    std::puts(error.what());
  }
}
// [/errors]

weft::Task<void> program() {
  co_await list();
  const std::string text = co_await upper_case("loud");
  std::puts(text.c_str());
  co_await sorted();
  co_await end_in_time();
  fail();
}

int main() {
  weft::Runtime runtime;
  runtime.block_on(program());
}
