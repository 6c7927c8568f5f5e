// Routes, captures, middleware, cookies and forms: a small site, asked by a client.
#include <chrono>
#include <cstdio>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <weft/http.hpp>
#include <weft/weft.hpp>

using namespace std::chrono_literals;
namespace http = weft::http;

// [router]
http::Response show_user(http::Request& request) {
  return http::Response::text("user " + std::string(request.path_parameters["id"]) + "\n");
}

weft::Task<http::Response> slow(http::Request&) {
  co_await weft::sleep_for(10s);
  co_return http::Response::text("late\n");
}

http::Router admin() {
  http::Router router;
  router.get("/status", [](http::Request&) { return http::Response::text("fine\n"); });
  router.get("/broken", [](http::Request&) -> http::Response { throw std::runtime_error("x"); });
  return router;
}
// [/router]

// [login]
http::Response log_in(http::Request& request) {
  const auto form = http::Form::parse(request.body);
  if (!form || form->find("name").value_or("").empty()) return http::Response::of(400);
  http::Response response = http::Response::text("welcome\n");
  http::SetCookie("name", http::percent_encode(*form->find("name")))
      .path("/")
      .http_only()
      .same_site(http::SameSite::lax)
      .add_to(response.headers);
  return response;
}

http::Response greet(http::Request& request) {
  const auto name = http::find_cookie(request.headers, "name");
  return http::Response::text("hello " + std::string(name.value_or("stranger")) + "\n");
}
// [/login]

// [upload]
/// Reads the parts of a form as they come; none of them is in memory as a whole.
weft::Task<http::Response> upload(http::Request& request, http::BodyReader& body) {
  http::MultipartReader form(request.headers, body);
  std::string report;
  while (const auto part = co_await form.next_part()) {
    const std::string text = co_await form.read_all(1'000'000);
    report += part->file_name.value_or(part->name) + ": " + std::to_string(text.size()) + "\n";
  }
  co_return http::Response::text(report);
}
// [/upload]

// [site]
http::Router site() {
  http::Router router;
  router.get("/users/{id}", show_user);
  router.get("/slow", slow);
  router.post("/login", log_in);
  router.get("/hello", greet);
  router.post("/upload", upload);
  router.mount("/admin", admin());
  return router;
}
// [/site]

// [wrap]
/// The log is the outermost: it sees what recover() and limit_time() have answered.
http::Handler wrapped(http::Router router, const http::AccessLog& log) {
  return http::wrap(std::move(router), http::log_access(log), http::identify_requests(),
                    http::recover(), http::secure_headers(), http::limit_time(50ms));
}
// [/wrap]

/// Times and addresses differ from run to run: only the request and the status are shown.
void show_line(std::string_view line) {
  const std::size_t begin = line.find('"');
  std::printf("%s\n", std::string(line.substr(begin, line.rfind('"') + 5 - begin)).c_str());
}

// [ask]
weft::Task<void> ask(const std::string& base) {
  http::Client client;
  http::CookieJar jar;
  http::ClientRequest login(http::Method::post, base + "/login");
  login.body = http::Form().add("name", "Ada Lovelace").to_string();
  const http::Response welcome = co_await client.request(login);
  jar.take_from(login.url, welcome.headers);
  http::ClientRequest hello(http::Method::get, base + "/hello");
  jar.add_to(hello);
  const http::Response greeting = co_await client.request(hello);
  std::printf("%s", greeting.body.c_str());
  // [/ask]
  http::MultipartForm form;
  form.add("comment", "mine").add_file("photo", "ada.png", "image/png", std::string(5000, 'x'));
  http::ClientRequest post(http::Method::post, base + "/upload");
  post.headers.set("Content-Type", form.content_type());
  post.body = form.to_string();
  const http::Response report = co_await client.request(std::move(post));
  std::printf("%s", report.body.c_str());
  for (const char* path : {"/users/7", "/users", "/slow", "/admin/status", "/admin/broken"}) {
    const http::Response response = co_await client.get(base + path);
    std::printf("%s: %s", path, response.body.c_str());
    if (!response.body.ends_with('\n')) std::printf("\n");
  }
  http::ClientRequest put(http::Method::put, base + "/hello");
  const http::Response refused = co_await client.request(std::move(put));
  std::printf("Allow: %s\n", std::string(refused.headers.find("Allow").value_or("")).c_str());
}

weft::Task<void> program() {
  weft::SocketListener listener = weft::SocketListener::bind("127.0.0.1:0");
  const http::AccessLog log(http::AccessLog::Form::common, show_line);
  http::Server server({}, http::streamed(wrapped(site(), log)));
  auto body = [&](weft::Scope& scope) -> weft::Task<void> {
    scope.spawn([&] { return server.serve(listener); });
    co_await ask("http://" + listener.local_endpoint().to_string());
    server.drain();
  };
  co_await weft::scope(body);
}

int main() {
  weft::RuntimeOptions options;
  options.current_thread = true;
  weft::Runtime runtime(options);
  runtime.block_on(program());
}
