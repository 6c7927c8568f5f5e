// select: the first to end wins, the others are cancelled and waited for. timeout is one of these.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <weft/weft.hpp>

using std::chrono::milliseconds;

// [select]
weft::Task<const char*> answer_after(milliseconds delay, const char* name) {
  co_await weft::sleep_for(delay);
  co_return name;
}

weft::Task<void> ask_two() {
  auto first = co_await weft::select(answer_after(milliseconds(300), "the slow mirror"),
                                     answer_after(milliseconds(30), "the quick mirror"));
  std::printf("select:   number %zu was first", first.index());
  if (first.has<1>()) std::printf(": %s", first.take<1>());
  std::printf("; the other one %s\n", first.has<0>() ? "answered, too" : "was cancelled");
}
// [/select]

// [timeout]
weft::Task<void> wait_for_silence() {
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  weft::StreamSocket silent = co_await weft::StreamSocket::connect(listener.local_endpoint());
  weft::StreamSocket stream = co_await listener.accept();

  std::array<std::byte, 16> buffer;
  const auto size = co_await weft::attempt(weft::timeout(stream.read(buffer), milliseconds(20)));
  std::printf("timeout:  %s\n", size ? "a byte came" : size.error().message().c_str());

  // The stream is as good as before.
  co_await silent.write("!");
  const std::size_t one = co_await weft::timeout(stream.read(buffer), milliseconds(1'000));
  std::printf("timeout:  %zu byte came in time\n", one);
}
// [/timeout]

int main() {
  weft::block_on(ask_two());
  weft::block_on(wait_for_silence());
}
