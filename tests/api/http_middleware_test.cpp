// Middleware: its order, limits, ids, CORS, the access log, failures.
#include <algorithm>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "api/http_support.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::testing::http_middleware_test {
namespace {

using http::AccessLog;
using http::AccessRecord;
using http::Handler;
using http::Method;
using http::Next;
using http::Request;
using http::Response;

class HttpMiddleware : public test::RuntimeTest {};
INSTANTIATE_TEST_SUITE_P(Runtimes, HttpMiddleware,
                         ::testing::Values(std::size_t{0}, std::size_t{2}),
                         test::worker_count_name);

Handler hello() {
  return Handler([](Request&) { return Response::text("hello"); });
}
Task<Response> ask(const Handler& handler, Request request = {}) {
  if (request.target.empty()) request.target = "/";
  Response response = co_await handler(request);
  co_return response;
}
Request request_with(std::vector<std::pair<std::string_view, std::string_view>> fields,
                     Method method = Method::get) {
  Request request;
  request.method = method;
  request.target = "/";
  for (const auto& [name, value] : fields) request.headers.add(name, value);
  return request;
}

/// Adds its mark on the way in and out.
auto marking(std::string mark) {
  return [mark = std::move(mark)](Request& request, Next next) -> Task<Response> {
    request.target += mark;
    Response response = co_await next(request);
    response.body += mark;
    co_return response;
  };
}

TEST_P(HttpMiddleware, TheFirstIsTheOutermost) {
  run([]() -> Task<void> {
    const Handler inner([](Request& request) { return Response::text(request.target + "|"); });
    const Handler handler = http::wrap(inner, marking("a"), marking("b"));
    const Response response = co_await ask(handler);
    EXPECT_EQ(response.body, "/ab|ba");
  });
}

TEST_P(HttpMiddleware, CancelsAHandlerThatWaitsTooLong) {
  run([]() -> Task<void> {
    const auto destroyed = std::make_shared<bool>(false);
    const Handler slow([destroyed](Request&) -> Task<Response> {
      const std::shared_ptr<void> guard(nullptr, [destroyed](void*) { *destroyed = true; });
      co_await never();
      co_return Response(200);
    });
    const Handler limited = http::wrap(slow, http::limit_time(milliseconds(1)));
    const Response late = co_await ask(limited);
    EXPECT_EQ(late.status, 503);
    EXPECT_TRUE(*destroyed);
    const Handler quick_one = http::wrap(hello(), http::limit_time(hours(1)));
    const Response quick = co_await ask(quick_one);
    EXPECT_EQ(quick.body, "hello");
  });
}

TEST_P(HttpMiddleware, LimitsWhatRunsAtATime) {
  run([]() -> Task<void> {
    const ConcurrencyLimit limit(1);
    const auto gate = std::make_shared<ManualResetEvent>();
    const Handler waits([gate](Request&) -> Task<Response> {
      co_await gate->wait();
      co_return Response(200);
    });
    const Handler handler = http::wrap(waits, http::limit_concurrency(limit, 1));
    auto first = spawn([&] { return ask(handler); });
    co_await until([&] { return limit.in_use() == 1; });
    auto second = spawn([&] { return ask(handler); });
    co_await until([&] { return limit.waiting() == 1; });
    const Response refused = co_await ask(handler);
    EXPECT_EQ(refused.status, 503);
    EXPECT_EQ(refused.headers.find("Retry-After"), "1");
    gate->set();
    const Response one = co_await std::move(first);
    const Response two = co_await std::move(second);
    EXPECT_EQ(one.status.code() + two.status.code(), 400);
    EXPECT_EQ(limit.in_use(), 0U);
  });
}

TEST_P(HttpMiddleware, LimitsTheRate) {
  run([]() -> Task<void> {
    const auto rate = std::make_shared<RateLimiter>(1, hours(1), 2);
    const Handler handler = http::wrap(hello(), http::limit_rate(rate, seconds(7)));
    std::vector<int> codes;
    for (int i = 0; i < 3; ++i) {
      const Response response = co_await ask(handler);
      codes.push_back(response.status.code());
      if (i == 2) {
        EXPECT_EQ(response.headers.find("Retry-After"), "7");
      }
    }
    EXPECT_EQ(codes, (std::vector<int>{200, 200, 429}));
  });
}

TEST_P(HttpMiddleware, NamesRequests) {
  run([]() -> Task<void> {
    const Handler shows([](Request& request) {
      return Response::text(std::string(request.headers.find("X-Request-Id").value_or("none")));
    });
    const Handler makes = http::wrap(shows, http::identify_requests());
    const Request given = request_with({{"X-Request-Id", "abc-1"}});
    const Response made = co_await ask(makes, given);
    EXPECT_EQ(made.body.size(), 32U);
    EXPECT_EQ(made.headers.find("X-Request-Id"), made.body);
    const Response other = co_await ask(makes, given);
    EXPECT_NE(other.body, made.body);
    http::RequestIdOptions options;
    options.accept = true;
    const Handler accepts = http::wrap(shows, http::identify_requests(options));
    const Response kept = co_await ask(accepts, given);
    EXPECT_EQ(kept.body, "abc-1");
    EXPECT_EQ(kept.headers.find("X-Request-Id"), "abc-1");
    for (const std::string_view bad : {"", "a b", "a\"b", "<script>"}) {
      const Request request = request_with({{"X-Request-Id", bad}});
      const Response replaced = co_await ask(accepts, request);
      EXPECT_EQ(replaced.body.size(), 32U) << bad;
    }
  });
  http::RequestIdOptions bad;
  bad.field = "a b";
  EXPECT_THROW((void)http::identify_requests(bad), std::invalid_argument);
}

TEST_P(HttpMiddleware, AnswersForAHandlerThatThrows) {
  run([]() -> Task<void> {
    const Handler fails([](Request&) -> Task<Response> {
      throw std::runtime_error("secret");
      co_return Response(200);
    });
    int told = 0;
    const Handler handler =
        http::wrap(fails, http::recover([&told](const Request&, std::exception_ptr) { ++told; }));
    const Response page = co_await ask(handler);
    EXPECT_EQ(page.status, 500);
    EXPECT_EQ(page.body.find("secret"), std::string::npos);
    EXPECT_EQ(told, 1);
    const Handler large([](Request&) -> Response {
      throw std::system_error(make_error_code(http::Errc::body_too_large));
    });
    const Handler wrapped = http::wrap(large, http::recover());
    const Response too_large = co_await ask(wrapped);
    EXPECT_EQ(too_large.status, 413);
    const auto own_page = [](const Request&, std::exception_ptr) {
      return Response::text("sorry", 502);
    };
    const Handler with_page = http::wrap(fails, http::recover(nullptr, own_page));
    const Response own = co_await ask(with_page);
    EXPECT_EQ(own.status, 502);
  });
}

TEST_P(HttpMiddleware, AddsFieldsForBrowsers) {
  run([]() -> Task<void> {
    const Handler sets([](Request&) {
      Response response = Response::text("x");
      response.headers.set("X-Frame-Options", "SAMEORIGIN");
      return response;
    });
    http::SecureHeaders fields;
    fields.referrer_policy.clear();
    const Handler handler = http::wrap(sets, http::secure_headers(fields));
    const Response response = co_await ask(handler);
    EXPECT_EQ(response.headers.find("X-Frame-Options"), "SAMEORIGIN");
    EXPECT_EQ(response.headers.find("X-Content-Type-Options"), "nosniff");
    EXPECT_FALSE(response.headers.contains("Referrer-Policy"));
  });
}

TEST_P(HttpMiddleware, AllowsOriginsAsTold) {
  run([]() -> Task<void> {
    http::CorsOptions options;
    options.origins = {"https://app.example.org"};
    options.credentials = true;
    options.exposed_headers = {"X-Total"};
    const Handler handler = http::wrap(hello(), http::cors(options));
    const Request from_app = request_with({{"Origin", "https://app.example.org"}});
    const Request from_evil = request_with({{"Origin", "https://evil.org"}});
    const Request asks_first = request_with(
        {{"Origin", "https://app.example.org"}, {"Access-Control-Request-Method", "PUT"}},
        Method::options);
    const Request evil_asks =
        request_with({{"Origin", "https://evil.org"}, {"Access-Control-Request-Method", "PUT"}},
                     Method::options);
    const Response plain = co_await ask(handler, from_app);
    EXPECT_EQ(plain.body, "hello");
    EXPECT_EQ(plain.headers.find("Access-Control-Allow-Origin"), "https://app.example.org");
    EXPECT_EQ(plain.headers.find("Access-Control-Allow-Credentials"), "true");
    EXPECT_EQ(plain.headers.find("Access-Control-Expose-Headers"), "X-Total");
    EXPECT_EQ(plain.headers.find("Vary"), "Origin");
    const Response other = co_await ask(handler, from_evil);
    EXPECT_FALSE(other.headers.contains("Access-Control-Allow-Origin"));
    EXPECT_EQ(other.headers.find("Vary"), "Origin");
    const Response preflight = co_await ask(handler, asks_first);
    EXPECT_EQ(preflight.status, 204);
    EXPECT_EQ(preflight.headers.find("Access-Control-Allow-Methods"), "PUT, PATCH, DELETE");
    EXPECT_EQ(preflight.headers.find("Access-Control-Max-Age"), "3600");
    const Response refused = co_await ask(handler, evil_asks);
    EXPECT_FALSE(refused.headers.contains("Access-Control-Allow-Methods"));
    http::CorsOptions any;
    any.origins = {"*"};
    const Handler open = http::wrap(hello(), http::cors(any));
    const Response anybody = co_await ask(open, from_evil);
    EXPECT_EQ(anybody.headers.find("Access-Control-Allow-Origin"), "*");
    EXPECT_FALSE(anybody.headers.contains("Vary"));
  });
}

TEST(HttpMiddlewareOptions, OfCorsAreChecked) {
  for (const std::string_view bad : {"example.org", "https://a.org/", "https://", "https://a b"}) {
    http::CorsOptions options;
    options.origins = {std::string(bad)};
    EXPECT_THROW((void)http::cors(options), std::invalid_argument) << bad;
  }
  http::CorsOptions options;
  options.origins = {"*"};
  options.credentials = true;
  EXPECT_THROW((void)http::cors(options), std::invalid_argument);
  http::CorsOptions names;
  names.methods = {"A B"};
  EXPECT_THROW((void)http::cors(names), std::invalid_argument);
}

TEST(HttpAccessLog, ALineOfEachForm) {
  AccessRecord record;
  record.client = "127.0.0.1";
  record.method = "GET";
  record.target = "/a\"b\n\xff\\";
  record.version = "HTTP/1.1";
  record.agent = "x\x1b[31m\"y";
  record.status = 200;
  record.bytes = 5;
  record.began = std::chrono::system_clock::time_point(milliseconds(784'111'777'042));
  record.took = milliseconds(1500);
  EXPECT_EQ(AccessLog::line(AccessLog::Form::common, record),
            "127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] \"GET /a\\x22b\\x0a\\xff\\x5c HTTP/1.1\" "
            "200 5");
  EXPECT_TRUE(AccessLog::line(AccessLog::Form::combined, record)
                  .ends_with(" 200 5 \"-\" \"x\\x1b[31m\\x22y\""));
  EXPECT_EQ(AccessLog::line(AccessLog::Form::json, record),
            "{\"time\":\"1994-11-06T08:49:37.042Z\",\"client\":\"127.0.0.1\",\"method\":\"GET\","
            "\"target\":\"/a\\\"b\\u000a\\u00ff\\\\\",\"version\":\"HTTP/1.1\",\"status\":200,"
            "\"bytes\":5,\"seconds\":1.500000,\"complete\":true,"
            "\"agent\":\"x\\u001b[31m\\\"y\"}");
  record.bytes = 0;
  EXPECT_TRUE(AccessLog::line(AccessLog::Form::common, record).ends_with(" 200 -"));
}

TEST_P(HttpMiddleware, LogsEachRequestOnce) {
  run([]() -> Task<void> {
    std::vector<std::string> lines;
    const AccessLog log(AccessLog::Form::common,
                        [&lines](std::string_view line) { lines.emplace_back(line); });
    const Handler handler = http::wrap(hello(), http::log_access(log));
    Request head;
    head.method = Method::head;
    head.target = "/h";
    co_await ask(handler);
    co_await ask(handler, head);
    EXPECT_EQ(lines.size(), 2U);
    EXPECT_TRUE(lines[0].ends_with("\"GET / HTTP/1.1\" 200 5\n")) << lines[0];
    EXPECT_TRUE(lines[1].ends_with("\"HEAD /h HTTP/1.1\" 200 -\n")) << lines[1];
    const Handler fails([](Request&) -> Response { throw std::runtime_error("x"); });
    const Handler failing = http::wrap(fails, http::log_access(log));
    try {
      co_await ask(failing);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::runtime_error&) {  // passes through
    }
    EXPECT_EQ(lines.size(), 3U);
    EXPECT_TRUE(lines[2].ends_with(" 0 -\n")) << lines[2];
  });
}

TEST_P(HttpMiddleware, LogsAStreamedBodyWhenItWasSent) {
  run([]() -> Task<void> {
    std::vector<std::string> lines;
    const AccessLog log(AccessLog::Form::json,
                        [&lines](std::string_view line) { lines.emplace_back(line); });
    const Handler streams([](Request&) {
      return Response::stream([](http::BodyWriter& out) -> Task<void> {
        co_await out.write_all("12345");
        co_await out.write_all("67890");
      });
    });
    Site site(patient(), http::wrap(streams, http::log_access(log)));
    co_await visiting(site, [](Site& s) -> Task<void> {
      const std::string answer = co_await tell(s.endpoint(), get("/", "Connection: close\r\n"));
      EXPECT_NE(answer.find("1234567890"), std::string::npos) << answer;
    });
    EXPECT_EQ(lines.size(), 1U);
    EXPECT_NE(lines.at(0).find("\"bytes\":10,"), std::string::npos) << lines.at(0);
    EXPECT_NE(lines.at(0).find("\"complete\":true"), std::string::npos);
    EXPECT_NE(lines.at(0).find("\"client\":\"127.0.0.1\""), std::string::npos);
  });
}

TEST_P(HttpMiddleware, AStreamedBodyThatFailsIsLoggedAsIncomplete) {
  run([]() -> Task<void> {
    std::vector<std::string> lines;
    const AccessLog log(AccessLog::Form::json,
                        [&lines](std::string_view line) { lines.emplace_back(line); });
    const Handler streams([](Request&) {
      return Response::stream([](http::BodyWriter& out) -> Task<void> {
        co_await out.write_all("12345");
        throw std::runtime_error("no more");
      });
    });
    Site site(patient(), http::wrap(streams, http::log_access(log)));
    co_await visiting(site, [](Site& s) -> Task<void> {
      static_cast<void>(co_await tell(s.endpoint(), get("/", "Connection: close\r\n")));
    });
    EXPECT_EQ(lines.size(), 1U);
    EXPECT_NE(lines.at(0).find("\"complete\":false"), std::string::npos) << lines.at(0);
  });
}

}  // namespace
}  // namespace weft::testing::http_middleware_test
