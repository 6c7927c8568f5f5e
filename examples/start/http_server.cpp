#include <chrono>
#include <iostream>
#include <string>
#include <weft/http.hpp>
#include <weft/weft.hpp>

using namespace std::chrono_literals;

weft::Task<weft::http::Response> answer(weft::http::Request& request) {
  if (request.path() != "/hello") co_return weft::http::Response::of(404);
  co_await weft::sleep_for(50ms);  // stands for a question to a database
  const std::string name = request.query_value("name").value_or("world");
  co_return weft::http::Response::text("hello, " + name + "\n");
}

int main(int argc, char** argv) {
  weft::SocketListener listener = weft::SocketListener::bind(argc > 1 ? argv[1] : "127.0.0.1:8080");
  weft::http::Server server({}, answer);
  weft::Runtime runtime;  // after what its tasks use, and so destroyed before
  std::cout << "serving on " << listener.local_endpoint().to_string() << std::endl;
  runtime.block_on(server.serve(listener));
}
