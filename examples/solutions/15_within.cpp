// Solution to exercise 1 of chapter 15: a limit for each question, on the reader's runtime.
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

#include "../guide/delay_server.hpp"
#include "../guide/last_runtime.hpp"
#include "../guide/planets.hpp"

using own::Group;
using own::Runtime;
using own::Socket;
using own::Task;

// [within]
Task<void> put_into(std::optional<std::string>& result, Task<std::string> task) {
  result = co_await task;
}

/// What the task gives, or nothing if that takes longer. The task is cancelled then.
Task<std::optional<std::string>> within(Runtime& runtime, own::Clock::duration limit,
                                        Task<std::string> task) {
  std::optional<std::string> result;
  Group group(runtime);
  group.spawn(put_into(result, std::move(task)));
  co_await group.end(own::Clock::now() + limit);
  co_return result;
}
// [/within]

Task<std::string> ask(Runtime& runtime, std::uint16_t server, Question question) {
  Socket socket(runtime, begin_connect(server));
  co_await socket.connected();
  const std::string request = delay_request(question.delay_ms, question.moons);
  co_await socket.write_all(request);
  const std::string reply = co_await socket.read_to_end();
  co_return body_of(reply);
}

// [use]
Task<void> ask_all(Runtime& runtime, std::uint16_t server) {
  for (const Question& question : questions) {
    const std::chrono::milliseconds limit(question.planet == "Mars" ? 3000 : 400);
    const std::optional<std::string> answer =
        co_await within(runtime, limit, ask(runtime, server, question));
    std::printf("%s: %s\n", question.planet.data(), answer ? answer->c_str() : "no answer in time");
  }
}
// [/use]

int main() {
  const DelayServer server;
  Runtime runtime;
  runtime.run(ask_all(runtime, server.port()));
}
