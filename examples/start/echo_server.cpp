#include <chrono>
#include <iostream>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

weft::Task<void> echo(weft::StreamSocket stream) {
  try {
    std::byte buffer[4096];
    for (;;) {
      const std::size_t size = co_await weft::timeout(stream.read(buffer), 60s);
      if (size == 0) co_return;  // the peer has closed
      co_await stream.write_all(std::span(buffer).first(size));
    }
  } catch (const weft::IoError& error) {
    std::cerr << error.what() << "\n";  // this connection's trouble: the others go on
  }
}

weft::Task<void> serve(weft::SocketListener& listener) {
  auto accept_all = [&](weft::Scope& scope) -> weft::Task<void> {
    for (;;) {
      auto stream = co_await weft::attempt(listener.accept());
      if (stream) {
        scope.spawn(echo, std::move(*stream));
      } else {
        co_await weft::sleep_for(100ms);  // no descriptor is left, say: that passes
      }
    }
  };
  co_await weft::scope(accept_all);  // no connection outlives this line
}

int main(int argc, char** argv) {
  weft::SocketListener listener = weft::SocketListener::bind(argc > 1 ? argv[1] : "127.0.0.1:7777");
  weft::Runtime runtime;  // after what its tasks use, and so destroyed before
  std::cout << "echoing on " << listener.local_endpoint().to_string() << std::endl;
  runtime.block_on(serve(listener));
}
