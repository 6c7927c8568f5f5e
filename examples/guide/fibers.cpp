// weft's fibers: ordinary functions that wait, side by side, cancelled, with locals.
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <span>
#include <string>
#include <vector>
#include <weft/weft.hpp>

using std::chrono::milliseconds;

// [deep]
/// Reads up to the end of a line. It could be from a library of the last century.
std::string read_line(weft::StreamSocket& stream) {
  std::string line;
  for (;;) {
    char letter = 0;
    weft::await(stream.read_exact(std::as_writable_bytes(std::span(&letter, 1))));
    if (letter == '\n') return line;
    line += letter;
  }
}

std::vector<std::string> read_letter(weft::StreamSocket stream) {
  std::vector<std::string> lines;
  for (std::string line = read_line(stream); !line.empty(); line = read_line(stream)) {
    lines.push_back(line);
  }
  return lines;
}
// [/deep]

// [both]
void write_letter(weft::StreamSocket stream) {
  for (const char* line : {"dear reader,\n", "all is well\n", "\n"}) {
    weft::await(stream.write_all(line));
    weft::await(weft::sleep_for(milliseconds(5)));
  }
}

void send_a_letter() {
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  weft::StreamSocket out = weft::await(weft::StreamSocket::connect(listener.local_endpoint()));
  weft::StreamSocket in = weft::await(listener.accept());
  auto reading = weft::spawn(weft::fiber(read_letter, std::move(in)));
  auto writing = weft::spawn(weft::fiber(write_letter, std::move(out)));
  for (const std::string& line : weft::await(std::move(reading))) {
    std::printf("letter:  %s\n", line.c_str());
  }
  weft::await(std::move(writing));
}
// [/both]

// [cancel]
struct Desk {
  ~Desk() { std::puts("cancel:  the desk has been tidied up"); }
};

void wait_for_ever() {
  const Desk desk;
  weft::await(weft::sleep_for(std::chrono::hours(1)));
}

void give_up() {
  try {
    weft::await(weft::timeout(weft::fiber(wait_for_ever), milliseconds(10)));
  } catch (const weft::IoError& error) {
    std::printf("cancel:  %s\n", error.what());
  }
}
// [/cancel]

// [local]
weft::FiberLocal<int> own_count;
thread_local int shared_count = 0;

[[gnu::noinline]] int& count_of_thread() { return shared_count; }

void count_to_three() {
  for (int i = 0; i < 3; ++i) {
    ++own_count.get();
    ++count_of_thread();
    weft::await(weft::yield_now());
  }
  std::printf("local:   this fiber has counted to %d, its thread to %d\n", own_count.get(),
              count_of_thread());
}

void count_twice() {
  weft::await(weft::when_all(weft::fiber(count_to_three), weft::fiber(count_to_three)));
}
// [/local]

int main() {
  weft::block_on(weft::fiber(send_a_letter));
  weft::block_on(weft::fiber(give_up));
  weft::block_on(weft::fiber(count_twice));
}
