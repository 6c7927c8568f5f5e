// The echo server of the guide's first and last page: twelve lines, if one that only closes a brace
// is none. And a visitor, to whom it echoes three words; when the visitor has gone, it ends.
#include <weft/weft.hpp>

#include "visitor.hpp"

// [server]
weft::Task<void> echo(weft::StreamSocket stream) {             //  1
  std::byte buffer[4096];                                      //  2
  for (std::size_t size = 1; size > 0;) {                      //  3
    size = co_await stream.read(buffer);                       //  4
    co_await stream.write_all(std::span(buffer).first(size));  //  5
  }
}
weft::Task<void> accept_all(weft::Scope& scope) {                           //  6
  auto listener = weft::SocketListener::bind("127.0.0.1:7789");             //  7
  for (;;) {                                                                //  8
    weft::StreamSocket stream = co_await listener.accept();                 //  9
    scope.spawn(weft::SpawnOptions().isolated(), echo, std::move(stream));  // 10
  }
}
int main() {                                                       // 11
  weft::block_on(weft::select(weft::scope(accept_all), visit()));  // 12
}
// [/server]
