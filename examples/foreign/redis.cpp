// A hundred tasks share one connection to a Redis server, by hiredis on a weft runtime:
//   redis 127.0.0.1:6379        or: redis unix:/run/redis/redis.sock
#include "redis.hpp"

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>

namespace {

// [tasks]
weft::Task<void> count(foreign::Redis& redis) { co_await redis.command("INCR", "visitors"); }

weft::Task<void> use(foreign::Redis& redis) {
  co_await redis.command("DEL", "visitors");
  auto visitors = [&](weft::Scope& scope) -> weft::Task<void> {
    for (int i = 0; i < 100; ++i) scope.spawn(count, std::ref(redis));
    co_return;
  };
  co_await weft::scope(visitors);  // their commands are pipelined
  const foreign::RedisReply visits = co_await redis.command("GET", "visitors");
  std::printf("%s visitors\n", visits.text.c_str());

  auto push = weft::fiber([&redis] {  // a fiber may use it as well
    return weft::await(redis.command("LPUSH", "visitors", "one more")).integer;
  });
  try {
    co_await std::move(push);
  } catch (const foreign::RedisReplyError& error) {
    std::printf("%s\n", error.what());
  }
}
// [/tasks]

weft::Task<void> program(weft::Endpoint server) {
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    foreign::Redis redis = co_await foreign::Redis::connect(scope, server);
    co_await use(redis);
  };
  co_await weft::scope(body);
}

}  // namespace

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // hiredis writes by write(2)
  const std::string_view address = argc > 1 ? argv[1] : "127.0.0.1:6379";
  const weft::Result<weft::Endpoint> server = weft::Endpoint::parse(address);
  if (!server) {
    std::printf("%s\n", weft::Endpoint::explain(address, server.error()).c_str());
    return 2;
  }
  try {
    weft::Runtime runtime;
    runtime.block_on(program(*server));
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
}
