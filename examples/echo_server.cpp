#include <iostream>
#include <utility>
#include <weft/weft.hpp>

weft::Task<void> echo(weft::StreamSocket stream) {
  try {
    std::byte buffer[4096];
    while (const std::size_t size = co_await stream.read(buffer)) {  // 0: the peer has closed
      co_await stream.write_all(std::span(buffer).first(size));
    }
  } catch (const weft::IoError&) {  // the peer has reset this connection: the others go on
  }
}

weft::Task<void> serve(weft::SocketListener listener) {
  weft::Task<int> stop = weft::stop_requested();  // by Ctrl-C or SIGTERM, from here on
  std::cout << "echoing on " << listener.local_endpoint().to_string() << std::endl;
  co_await weft::serve_until(listener, std::move(stop), echo);
}

int main(int argc, char** argv) {
  weft::Runtime runtime;
  runtime.block_on(serve(weft::SocketListener::bind(argc > 1 ? argv[1] : "127.0.0.1:7777")));
}
