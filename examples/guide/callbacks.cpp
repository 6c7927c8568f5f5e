// Three reads, one after the other, in callbacks: each function starts the next read. What a
// coroutine keeps in local variables is here in an object that the callbacks keep alive; what it
// would throw goes to an error function, which each step must pass on.
#include <array>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <weft/weft.hpp>

// [callbacks]
class ThreeReads : public std::enable_shared_from_this<ThreeReads> {
 public:
  explicit ThreeReads(weft::StreamSocket stream) : stream_(std::move(stream)) {}

  weft::SharedResult<std::string> start() {
    weft::SharedResult<std::string> result = done_.result();
    read_next();
    return result;
  }

 private:
  void read_next() {
    weft::on_complete(
        stream_.read_exact(buffer_), [self = shared_from_this()] { self->on_word(); },
        [self = shared_from_this()](std::exception_ptr error) {
          self->done_.set_error(std::move(error));
        });
  }
  void on_word() {
    for (const std::byte byte : buffer_) words_ += static_cast<char>(byte);
    if (++reads_ < 3) {
      read_next();
    } else {
      done_.set_value(words_);
    }
  }

  weft::StreamSocket stream_;
  std::array<std::byte, 4> buffer_{};
  int reads_ = 0;
  std::string words_;
  weft::Promise<std::string> done_;
};
// [/callbacks]

// [coroutine]
weft::Task<std::string> three_reads(weft::StreamSocket stream) {
  std::array<std::byte, 4> buffer{};
  std::string words;
  for (int reads = 0; reads < 3; ++reads) {
    co_await stream.read_exact(buffer);
    for (const std::byte byte : buffer) words += static_cast<char>(byte);
  }
  co_return words;
}
// [/coroutine]

weft::Task<void> serve_once(weft::SocketListener& listener, std::string text) {
  weft::StreamSocket stream = co_await listener.accept();
  co_await stream.write_all(text);
}

weft::Task<std::string> by_callbacks(weft::StreamSocket stream) {
  const auto reads = std::make_shared<ThreeReads>(std::move(stream));
  std::string words = co_await reads->start();
  co_return words;
}

/// What `read` makes of a peer that sends `text` and closes.
weft::Task<std::string> outcome(weft::Task<std::string> (*read)(weft::StreamSocket),
                                std::string text) {
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  auto server = weft::spawn(serve_once, std::ref(listener), std::move(text));
  weft::StreamSocket stream = co_await weft::StreamSocket::connect(listener.local_endpoint());
  std::string what;
  try {
    what = co_await read(std::move(stream));
  } catch (const weft::IoError& error) {
    what = "failed: " + error.code().message();
  }
  co_await std::move(server);
  co_return what;
}

weft::Task<int> program() {
  int wrong = 0;
  for (const std::string text : {"one,two,end.", "one,two,e"}) {
    const std::string callbacks = co_await outcome(by_callbacks, text);
    const std::string coroutine = co_await outcome(three_reads, text);
    std::printf("'%s' sent:\n  callbacks: %s\n  coroutine: %s\n", text.c_str(), callbacks.c_str(),
                coroutine.c_str());
    if (callbacks != coroutine) ++wrong;
  }
  co_return wrong;
}

int main() { return weft::block_on(program()); }
