// Router and Handler: which route answers, what was captured, and what is refused.
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "api/http_support.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::testing::http_router_test {
namespace {

using http::Handler;
using http::Method;
using http::Request;
using http::Response;
using http::Router;

class HttpRouter : public test::RuntimeTest {};
INSTANTIATE_TEST_SUITE_P(Runtimes, HttpRouter, ::testing::Values(std::size_t{0}, std::size_t{2}),
                         test::worker_count_name);

/// Answers with a name and what was captured: "name id=1 path=a/b".
Handler named(std::string name) {
  return Handler([name = std::move(name)](Request& request) {
    std::string text = name;
    for (const auto& [key, value] : request.path_parameters) {
      text.append(" ").append(key).append("=").append(value);
    }
    return Response::text(text);
  });
}

Task<Response> ask(const Router& router, Method method, std::string target) {
  Request request;
  request.method = method;
  request.target = std::move(target);
  Response response = co_await router(request);
  co_return response;
}

Router example() {
  Router router;
  router.get("/", named("root"));
  router.get("/users", named("users"));
  router.post("/users", named("add"));
  router.get("/users/me", named("me"));
  router.get("/users/{id}", named("user"));
  router.del("/users/{id}", named("remove"));
  router.get("/users/{id}/posts/{post}", named("post"));
  router.get("/users/me/{what}", named("mine"));
  router.get("/files/{path...}", named("file"));
  router.get("/files/index", named("index"));
  router.get("/a b", named("space"));
  router.any("/any", named("any"));
  router.put("/any", named("put"));
  return router;
}

TEST_P(HttpRouter, FindsTheRoute) {
  struct Row {
    Method method;
    std::string_view target;
    int status;
    std::string_view answer;
  };
  const Row rows[] = {
      {Method::get, "/", 200, "root"},
      {Method::get, "http://host", 200, "root"},
      {Method::get, "/?a=b", 200, "root"},
      {Method::get, "/users", 200, "users"},
      {Method::post, "/users", 200, "add"},
      {Method::head, "/users", 200, "users"},
      {Method::get, "/users/", 404, ""},  // {id} is not empty
      {Method::get, "/users/me", 200, "me"},
      {Method::get, "/users/%6de", 200, "me"},
      {Method::get, "/users/7", 200, "user id=7"},
      {Method::get, "/users/a%20b%2Fc?d", 200, "user id=a b/c"},
      {Method::del, "/users/me", 200, "remove id=me"},  // the text has no route for this method
      {Method::get, "/users/me/x", 200, "mine what=x"},
      {Method::get, "/users/me/posts/9", 200, "post id=me post=9"},  // back from "me"
      {Method::get, "/users/7/posts/9", 200, "post id=7 post=9"},
      {Method::get, "/users/7/posts", 404, ""},
      {Method::get, "/files/", 200, "file path="},
      {Method::get, "/files", 404, ""},
      {Method::get, "/files/a/b%20c", 200, "file path=a/b c"},
      {Method::get, "/files/dir/", 200, "file path=dir/"},
      {Method::get, "/files/index", 200, "index"},
      {Method::get, "/files/index/x", 200, "file path=index/x"},
      {Method::get, "/a%20b", 200, "space"},
      {Method::get, "/any", 200, "any"},
      {Method::patch, "/any", 200, "any"},
      {Method::put, "/any", 200, "put"},
      {Method::get, "/nothing", 404, ""},
      // What a file handler must never see.
      {Method::get, "/files/../users", 404, ""},
      {Method::get, "/files/%2e%2E/users", 404, ""},
      {Method::get, "/files/.", 404, ""},
      {Method::get, "/files/a%2Fb", 404, ""},
      {Method::get, "/users/..", 404, ""},
      {Method::get, "/%zz", 400, ""},
      {Method::get, "/users/%", 400, ""},
  };
  run([&rows]() -> Task<void> {
    const Router router = example();
    for (const Row& row : rows) {
      const Response response = co_await ask(router, row.method, std::string(row.target));
      EXPECT_EQ(response.status.code(), row.status) << row.target;
      if (row.status == 200) {
        EXPECT_EQ(response.body, row.answer) << row.target;
      }
    }
  });
}

TEST_P(HttpRouter, TellsTheMethodsOfAPath) {
  run([]() -> Task<void> {
    const Router router = example();
    const Response wrong = co_await ask(router, Method::put, "/users");
    EXPECT_EQ(wrong.status, 405);
    EXPECT_EQ(wrong.headers.find("Allow"), "GET, HEAD, POST, OPTIONS");
    const Response both = co_await ask(router, Method::put, "/users/me");
    EXPECT_EQ(both.headers.find("Allow"), "GET, HEAD, DELETE, OPTIONS");
    const Response options = co_await ask(router, Method::options, "/users");
    EXPECT_EQ(options.status, 204);
    EXPECT_EQ(options.headers.find("Allow"), "GET, HEAD, POST, OPTIONS");
    const Response all = co_await ask(router, Method::options, "*");
    EXPECT_EQ(all.status, 204);
    EXPECT_EQ(all.headers.find("Allow"), "GET, HEAD, POST, PUT, DELETE, OPTIONS");
    const Response unknown = co_await ask(router, Method::options, "/nothing");
    EXPECT_EQ(unknown.status, 404);
  });
}

TEST_P(HttpRouter, MountsAndFallsBack) {
  run([]() -> Task<void> {
    Router inner;
    inner.get("/", named("home")).get("/{page}", named("page"));
    Router router;
    router.mount("/{tenant}", inner).mount("", example()).otherwise(named("otherwise"));
    const Response home = co_await ask(router, Method::get, "/x/");
    EXPECT_EQ(home.body, "home tenant=x");
    const Response page = co_await ask(router, Method::get, "/x/y");
    EXPECT_EQ(page.body, "page tenant=x page=y");
    const Response users = co_await ask(router, Method::get, "/users/7");
    EXPECT_EQ(users.body, "user id=7");
    const Response other = co_await ask(router, Method::get, "/x/y/z");
    EXPECT_EQ(other.body, "otherwise");
    const Router copy = router;
    const Response copied = co_await ask(copy, Method::get, "/x/y/z");
    EXPECT_EQ(copied.body, "otherwise");
  });
}

TEST(HttpRouterPatterns, AreRefusedWithAReason) {
  struct Row {
    std::string_view pattern;
    std::string_view says;
  };
  const Row rows[] = {{"", "does not begin with '/'"},
                      {"users", "does not begin with '/'"},
                      {"/{", "whole segment"},
                      {"/a{b}", "whole segment"},
                      {"/{a}b", "whole segment"},
                      {"/{}", "name"},
                      {"/{a-b}", "name"},
                      {"/{...}", "name"},
                      {"/{a...}/b", "last segment"},
                      {"/{a}/{a}", "one name"},
                      {"/..", "'.'"},
                      {"/%4", "hexadecimal"},
                      {"/users/{other}", "'/users/{id}'"},
                      {"/a%20b", "'/a b'"}};
  for (const Row& row : rows) {
    Router router = example();
    try {
      router.get(row.pattern, named("new"));
      ADD_FAILURE() << row.pattern << " was taken";
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string_view(error.what()).find(row.says), std::string_view::npos)
          << error.what();
    }
    EXPECT_NO_THROW(router.post("/users/{other}", named("new")));  // another method
  }
  Router router;
  EXPECT_THROW(router.mount("/a/", example()), std::invalid_argument);
  EXPECT_THROW(router.mount("", example()).mount("", example()), std::invalid_argument);
}

