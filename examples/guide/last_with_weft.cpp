// The program of chapter 15 again, with weft: it does and prints the same as last_by_hand.cpp.
//
//   last_with_weft          the service and two visitors
//   last_with_weft COUNT    that many questions, 50 at a time: in what time?
#include <array>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <weft/weft.hpp>

#include "delay_client.hpp"
#include "delay_server.hpp"
#include "planets.hpp"
#include "stopwatch.hpp"

// [ask]
weft::Task<std::string> read_to_end(weft::StreamSocket& socket) {
  std::string text;
  std::array<char, 4096> buffer;
  for (;;) {
    const std::size_t size = co_await socket.read(std::as_writable_bytes(std::span(buffer)));
    if (size == 0) co_return text;
    text.append(buffer.data(), size);
  }
}

weft::Task<std::string> ask(weft::Endpoint server, Question question) {
  weft::StreamSocket socket = co_await weft::StreamSocket::connect(server);
  const std::string request = delay_request(question.delay_ms, question.moons);
  co_await socket.write_all(request);
  const std::string reply = co_await read_to_end(socket);
  co_return body_of(reply);
}
// [/ask]

// [collect]
weft::Task<void> ask_into(weft::Endpoint server, Question question,
                          std::optional<std::string>& answer) {
  answer = co_await ask(server, question);
}

weft::Task<std::string> collect(weft::Endpoint server) {
  Answers answers;
  auto ask_all = [&](weft::Scope& scope) -> weft::Task<void> {
    for (std::size_t i = 0; i < questions.size(); ++i) {
      scope.spawn(ask_into, server, questions.at(i), std::ref(answers.at(i)));
    }
    co_return;
  };
  co_await weft::select(weft::scope(ask_all), weft::sleep_for(time_limit));
  co_return text_of(answers);
}
// [/collect]

// [serve]
weft::Task<void> answer_visitor(weft::Endpoint server, weft::StreamSocket visitor) {
  const std::string text = co_await collect(server);
  try {
    co_await visitor.write_all(text);
  } catch (const weft::IoError&) {  // this visitor has gone: the others stay
  }
}

weft::Task<void> serve(weft::Endpoint server, weft::SocketListener& listener) {
  auto accept_all = [&](weft::Scope& visitors) -> weft::Task<void> {
    for (;;) {
      weft::StreamSocket visitor = co_await listener.accept();
      visitors.spawn(answer_visitor, server, std::move(visitor));
    }
  };
  co_await weft::scope(accept_all);
}
// [/serve]

// [visit]
weft::Task<void> visit(weft::Endpoint service, std::string& seen) {
  weft::StreamSocket socket = co_await weft::StreamSocket::connect(service);
  seen = co_await read_to_end(socket);
}

weft::Task<void> visit_twice(weft::Endpoint service) {
  std::array<std::string, 2> seen;
  auto visits = [&](weft::Scope& scope) -> weft::Task<void> {
    for (std::string& text : seen) scope.spawn(visit, service, std::ref(text));
    co_return;
  };
  co_await weft::scope(visits);
  for (const std::string& text : seen) std::printf("%s", text.c_str());
}

weft::Task<void> program(weft::Endpoint server) {
  weft::SocketListener listener = weft::SocketListener::bind(weft::Endpoint::loopback(0));
  co_await weft::select(serve(server, listener), visit_twice(listener.local_endpoint()));
}
// [/visit]

// [many]
weft::Task<void> ask_again(weft::Endpoint server, int& left) {
  while (left-- > 0) {
    const std::string answer = co_await ask(server, quick);
    if (answer != quick.moons) throw std::runtime_error("a wrong answer: " + answer);
  }
}

weft::Task<void> ask_many(weft::Endpoint server, int count) {
  auto ask_all = [&](weft::Scope& scope) -> weft::Task<void> {
    for (int i = 0; i < 50; ++i) scope.spawn(ask_again, server, std::ref(count));
    co_return;
  };
  co_await weft::scope(ask_all);
}
// [/many]

int main(int argc, char** argv) {
  const DelayServer server;
  const weft::Endpoint endpoint = weft::Endpoint::loopback(server.port());
  if (argc > 1) {
    const int count = std::atoi(argv[1]);
    const Stopwatch watch;
    weft::block_on(ask_many(endpoint, count));
    std::printf("%d questions with weft: %.3f s, CPU %.3f s\n", count, watch.wall_s(),
                watch.cpu_s());
  } else {
    weft::block_on(program(endpoint));
  }
}
