// Tasks in a program whose loop is libuv's: no thread of their own, and no locks.
#include <chrono>
#include <cstdio>

#include "uv.hpp"

namespace {

using namespace std::chrono_literals;

weft::Task<void> serve(weft::SocketListener& listener) {
  weft::StreamSocket stream = co_await listener.accept();
  std::byte buffer[64];
  const std::size_t size = co_await stream.read(buffer);
  co_await weft::sleep_for(30ms);
  co_await stream.write_all(std::span(buffer).first(size));
}

weft::Task<void> talk(weft::Endpoint server, foreign::UvStepper& stepper) {
  weft::StreamSocket stream = co_await weft::StreamSocket::connect(server);
  co_await stream.write_all("hello");
  std::byte buffer[64];
  const std::size_t size = co_await stream.read(buffer);
  std::printf("task: %zu bytes came back\n", size);
  stepper.close();  // the last reason for the loop to go on
}

}  // namespace

int main() {
  // [loop]
  uv_loop_t loop;
  uv_loop_init(&loop);
  uv_timer_t timer;  // stands for the loop's own work
  uv_timer_init(&loop, &timer);
  uv_timer_start(&timer, [](uv_timer_t*) { std::puts("loop: a timer"); }, 5, 0);
  {
    weft::RuntimeOptions options;
    options.current_thread = true;
    weft::SocketListener listener = weft::SocketListener::bind(weft::Endpoint::loopback(0));
    weft::Runtime runtime(options);
    foreign::UvStepper stepper(&loop, runtime);
    runtime.spawn(serve, std::ref(listener)).detach();
    runtime.spawn(talk, listener.local_endpoint(), std::ref(stepper)).detach();
    uv_run(&loop, UV_RUN_DEFAULT);  // the program's loop, as ever
  }
  uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
  uv_run(&loop, UV_RUN_DEFAULT);
  // [/loop]
  std::printf("loop: %s\n", uv_loop_close(&loop) == 0 ? "nothing is left" : "something is left");
}
