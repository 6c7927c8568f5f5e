// What http::Client does after a response, or without one: redirects, retries, hooks.
#include <gtest/gtest.h>

#include <mutex>
#include <vector>

#include "api/http_client_peers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::testing::http_client_policy_test {
namespace {

using http::BodyWriter;
using http::Client;
using http::ClientOptions;
using http::ClientRequest;
using http::Errc;
using http::Headers;
using http::Method;
using http::Origin;
using http::Redirect;
using http::Response;
using http::Url;

class HttpRedirect : public test::RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(HttpRedirect);
class HttpRetry : public test::RuntimeTest {};
WEFT_ON_ALL_RUNTIMES(HttpRetry);

/// "/to" is answered by the request itself; "/CODE?URL" redirects there.
PeerScript redirecting() {
  return [](DuplexEnd& end, int, Origin origin) -> Task<void> {
    auto answer = [&origin](const std::string& request) {
      const std::size_t begin = request.find('/');
      const std::string target = request.substr(begin, request.find(' ', begin) - begin);
      if (target.starts_with("/to")) return answer_of(origin.scheme + " " + request);
      return "HTTP/1.1 " + target.substr(1, 3) + " Go\r\nLocation: " + target.substr(5) +
             "\r\nContent-Length: 0\r\n\r\n";
    };
    co_await answer_each(end, answer);
  };
}

TEST_P(HttpRedirect, KeepsOrChangesTheMethod) {
  struct Row {
    Method method;
    int status;
    std::string method_after;
    bool has_body;
  };
  const std::vector<Row> rows{
      {Method::get, 302, "GET", false},  {Method::post, 301, "GET", false},
      {Method::post, 302, "GET", false}, {Method::post, 303, "GET", false},
      {Method::put, 301, "PUT", true},   {Method::put, 302, "PUT", true},
      {Method::put, 303, "GET", false},  {Method::post, 307, "POST", true},
      {Method::post, 308, "POST", true}, {Method::del, 307, "DELETE", false},
  };
  run([&]() -> Task<void> {
    auto visit = [&](MemoryPeers& peers) -> Task<void> {
      ClientOptions options = peers.options();
      options.follow_redirects = 3;
      Client client(options);
      for (const Row& row : rows) {
        ClientRequest request(row.method, "http://a/" + std::to_string(row.status) + "?/to");
        request.headers.add("X-Own", "1");
        if (row.method == Method::put || row.method == Method::post) {
          request.headers.add("Content-Type", "text/plain");
          request.body = "the body";
        }
        const std::string outcome = co_await outcome_of(client.request(request));
        EXPECT_TRUE(outcome.starts_with("200 http " + row.method_after + " /to ")) << outcome;
        EXPECT_EQ(outcome.ends_with("the body"), row.has_body) << outcome;
        EXPECT_EQ(outcome.find("Content-Type") != std::string::npos, row.has_body) << outcome;
        EXPECT_NE(outcome.find("X-Own: 1"), std::string::npos) << outcome;
      }
    };
    co_await with_memory_peers(redirecting(), visit);
  });
}

TEST_P(HttpRedirect, GoesWhereTheOptionsAllow) {
  struct Row {
    std::string from;
    std::string to;
    void (*set)(ClientOptions&);
    std::string outcome;  // its beginning
  };
  constexpr auto nothing = [](ClientOptions&) {};
  constexpr auto same_host = [](ClientOptions& o) { o.redirect_same_host_only = true; };
  constexpr auto insecure = [](ClientOptions& o) { o.allow_insecure_redirect = true; };
  const std::vector<Row> rows{
      {"http://a", "http://b/to", nothing, "200 http"},
      {"http://a", "/to", same_host, "200 http"},
      {"http://a", "http://a:80/to", same_host, "200 http"},
      {"http://a", "http://b/to", same_host,
       "GET http://a/302?http://b/to to http://b/to: redirect not allowed"},
      {"http://a", "http://a:81/to", same_host, "GET http://a/302?http://a:81/to to"},
      {"http://a", "https://a/to", same_host, "200 https"},
      {"http://a", "https://a:444/to", same_host, "GET http://a/302?https://a:444/to to"},
      {"https://a", "http://a/to", nothing,
       "GET https://a/302?http://a/to to http://a/to: redirect not allowed"},
      {"https://a", "http://a/to", insecure, "200 http"},
      {"https://a", "https://b/to", nothing, "200 https"},
      {"http://a", "/302?/302?/to", nothing, "200 http"},
      {"http://a", "/302?/302?/302?/to", nothing, "GET http://a/302?/to: too many redirects"},
      {"http://a", "ftp://b/", nothing, "redirect to ftp://b/: URL scheme not supported"},
  };
  run([&]() -> Task<void> {
    auto visit = [&](MemoryPeers& peers) -> Task<void> {
      for (const Row& row : rows) {
        ClientOptions options = peers.options();
        options.follow_redirects = 3;
        row.set(options);
        Client client(options);
        const std::string outcome = co_await outcome_of(client.get(row.from + "/302?" + row.to));
        EXPECT_TRUE(outcome.starts_with(row.outcome)) << outcome;
        client.close_idle();
      }
    };
    co_await with_memory_peers(redirecting(), visit);
  });
}

TEST_P(HttpRedirect, MayBeRefusedByACallback) {
  run([]() -> Task<void> {
    auto visit = [&](MemoryPeers& peers) -> Task<void> {
      std::string told;
      ClientOptions options = peers.options();
      options.follow_redirects = 3;
      options.on_redirect = [&told](const Redirect& redirect) {
        told += redirect.from.host + ">" + redirect.to.host + " " +
                std::to_string(redirect.response.status.code()) + " ";
        return redirect.to.host != "c";
      };
      Client client(options);
      const std::string outcome =
          co_await outcome_of(client.get("http://a/301?http://b/302?http://c/to"));
      EXPECT_TRUE(outcome.ends_with("to http://c/to: redirect not allowed")) << outcome;
      EXPECT_EQ(told, "a>b 301 b>c 302 ");
    };
    co_await with_memory_peers(redirecting(), visit);
  });
}

TEST_P(HttpRedirect, CredentialsStayAtTheFirstOrigin) {
  run([]() -> Task<void> {
    auto visit = [&](MemoryPeers& peers) -> Task<void> {
      ClientOptions options = peers.options();
      options.follow_redirects = 3;
      Client client(options);
      const std::vector<std::string> targets{"/to", "http://b/to", "http://a:81/to",
                                             "http://b/302?http://a/to"};
      for (const std::string& target : targets) {
        ClientRequest request(Method::get, "http://a/302?" + target);
        request.headers.add("Authorization", "secret");
        request.headers.add("Cookie", "secret");
        const std::string outcome = co_await outcome_of(client.request(request));
        EXPECT_EQ(outcome.find("secret") != std::string::npos, target == "/to") << outcome;
      }
    };
    co_await with_memory_peers(redirecting(), visit);
  });
}

TEST_P(HttpRedirect, AStreamedBodyIsSentAgainIfItMayBe) {
  struct Row {
    int status;
    bool can_repeat;
    std::string outcome;
  };
  const std::vector<Row> rows{
      {307, false, "POST http://a/307?/to: streamed body cannot be sent again"},
      {308, true, "200 http POST /to "},
      {303, false, "200 http GET /to "},
  };
  run([&]() -> Task<void> {
    auto visit = [&](MemoryPeers& peers) -> Task<void> {
      ClientOptions options = peers.options();
      options.follow_redirects = 3;
      Client client(options);
      for (const Row& row : rows) {
        int calls = 0;
        ClientRequest request(Method::post, "http://a/" + std::to_string(row.status) + "?/to");
        request.stream([&calls](BodyWriter& out) -> Task<void> {
          ++calls;
          co_await out.write_all("streamed");
        });
        if (row.can_repeat) request.repeatable();
        const std::string outcome = co_await outcome_of(client.request(std::move(request)));
        EXPECT_TRUE(outcome.starts_with(row.outcome)) << outcome;
        EXPECT_EQ(calls, row.can_repeat ? 2 : 1);
        EXPECT_EQ(outcome.find("streamed\r\n") != std::string::npos, row.can_repeat) << outcome;
      }
    };
    co_await with_memory_peers(redirecting(), visit);
  });
}

TEST_P(HttpRedirect, IsFollowedBeforeABodyIsRead) {
  run([]() -> Task<void> {
    auto visit = [&](MemoryPeers& peers) -> Task<void> {
      ClientOptions options = peers.options();
      options.follow_redirects = 3;
      Client client(options);
      http::IncomingResponse response =
          co_await client.start(ClientRequest(Method::get, "http://a/302?/to"));
      EXPECT_EQ(response.url, "http://a/to");
      const std::string body = co_await response.body.read_all(10'000);
      EXPECT_TRUE(body.starts_with("http GET /to ")) << body;
      EXPECT_EQ(peers.connects, 1);
      EXPECT_EQ(client.idle_connections(), 1U);
    };
    co_await with_memory_peers(redirecting(), visit);
  });
}

TEST_P(HttpRedirect, HooksSeeEachRequestAndEachResponse) {
  run([]() -> Task<void> {
    auto visit = [&](MemoryPeers& peers) -> Task<void> {
      std::string told;
      int requests = 0;
      ClientOptions options = peers.options();
      options.follow_redirects = 3;
      options.before_request = [&](const Url& url, Method method, Headers& fields) {
        told += std::string(to_string(method)) + " " + url.host + " ";
        EXPECT_FALSE(fields.contains("cookie"));
        fields.add("Cookie", "n=" + std::to_string(++requests));
      };
      options.after_response = [&](const Url& url, const Response& head) {
        told += url.host + " " + std::to_string(head.status.code()) + " ";
      };
      Client client(options);
      const std::string outcome = co_await outcome_of(client.get("http://a/302?http://b/to"));
      EXPECT_NE(outcome.find("Cookie: n=2\r\n"), std::string::npos) << outcome;
      EXPECT_EQ(told, "GET a a 302 GET b b 200 ");
      options.before_request = [](const Url&, Method, Headers&) {
        throw std::runtime_error("no cookies");
      };
      Client failing(options);
      const std::string failure = co_await outcome_of(failing.get("http://a/to"));
      EXPECT_EQ(failure, "no cookies");
    };
    co_await with_memory_peers(redirecting(), visit);
  });
}

/// What the connection of that number does: "refuse", "close", "half" or a raw answer.
PeerScript following(std::vector<std::string> actions) {
  return [actions = std::move(actions)](DuplexEnd& end, int number, Origin) -> Task<void> {
    const std::string& action = actions.at(static_cast<std::size_t>(number - 1));
    static_cast<void>(co_await read_up_to(end, "\r\n\r\n"));
    if (action == "half") co_await end.write_all("HTTP/1.1 200 OK\r\nContent-");
    if (action.starts_with("HTTP")) co_await end.write_all(action);
    static_cast<void>(end.shutdown());
  };
}

std::string status_answer(int code, std::string_view fields = "") {
  return "HTTP/1.1 " + std::to_string(code) + " S\r\nConnection: close\r\nContent-Length: 0\r\n" +
         std::string(fields) + "\r\n";
}

struct RetryRow {
  Method method;
  std::vector<std::string> actions;
  std::string outcome;  // its beginning
  int connects;
  Nanoseconds elapsed;
};

/// Runs the row by request(), and by start().
Task<void> run_retries(const RetryRow& row, bool is_started) {
  auto visit = [&](MemoryPeers& peers) -> Task<void> {
    ClientOptions options = peers.options();
    const http::Connector connect = options.connector;
    options.connector = [&row, &peers, connect](const Origin& to) -> Task<http::Transport> {
      const auto next = static_cast<std::size_t>(peers.connects.load());
      if (row.actions.at(next) == "refuse") {
        ++peers.connects;
        throw IoError(std::make_error_code(std::errc::connection_refused), "connect", to.host);
      }
      http::Transport made = co_await connect(to);
      co_return made;
    };
    options.retry = RetryPolicy().attempts(3).pauses(seconds(1), seconds(1)).jitter(Jitter::none);
    options.timeout = minutes(1);
    Client client(options);
    const TimePoint begun = now();
    std::string outcome;
    if (is_started) {
      auto ask = [&]() -> Task<Response> {
        http::IncomingResponse got = co_await client.start(ClientRequest(row.method, "http://a/"));
        Response response(got.status);
        response.body = co_await got.body.read_all(1000);
        co_return response;
      };
      outcome = co_await outcome_of(ask());
    } else {
      outcome = co_await outcome_of(client.request(ClientRequest(row.method, "http://a/")));
    }
    EXPECT_TRUE(outcome.starts_with(row.outcome)) << outcome << " not " << row.outcome;
    EXPECT_EQ(peers.connects, row.connects) << row.outcome;
    EXPECT_EQ(now() - begun, row.elapsed) << row.outcome;
  };
  co_await with_memory_peers(following(row.actions), visit);
}

TEST(HttpRetryTime, SendsAgainWhatIsSafe) {
  const std::string ok = status_answer(200);
  const std::string busy = status_answer(503);
  const std::string closed = "connection closed before a response";
  const std::vector<RetryRow> rows{
      {Method::get, {"refuse", ok}, "200", 2, seconds(1)},
      {Method::get, {"refuse", "refuse", "refuse"}, "connect a: connection refused", 3, seconds(2)},
      {Method::post, {"refuse", ok}, "200", 2, seconds(1)},  // no server has seen it
      {Method::get, {busy, busy, ok}, "200", 3, seconds(2)},
      {Method::get, {busy, busy, busy}, "503", 3, seconds(2)},
      {Method::get, {status_answer(429), status_answer(504), ok}, "200", 3, seconds(2)},
      {Method::get, {status_answer(500)}, "500", 1, seconds(0)},
      {Method::post, {busy}, "503", 1, seconds(0)},
      {Method::get, {"half"}, "GET http://a/: connection closed in the middle", 1, seconds(0)},
      {Method::get, {status_answer(503, "Retry-After: 7\r\n"), ok}, "200", 2, seconds(7)},
      {Method::get, {status_answer(503, "Retry-After: 0\r\n"), ok}, "200", 2, seconds(1)},
      {Method::get, {status_answer(503, "Retry-After: 31\r\n")}, "503", 1, seconds(0)},
      {Method::get, {"close", ok}, "200", 2, seconds(1)},
      {Method::post, {"close"}, "POST http://a/: " + closed, 1, seconds(0)},
  };
  for (const RetryRow& row : rows) {
    for (const bool is_started : {false, true}) {
      Runtime runtime(test::with_virtual_time());
      runtime.block_on([&] { return run_retries(row, is_started); });
    }
  }
}

TEST(HttpRetryTime, EndsWithTheDeadline) {
  Runtime runtime(test::with_virtual_time());
  runtime.block_on([]() -> Task<void> {
    auto visit = [](MemoryPeers& peers) -> Task<void> {
      ClientOptions options = peers.options();
      options.retry = RetryPolicy().attempts(0).pauses(seconds(4), seconds(4)).jitter(Jitter::none);
      options.timeout = seconds(10);
      Client client(options);
      const TimePoint begun = now();
      const std::string outcome = co_await outcome_of(client.get("http://a/"));
      EXPECT_EQ(outcome, "503 ") << "the last answer, and no pause that ends too late";
      EXPECT_EQ(peers.connects, 3);
      EXPECT_EQ(now() - begun, seconds(8));
    };
    co_await with_memory_peers(following(std::vector<std::string>(9, status_answer(503))), visit);
  });
}

TEST_P(HttpRetry, AStreamedBodyIsSentAgainIfItMayBe) {
  struct Row {
    bool can_repeat;
    std::string outcome;
    int calls;
  };
  for (const Row& row : {Row{false, "503 ", 1}, Row{true, "200 ", 2}}) {
    run([&]() -> Task<void> {
      auto serve = [](DuplexEnd& end, int number, Origin) -> Task<void> {
        static_cast<void>(co_await read_up_to(end, "0\r\n\r\n"));
        co_await end.write_all(status_answer(number == 1 ? 503 : 200));
        static_cast<void>(end.shutdown());
      };
      auto visit = [&](MemoryPeers& peers) -> Task<void> {
        ClientOptions options = peers.options();
        options.retry = RetryPolicy().attempts(3).pauses(Nanoseconds(0), Nanoseconds(0));
        Client client(options);
        int calls = 0;
        ClientRequest request(Method::put, "http://a/");
        request.stream([&calls](BodyWriter& out) -> Task<void> {
          ++calls;
          co_await out.write_all("body");
        });
        if (row.can_repeat) request.repeatable();
        const std::string outcome = co_await outcome_of(client.request(std::move(request)));
        EXPECT_EQ(outcome, row.outcome);
        EXPECT_EQ(calls, row.calls);
      };
      co_await with_memory_peers(serve, visit);
    });
  }
}

TEST_P(HttpRetry, ASinkGetsTheLastBodyAlone) {
  run([]() -> Task<void> {
    auto serve = [](DuplexEnd& end, int number, Origin) -> Task<void> {
      static_cast<void>(co_await read_up_to(end, "\r\n\r\n"));
      const std::string busy = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy";
      const std::string fine = answer_of("fine");
      co_await end.write_all(number == 1 ? busy : fine);
    };
    auto visit = [](MemoryPeers& peers) -> Task<void> {
      ClientOptions options = peers.options();
      options.max_idle = 0;
      options.retry = RetryPolicy().attempts(3).pauses(Nanoseconds(0), Nanoseconds(0));
      Client client(options);
      std::string body;
      auto sink = [&body](const Response& head, std::span<const std::byte> bytes) {
        EXPECT_EQ(head.status, 200);
        body.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      };
      const Response response = co_await client.get_to("http://a/", sink);
      EXPECT_EQ(response.status, 200);
      EXPECT_EQ(body, "fine");
    };
    co_await with_memory_peers(serve, visit);
  });
}

}  // namespace
}  // namespace weft::testing::http_client_policy_test
