// The program of chapter 15, on the reader's runtime. A service on a port: whoever connects
// gets the answers to five questions. It asks the delay server for all five at the same time, and
// says after 400 ms what it knows. Two visitors come at once.
//
//   last_by_hand          the service and two visitors
//   last_by_hand COUNT    that many questions, 50 at a time: in what time?
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>

#include "delay_server.hpp"
#include "last_runtime.hpp"
#include "planets.hpp"
#include "stopwatch.hpp"

using own::Clock;
using own::Group;
using own::Runtime;
using own::Socket;
using own::Task;

// [ask]
Task<std::string> ask(Runtime& runtime, std::uint16_t server, Question question) {
  Socket socket(runtime, begin_connect(server));
  co_await socket.connected();
  const std::string request = delay_request(question.delay_ms, question.moons);
  co_await socket.write_all(request);
  const std::string reply = co_await socket.read_to_end();
  co_return body_of(reply);
}
// [/ask]

// [collect]
Task<void> ask_into(Runtime& runtime, std::uint16_t server, Question question,
                    std::optional<std::string>& answer) {
  answer = co_await ask(runtime, server, question);
}

Task<std::string> collect(Runtime& runtime, std::uint16_t server) {
  Answers answers;
  Group group(runtime);
  for (std::size_t i = 0; i < questions.size(); ++i) {
    group.spawn(ask_into(runtime, server, questions.at(i), answers.at(i)));
  }
  co_await group.end(Clock::now() + time_limit);
  co_return text_of(answers);  // here the group ends, and with it what has not ended yet
}
// [/collect]

// [serve]
Task<void> answer_visitor(Runtime& runtime, std::uint16_t server, int fd) {
  Socket visitor(runtime, fd);
  const std::string text = co_await collect(runtime, server);
  try {
    co_await visitor.write_all(text);
  } catch (const std::system_error&) {  // this visitor has gone: the others stay
  }
}

Task<void> serve(Runtime& runtime, std::uint16_t server, Socket& listener) {
  Group visitors(runtime);
  for (;;) {
    const int fd = co_await listener.accept();
    visitors.spawn(answer_visitor(runtime, server, fd));
  }
}
// [/serve]

// [listen]
struct Listening {
  int fd;
  std::uint16_t port;
};

/// Listens at a free port of this machine.
Listening begin_listen() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  // SAFETY: the sockets API takes every address as its common head.
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (bind(fd, generic, size) != 0 || listen(fd, 64) != 0 || getsockname(fd, generic, &size) != 0) {
    throw std::system_error(errno, std::generic_category(), "listen");
  }
  return {fd, ntohs(address.sin_port)};
}
// [/listen]

// [visit]
Task<void> visit(Runtime& runtime, std::uint16_t port, std::string& seen) {
  Socket socket(runtime, begin_connect(port));
  co_await socket.connected();
  seen = co_await socket.read_to_end();
}

Task<void> program(Runtime& runtime, std::uint16_t server) {
  const auto [fd, port] = begin_listen();
  Socket listener(runtime, fd);
  Group service(runtime);
  service.spawn(serve(runtime, server, listener));
  std::array<std::string, 2> seen;
  Group visitors(runtime);
  for (std::string& text : seen) visitors.spawn(visit(runtime, port, text));
  co_await visitors.end();
  for (const std::string& text : seen) std::printf("%s", text.c_str());
}
// [/visit]

// [many]
Task<void> ask_again(Runtime& runtime, std::uint16_t server, int& left) {
  while (left-- > 0) {
    const std::string answer = co_await ask(runtime, server, quick);
    if (answer != quick.moons) throw std::runtime_error("a wrong answer: " + answer);
  }
}

Task<void> ask_many(Runtime& runtime, std::uint16_t server, int count) {
  Group group(runtime);
  for (int i = 0; i < 50; ++i) group.spawn(ask_again(runtime, server, count));
  co_await group.end();
}
// [/many]

int main(int argc, char** argv) {
  const DelayServer server;
  Runtime runtime;
  if (argc > 1) {
    const int count = std::atoi(argv[1]);
    const Stopwatch watch;
    runtime.run(ask_many(runtime, server.port(), count));
    std::printf("%d questions by hand:   %.3f s, CPU %.3f s\n", count, watch.wall_s(),
                watch.cpu_s());
  } else {
    runtime.run(program(runtime, server.port()));
  }
}
