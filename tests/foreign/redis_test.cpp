// hiredis on weft, beside a real redis-server: WEFT_TEST_TCP and WEFT_TEST_UNIX are its addresses,
// WEFT_TEST_PID its process.
#include "redis.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include "foreign_support.hpp"

namespace foreign_test {
namespace {

using namespace std::chrono_literals;
using foreign::Redis;
using foreign::RedisReply;

weft::Endpoint server(const char* kind = "WEFT_TEST_UNIX") {
  return weft::Endpoint::parse(setting(kind)).value();
}

weft::Task<RedisReply> ask(Redis& redis, std::vector<std::string> words) {
  RedisReply reply = co_await redis.command(std::move(words));
  co_return reply;
}

/// The error by which the system reports the closed connection depends on what was under way.
bool is_closed(const std::string& error) {
  return error.starts_with("redis ") &&
         (error.ends_with(": Server closed the connection") ||
          error.ends_with(": Connection reset by peer") || error.ends_with(": Broken pipe"));
}

class RedisTest : public Foreign {
 protected:
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);
    run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
      Redis redis = co_await Redis::connect(scope, server());
      co_await redis.command("FLUSHALL");
    });
  }
};
FOREIGN_ON_ALL_RUNTIMES(RedisTest);

TEST_P(RedisTest, RepliesOfAllKinds) {
  for (const char* kind : {"WEFT_TEST_UNIX", "WEFT_TEST_TCP"}) {
    run_in_scope([kind](weft::Scope& scope) -> weft::Task<void> {
      Redis redis = co_await Redis::connect(scope, server(kind));
      const std::string binary("a\0b\r\n", 5);
      const RedisReply set = co_await redis.command("SET", "key", binary);
      EXPECT_EQ(set.type, REDIS_REPLY_STATUS);
      EXPECT_EQ(set.text, "OK");
      const RedisReply got = co_await redis.command("GET", "key");
      EXPECT_EQ(got.text, binary);
      const RedisReply nothing = co_await redis.command("GET", "nobody");
      EXPECT_TRUE(nothing.is_nil());
      const RedisReply size = co_await redis.command("STRLEN", "key");
      EXPECT_EQ(size.integer, 5);
      co_await redis.command("DEL", "list");
      co_await redis.command("RPUSH", "list", "one", "two");
      const RedisReply list = co_await redis.command("LRANGE", "list", "0", "-1");
      EXPECT_EQ(list.elements.size(), 2U);
      EXPECT_EQ(list.elements.at(1).text, "two");
      const std::string error = co_await error_text(redis.command("INCR", "key"));
      EXPECT_EQ(error, "redis INCR: ERR value is not an integer or out of range");
    });
  }
}

TEST_P(RedisTest, ALargeValueIsSentAndReceivedInParts) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Redis redis = co_await Redis::connect(scope, server());
    const std::string large(8'000'000, 'x');
    co_await redis.command("SET", "large", large);
    const RedisReply got = co_await redis.command("GET", "large");
    const bool equal = got.text == large;
    EXPECT_TRUE(equal) << got.text.size();
  });
}

TEST_P(RedisTest, ManyTasksShareAConnection) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Redis redis = co_await Redis::connect(scope, server());
    auto count = [](Redis& on) -> weft::Task<void> {
      for (int i = 0; i < 20; ++i) co_await on.command("INCR", "count");
    };
    co_await weft::scope([&](weft::Scope& tasks) -> weft::Task<void> {
      for (int i = 0; i < 100; ++i) tasks.spawn(count, std::ref(redis));
      co_return;
    });
    const RedisReply sum = co_await redis.command("GET", "count");
    EXPECT_EQ(sum.text, "2000");
  });
}

TEST_P(RedisTest, CommandsAtOnceArePipelinedInOrder) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Redis redis = co_await Redis::connect(scope, server());
    std::vector<weft::Task<RedisReply>> commands;
    for (int i = 0; i < 50; ++i) {
      std::vector<std::string> words{"RPUSH", "order", std::to_string(i)};
      commands.push_back(ask(redis, std::move(words)));
    }
    const std::vector<RedisReply> lengths = co_await weft::when_all(std::move(commands));
    const RedisReply order = co_await redis.command("LRANGE", "order", "0", "-1");
    for (std::size_t i = 0; i < 50; ++i) {
      EXPECT_EQ(lengths[i].integer, static_cast<long long>(i + 1));
      EXPECT_EQ(order.elements.at(i).text, std::to_string(i));
    }
  });
}

TEST_P(RedisTest, ManyConnectionsAndFibers) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    for (int i = 0; i < 40; ++i) {
      scope.spawn(weft::fiber([&scope] {
        Redis redis = weft::await(Redis::connect(scope, server()));
        for (int k = 0; k < 10; ++k) weft::await(redis.command("INCR", "count"));
      }));
    }
    co_return;
  });
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Redis redis = co_await Redis::connect(scope, server());
    const RedisReply sum = co_await redis.command("GET", "count");
    EXPECT_EQ(sum.text, "400");
  });
}

TEST_P(RedisTest, AConnectionThatCannotBeMadeIsNamed) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    const std::string refused =
        co_await error_text(Redis::connect(scope, weft::Endpoint::loopback(1)));
    EXPECT_EQ(refused, "redis 127.0.0.1:1: Connection refused");
    const weft::Endpoint nowhere = weft::Endpoint::unix_path("/nonexistent/redis").value();
    const std::string missing = co_await error_text(Redis::connect(scope, nowhere));
    EXPECT_EQ(missing, "redis unix:/nonexistent/redis: No such file or directory");
    const weft::Endpoint ipv6 = weft::Endpoint::parse("[::1]:1").value();
    const std::string other = co_await error_text(Redis::connect(scope, ipv6));
    EXPECT_TRUE(other.starts_with("redis [::1]:1: C")) << other;
  });
}

