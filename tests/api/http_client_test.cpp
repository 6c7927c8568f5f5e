// http::Client against weft's server and against raw, hostile ones.
#include "api/http_support.hpp"

#include <atomic>

namespace weft::testing::http_client_test {
namespace {

using http::Client;
using http::ClientOptions;
using http::ClientRequest;
using http::Errc;
using http::Method;
using http::Request;
using http::Response;

class HttpClient : public NetOver {};
INSTANTIATE_TEST_SUITE_P(Runtimes, HttpClient, transports_over_tcp(), name_of_transport);

/// Echoes the request, and "/big" at length.
Task<Response> describe(Request& request) {
  if (request.target == "/big") co_return Response::text(pattern(3'000'000));
  std::string text(to_string(request.method));
  text.append(" ").append(request.target).append(" ").append(request.body);
  co_return Response::text(std::move(text));
}

/// A server of raw answers: one connection for each of `answers`, closed once the answer is
/// written. It reads up to the end of a head first. `closed` counts the connections on which it
/// will send nothing more.
Task<void> answer_raw(SocketListener& listener, std::vector<std::string> answers,
                      std::atomic<std::size_t>* closed) {
  for (const std::string& answer : answers) {
    StreamSocket stream = co_await listener.accept();
    const std::string head = co_await read_up_to(stream, "\r\n\r\n");
    co_await stream.write_all(answer);
    const Result<void> shut = stream.shutdown(Shutdown::write);
    if (closed != nullptr) {
      EXPECT_TRUE(shut);  // a client that has refused the answer may have disconnected
      ++*closed;
    }
    static_cast<void>(co_await read_rest(stream));
  }
}

/// Runs `visit(url)` beside a server of raw answers.
template <class V>
Task<void> with_answers(std::vector<std::string> answers, V visit,
                        std::atomic<std::size_t>* closed = nullptr) {
  SocketListener listener = SocketListener::bind(Endpoint::loopback(0));
  const std::string url = "http://" + listener.local_endpoint().to_string() + "/x";
  co_await scope([&](Scope& children) -> Task<void> {
    children.spawn([&] { return answer_raw(listener, std::move(answers), closed); }).detach();
    co_await visit(url);
    children.cancel_children();
  });
}

/// The code of the IoError that `task` throws, whose text must be one line that names `subject`.
template <class T>
Task<std::error_code> error_of(Task<T> task, std::string subject) {
  try {
    static_cast<void>(co_await std::move(task));
  } catch (const IoError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find(subject), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
    co_return error.code();
  }
  co_return std::error_code();
}

TEST_P(HttpClient, GetsAndKeepsTheConnection) {
  run([]() -> Task<void> {
    Site site(patient(), describe);
    co_await visiting(site, [](Site& s) -> Task<void> {
      Client client(over_transport());
      for (int round = 0; round < 3; ++round) {
        const Response response = co_await client.get(s.url("/a%20b?c=d e"));
        EXPECT_EQ(response.status, 200);
        EXPECT_EQ(response.body, "GET /a%20b?c=d%20e ");
        EXPECT_EQ(response.headers.find("server"), "weft");
        EXPECT_EQ(client.idle_connections(), 1U);
        EXPECT_EQ(s.server.connections(), 1U);
      }
    });
  });
}

TEST_P(HttpClient, SendsMethodsBodiesAndFields) {
  run([]() -> Task<void> {
    Site site(patient(), [](Request& request) {
      std::string text = request.body;
      text.append(*request.headers.find("x-a")).append(*request.headers.find("user-agent"));
      Response response = Response::text(std::move(text));
      response.status = 201;
      return response;
    });
    co_await visiting(site, [](Site& s) -> Task<void> {
      Client client(over_transport());
      ClientRequest request(Method::post, s.url("/"));
      request.headers.add("X-A", "b");
      request.body = "body-";
      const Response posted = co_await client.request(request);
      EXPECT_EQ(posted.status, 201);
      EXPECT_EQ(posted.body, "body-bweft");
      request.method = Method::head;
      request.body.clear();
      const Response head = co_await client.request(request);
      EXPECT_EQ(head.headers.find("content-length"), "5");
      EXPECT_EQ(head.body, "");
      EXPECT_EQ(s.server.connections(), 1U);
    });
  });
}

TEST_P(HttpClient, ManyRequestsAtOnce) {
  run([]() -> Task<void> {
    Site site(patient(), [](Request& request) -> Task<Response> {
      co_await sleep_for(milliseconds(20));
      co_return Response::text(request.target);
    });
    co_await visiting(site, [](Site& s) -> Task<void> {
      Client client(over_transport());
      std::atomic<int> right = 0;
      co_await scope([&](Scope& children) -> Task<void> {
        for (int i = 0; i < 200; ++i) {
          children
              .spawn([&client, &right, &s, i]() -> Task<void> {
                const std::string target = "/" + std::to_string(i);
                const Response response = co_await client.get(s.url(target));
                if (response.body == target) ++right;
              })
              .detach();
        }
        co_return;
      });
      EXPECT_EQ(right, 200);
      EXPECT_LE(client.idle_connections(), 64U);
      client.close_idle();
      EXPECT_EQ(client.idle_connections(), 0U);
    });
  });
}

TEST_P(HttpClient, GivesTheBodyToASink) {
  run([]() -> Task<void> {
    Site site(patient(), describe);
    co_await visiting(site, [](Site& s) -> Task<void> {
      ClientOptions options;
      options.limits.max_body = 1000;  // bounds only a collected body
      Client client(over_transport(options));
      std::string collected;
      std::size_t calls = 0;
      const Response response = co_await client.get_to(
          s.url("/big"), [&](const Response& head, std::span<const std::byte> bytes) {
            EXPECT_EQ(head.status, 200);
            collected.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
            ++calls;
          });
      EXPECT_TRUE(response.body.empty());
      EXPECT_TRUE(collected == pattern(3'000'000));
      EXPECT_GT(calls, 10U);
      const std::error_code too_large = co_await error_of(client.get(s.url("/big")), s.url("/big"));
      EXPECT_EQ(too_large, Errc::body_too_large);
      bool thrown = false;
      try {
        static_cast<void>(co_await client.get_to(
            s.url("/big"), [](const Response&, auto) { throw std::runtime_error("disk full"); }));
      } catch (const std::runtime_error& error) {
        thrown = std::string_view(error.what()) == "disk full";
      }
      EXPECT_TRUE(thrown);
    });
  });
}

TEST_P(HttpClient, ReadsEveryFraming) {
  const std::pair<std::string, std::string> cases[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc"},
      {"HTTP/1.1 200 OK\r\n\r\nuntil the end", "until the end"},
      {"HTTP/1.0 200 OK\r\n\r\nold", "old"},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
       "abcde"},
      {"HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
       "x"},
      {"HTTP/1.1 204 No Content\r\n\r\n", ""},
  };
  run([&cases]() -> Task<void> {
    for (const auto& [answer, body] : cases) {
      std::vector<std::string> answers(1, answer);
      co_await with_answers(std::move(answers), [&body](const std::string& url) -> Task<void> {
        Client client(over_transport());
        const Response response = co_await client.get(url);
        EXPECT_EQ(response.body, body);
        EXPECT_FALSE(response.headers.contains("a"));
      });
    }
  });
}

TEST_P(HttpClient, RefusesBadAnswers) {
  std::string many_hints;
  for (int i = 0; i < 30; ++i) many_hints += "HTTP/1.1 103 Early Hints\r\n\r\n";
  const std::pair<std::string, Errc> cases[] = {
      {"", Errc::closed_before_response},
      {"SSH-2.0-OpenSSH\r\n", Errc::bad_status_line},
      {"HTTP/1.1 200 OK\r\nA: b\rContent-Length: 0\r\n\r\n", Errc::bad_line_ending},
      {"HTTP/1.1 200 OK\r\nA: " + std::string(100'000, 'b') + "\r\n\r\n", Errc::headers_too_large},
      {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy",
       Errc::bad_content_length},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc", Errc::unexpected_end},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc", Errc::unexpected_end},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", Errc::unsupported_transfer_coding},
      {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", Errc::body_too_large},
      {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFFFFFFFFFF\r\n",
       Errc::body_too_large},
      {"HTTP/1.1 101 Switching Protocols\r\n\r\n", Errc::unexpected_status},
      {many_hints, Errc::closed_before_response},
  };
  run([&cases]() -> Task<void> {
    for (const auto& [answer, expected] : cases) {
      std::vector<std::string> answers(1, answer);
      auto visit = [&answer, expected](const std::string& url) -> Task<void> {
        Client client(over_transport());
        const std::error_code error = co_await error_of(client.get(url), "GET " + url);
        EXPECT_EQ(error, expected) << answer.substr(0, 80) << ": " << error.message();
        EXPECT_EQ(client.idle_connections(), 0U);
      };
      co_await with_answers(std::move(answers), visit);
    }
  });
}

TEST_P(HttpClient, ToleratesFaultsUnlessItIsStrict) {
  const std::pair<std::string, Errc> cases[] = {
      {"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 1\r\n\r\nx", Errc::folded_header},
      {"HTTP/1.1 200 OK\nA: b c\nContent-Length: 1\n\nx", Errc::bad_line_ending},
      {"HTTP/1.1 200 OK\r\nA: b c\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
       Errc::bad_content_length},
  };
  run([&cases]() -> Task<void> {
    for (const auto& [answer, error] : cases) {
      std::vector<std::string> answers(2, answer);
      auto visit = [&answer, error](const std::string& url) -> Task<void> {
        Client client(over_transport());
        const Response response = co_await client.get(url);
        EXPECT_EQ(response.headers.find("a"), "b c") << answer;
        EXPECT_EQ(response.body, "x") << answer;
        client.close_idle();  // the server takes the next connection
        ClientOptions options;
        options.strict = true;
        Client strict(options);
        const std::error_code refused = co_await error_of(strict.get(url), url);
        EXPECT_EQ(refused, error) << answer;
      };
      co_await with_answers(std::move(answers), visit);
    }
  });
}

TEST_P(HttpClient, ErrorsAreDistinct) {
  run([]() -> Task<void> {
    std::optional<SocketListener> gone = SocketListener::bind(Endpoint::loopback(0));
    const std::string address = gone->local_endpoint().to_string();
    gone.reset();
    Client client(over_transport());
    const std::error_code refused =
        co_await error_of(client.get("http://" + address + "/"), "connect " + address);
    EXPECT_EQ(refused, std::errc::connection_refused);
    const std::error_code name =
        co_await error_of(client.get("http://no..such..name/"), "resolve no..such..name");
    EXPECT_EQ(name.category(), resolve_category());
    if (present_transport == Over::tcp) {  // a connector is asked
      const std::error_code tls = co_await error_of(client.get("https://a/"), "GET https://a/");
      EXPECT_EQ(tls, Errc::tls_not_configured);
    }
    const std::error_code scheme = co_await error_of(client.get("ftp://a/"), "GET ftp://a/");
    EXPECT_EQ(scheme, Errc::unsupported_scheme);
    const std::error_code user = co_await error_of(client.get("http://u@a/"), "GET http://u@a/");
    EXPECT_EQ(user, Errc::userinfo_in_url);
    const std::error_code url = co_await error_of(client.get("nonsense"), "GET nonsense");
    EXPECT_EQ(url, Errc::bad_url);
  });
}

TEST_P(HttpClient, AResetIsToldApart) {
  run([]() -> Task<void> {
    SocketListener listener = SocketListener::bind(Endpoint::loopback(0));
    const std::string url = "http://" + listener.local_endpoint().to_string() + "/";
    co_await scope([&](Scope& children) -> Task<void> {
      children
          .spawn([&listener]() -> Task<void> {
            StreamSocket stream = co_await listener.accept();
            EXPECT_TRUE(stream.set_linger(seconds(0)));
            static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
            co_await stream.write_all("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
          })
          .detach();
      Client client(over_transport());
      const std::error_code error = co_await error_of(client.get(url), "GET " + url);
      EXPECT_TRUE(error == std::errc::connection_reset || error == Errc::unexpected_end)
          << error.message();
    });
  });
}

TEST_P(HttpClient, ATimeoutEndsTheRequest) {
  run([]() -> Task<void> {
    Site site(patient(), [](Request&) -> Task<Response> {
      co_await sleep_for(hours(1));
      co_return Response(200);
    });
    co_await visiting(site, [](Site& s) -> Task<void> {
      ClientOptions options;
      options.timeout = milliseconds(30);
      Client client(over_transport(options));
      const std::error_code error = co_await error_of(client.get(s.url("/")), s.url("/"));
      EXPECT_EQ(error, std::errc::timed_out);
      EXPECT_EQ(client.idle_connections(), 0U);
    });
  });
}

TEST_P(HttpClient, AStaleConnectionIsReplacedOnce) {
  const std::string kept = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n";
  const std::vector<std::string> answers{kept + "1", kept + "2", kept + "3"};
  std::atomic<std::size_t> closed = 0;
  run([&]() -> Task<void> {
    // Each connection is closed after its first answer, which promised more.
    auto visit = [&closed](const std::string& url) -> Task<void> {
      Client client(over_transport());
      const Response first = co_await client.get(url);
      EXPECT_EQ(first.body, "1");
      EXPECT_EQ(client.idle_connections(), 1U);
      const Response second = co_await client.get(url);
      EXPECT_EQ(second.body, "2");
      // A request that must not be sent twice checks the connection first. It cannot know of later
      // events.
      while (closed < 2) co_await yield_now();
      const Response third = co_await client.request(ClientRequest(Method::post, url));
      EXPECT_EQ(third.body, "3");
    };
    co_await with_answers(answers, visit, &closed);
  });
}

TEST_P(HttpClient, RedirectsAreFollowedOnRequest) {
  run([]() -> Task<void> {
    Site site(patient(), [](Request& request) {
      const std::string_view path = request.path();
      if (path == "/end")
        return Response::text(std::string(to_string(request.method)) + request.body);
      Response response(path == "/see-other" ? 303 : path == "/same" ? 307 : 302);
      response.headers.add("Location", path == "/loop" ? "loop" : "/end?from=here#part");
      response.body = "moved";
      return response;
    });
    co_await visiting(site, [](Site& s) -> Task<void> {
      Client plain;
      const Response not_followed = co_await plain.get(s.url("/found"));
      EXPECT_EQ(not_followed.status, 302);
      EXPECT_EQ(not_followed.body, "moved");
      ClientOptions options;
      options.follow_redirects = 3;
      Client client(over_transport(options));
      std::string collected;
      const Response followed = co_await client.get_to(
          s.url("/found"), [&collected](const Response&, std::span<const std::byte> bytes) {
            collected.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
          });
      EXPECT_EQ(followed.status, 200);
      EXPECT_EQ(collected, "GET");
      ClientRequest post(Method::post, s.url("/see-other"));
      post.body = "text";
      const Response other = co_await client.request(post);
      EXPECT_EQ(other.body, "GET");
      post.url = s.url("/same");
      const Response same = co_await client.request(post);
      EXPECT_EQ(same.body, "POSTtext");
      const std::error_code loop = co_await error_of(client.get(s.url("/loop")), s.url("/loop"));
      EXPECT_EQ(loop, Errc::too_many_redirects);
      EXPECT_EQ(client.idle_connections(), 1U);
    });
  });
}

TEST_P(HttpClient, CredentialsStayWithTheirHost) {
  run([]() -> Task<void> {
    Site other(patient(), [](Request& request) {
      return Response::text(request.headers.contains("authorization") ? "leaked" : "kept");
    });
    Site first(patient(), [&other](Request&) {
      Response response(302);
      response.headers.add("Location", other.url("/"));
      return response;
    });
    co_await visiting(other, [&first](Site&) -> Task<void> {
      co_await visiting(first, [](Site& s) -> Task<void> {
        ClientOptions options;
        options.follow_redirects = 1;
        Client client(over_transport(options));
        ClientRequest request(Method::get, s.url("/"));
        request.headers.add("Authorization", "Basic eDp5");
        const Response response = co_await client.request(request);
        EXPECT_EQ(response.body, "kept");
      });
    });
  });
}

TEST_P(HttpClient, AnEarlyRefusalOfALongBodyIsRead) {
  run([]() -> Task<void> {
    Site site(patient(), describe);
    co_await visiting(site, [](Site& s) -> Task<void> {
      Client client(over_transport());
      ClientRequest request(Method::put, s.url("/"));
      request.body.assign(8 * 1024 * 1024, 'x');
      const std::error_code error = co_await error_of(client.request(request), s.url("/"));
      // The server lingers over some of the body. With more, the reset may overtake its answer.
      EXPECT_TRUE(!error || error == std::errc::connection_reset || error == std::errc::broken_pipe)
          << error.message();
      request.body.resize(1200 * 1024);
      const Response refused = co_await client.request(request);
      EXPECT_EQ(refused.status, 413);
    });
  });
}

TEST_P(HttpClient, CancellingLeavesNothingBehind) {
  run([]() -> Task<void> {
    std::atomic<int> inside = 0;
    Site site(patient(), [&inside](Request&) -> Task<Response> {
      ++inside;
      co_await sleep_for(hours(1));
      co_return Response(200);
    });
    co_await visiting(site, [&inside](Site& s) -> Task<void> {
      Client client(over_transport());
      co_await scope([&](Scope& children) -> Task<void> {
        for (int i = 0; i < 10; ++i) {
          children
              .spawn([&client, &s]() -> Task<void> {
                static_cast<void>(co_await client.get(s.url("/")));
              })
              .detach();
        }
        co_await until([&inside] { return inside == 10; });
        children.cancel_children();
      });
      EXPECT_EQ(client.idle_connections(), 0U);
    });
  });
}

}  // namespace
}  // namespace weft::testing::http_client_test
