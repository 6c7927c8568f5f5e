// One task waits to read, another one writes: the shortest program in which a task is woken. To be
// looked at with strace.
#include <array>
#include <cstddef>
#include <cstdio>
#include <string_view>
#include <weft/weft.hpp>

// [tasks]
weft::Task<void> read_one(weft::StreamSocket& stream) {
  std::array<std::byte, 16> buffer;
  const std::size_t size = co_await stream.read(buffer);  // nothing there yet: it waits
  std::printf("read %zu bytes\n", size);
}

weft::Task<void> write_one(weft::StreamSocket& stream) {
  co_await weft::yield_now();  // the reader shall wait first
  co_await stream.write("hello");
}
// [/tasks]

weft::Task<void> program() {
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  weft::StreamSocket out = co_await weft::StreamSocket::connect(listener.local_endpoint());
  weft::StreamSocket in = co_await listener.accept();
  co_await weft::when_all(read_one(in), write_one(out));
}

int main() { weft::block_on(program()); }