TEST_P(RedisTest, WhatHasNotOneReplyIsRefused) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Redis redis = co_await Redis::connect(scope, server());
    EXPECT_THROW(static_cast<void>(redis.command("Subscribe", "news")), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(redis.command("MONITOR")), std::invalid_argument);
    EXPECT_THROW(static_cast<void>(redis.command()), std::invalid_argument);
  });
}

TEST_P(RedisTest, TheReplyOfACancelledCommandIsDropped) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Redis redis = co_await Redis::connect(scope, server());
    Redis other = co_await Redis::connect(scope, server());
    for (int round = 0; round < 5; ++round) {
      const std::string text =
          co_await error_text(weft::timeout(redis.command("BLPOP", "queue", "0"), 5ms));
      EXPECT_EQ(text, "timeout: time limit exceeded");
      weft::JoinHandle<RedisReply> next =
          weft::spawn(ask, std::ref(redis), std::vector<std::string>{"PING"});
      co_await other.command("RPUSH", "queue", "late");
      const RedisReply reply = co_await std::move(next);
      EXPECT_EQ(reply.text, "PONG");
      co_await other.command("DEL", "queue");  // if the time was over before BLPOP was sent
    }
  });
}

TEST_P(RedisTest, CancelsAtAnyTime) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Redis redis = co_await Redis::connect(scope, server());
    co_await weft::scope([&](weft::Scope& tasks) -> weft::Task<void> {
      for (int i = 0; i < 200; ++i) {
        auto late = [](Redis& on, int after) -> weft::Task<void> {
          co_await error_text(
              weft::timeout(on.command("INCR", "late"), std::chrono::microseconds(after * 10)));
        };
        auto count = [](Redis& on) -> weft::Task<void> { co_await on.command("INCR", "count"); };
        tasks.spawn(late, std::ref(redis), i);
        tasks.spawn(count, std::ref(redis));
      }
      co_return;
    });
    const RedisReply sum = co_await redis.command("GET", "count");
    EXPECT_EQ(sum.text, "200");
  });
}

TEST_P(RedisTest, AConnectionThatTheServerClosesIsNamed) {
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    Redis redis = co_await Redis::connect(scope, server());
    Redis other = co_await Redis::connect(scope, server());
    const RedisReply id = co_await redis.command("CLIENT", "ID");
    std::vector<weft::JoinHandle<std::string>> waiting;
    for (int i = 0; i < 5; ++i) {
      waiting.push_back(weft::spawn(error_text(redis.command("BLPOP", "queue", "0"))));
    }
    co_await other.command("CLIENT", "KILL", "ID", std::to_string(id.integer));
    for (auto& command : waiting) {
      const std::string text = co_await std::move(command);
      EXPECT_TRUE(is_closed(text)) << text;
    }
    const std::string later = co_await error_text(redis.command("PING"));
    EXPECT_TRUE(is_closed(later)) << later;
  });
}

TEST_P(RedisTest, WhenTheOwnerIsCancelledAllEnds) {
  expect_all_ends_if_cancelled(options(), 10ms, [](weft::Scope& scope) -> weft::Task<void> {
    Redis redis = co_await Redis::connect(scope, server());
    for (int i = 0; i < 10; ++i) {
      scope.spawn(ask, std::ref(redis), std::vector<std::string>{"BLPOP", "queue", "0"});
    }
    co_await redis.command("BLPOP", "queue", "0");
  });
}

TEST_P(RedisTest, ServerKilledMidway) {
  if (setting("WEFT_TEST_KILL").empty()) GTEST_SKIP() << "needs a server of its own";
  run_in_scope([](weft::Scope& scope) -> weft::Task<void> {
    std::vector<weft::JoinHandle<std::string>> waiting;
    std::vector<Redis> connections;
    for (int i = 0; i < 5; ++i) {
      const char* const kind = i % 2 == 0 ? "WEFT_TEST_UNIX" : "WEFT_TEST_TCP";
      Redis redis = co_await Redis::connect(scope, server(kind));
      co_await redis.command("PING");
      connections.push_back(std::move(redis));
    }
    for (Redis& redis : connections) {
      for (int i = 0; i < 10; ++i) {
        waiting.push_back(weft::spawn(error_text(redis.command("BLPOP", "queue", "0"))));
      }
    }
    Redis other = co_await Redis::connect(scope, server());
    for (bool all = false; !all;) {
      const RedisReply clients = co_await other.command("INFO", "clients");
      all = clients.text.find("blocked_clients:5\r") != std::string::npos;
    }
    kill(static_cast<pid_t>(std::stol(setting("WEFT_TEST_PID"))), SIGKILL);
    for (auto& command : waiting) {
      const std::string text = co_await std::move(command);
      EXPECT_TRUE(is_closed(text)) << text;
    }
    const std::string refused = "redis " + setting("WEFT_TEST_TCP") + ": Connection refused";
    std::string text;
    for (int tries = 0; text != refused && tries < 10'000; ++tries) {
      // Its listener may be closed last.
      text = co_await error_text(Redis::connect(scope, server("WEFT_TEST_TCP")));
    }
    EXPECT_EQ(text, refused);
  });
}

}  // namespace
}  // namespace foreign_test