TEST_P(HttpRouter, IsAServersHandler) {
  run([]() -> Task<void> {
    Router router = example();
    router.post("/echo", [](Request& request, http::BodyReader& body) -> Task<Response> {
      EXPECT_TRUE(request.body.empty());
      std::string text = co_await body.read_all(100);
      co_return Response::text(std::move(text));
    });
    router.post("/whole", [](Request& request) { return Response::text(request.body); });
    const std::string raw =
        get("/users/7") +
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
        "POST /whole HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nConnection: close\r\n\r\ndef";
    const auto expect_answers = [&raw](Site& s) -> Task<void> {
      const std::string answer = co_await tell(s.endpoint(), raw);
      EXPECT_NE(answer.find("user id=7"), std::string::npos) << answer;
      EXPECT_NE(answer.find("abc"), std::string::npos) << answer;
      EXPECT_TRUE(answer.ends_with("def")) << answer;
    };
    Site whole(patient(), router);
    co_await visiting(whole, expect_answers);
    Site streamed(patient(), http::streamed(router));
    co_await visiting(streamed, expect_answers);
  });
}

TEST_P(HttpRouter, ABodyThatIsTooLargeForAHandlerIsAnError) {
  run([]() -> Task<void> {
    const Handler handler([](Request& request) { return Response::text(request.body); }, 3);
    Request request;
    http::BodyReader body = http::body_reader_of("abcd");
    const auto answer = co_await attempt(handler.answer(request, &body));
    EXPECT_FALSE(answer.has_value());
    if (!answer) {
      EXPECT_EQ(answer.error().code(), http::Errc::body_too_large);
    }
  });
}

TEST_P(HttpRouter, ManyRoutesAreFound) {
  run([]() -> Task<void> {
    Router router;
    for (int i = 0; i < 5000; ++i) {
      router.get("/api/v1/kind" + std::to_string(i) + "/{id}", named(std::to_string(i)));
    }
    for (const int i : {0, 77, 4999}) {
      const Response found =
          co_await ask(router, Method::get, "/api/v1/kind" + std::to_string(i) + "/x");
      EXPECT_EQ(found.body, std::to_string(i) + " id=x");
    }
    // A path of many segments visits each node once.
    std::string deep;
    for (int i = 0; i < 2000; ++i) deep += "/x";
    const Response none = co_await ask(router, Method::get, deep);
    EXPECT_EQ(none.status, 404);
  });
}

}  // namespace
}  // namespace weft::testing::http_router_test
