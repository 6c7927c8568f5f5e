// Contexts of the examples in headers about what stands around HTTP handlers.
#include "given.hpp"

#include <iostream>

namespace given::of_parts {
using namespace std::chrono_literals;
using weft::File;
using weft::sleep_for;
using weft::Task;
namespace http = weft::http;

extern http::Router router;
extern http::AccessLog log;
extern http::Client client;
http::Response show_user(http::Request& request);
http::Response add_user(http::Request& request);
http::Router admin_routes();
http::Response page();
std::string fresh_name();
void send(std::uint64_t offset, std::uint64_t size);

void log_requests() {
  // example: weft/http/access_log.hpp
}
http::Response conditions(http::Request& request, std::string version, http::HttpTime modified) {
  // example: weft/http/conditional.hpp
  return response;
}
void cookies(http::Request& request, http::Response& response, std::string id) {
  // example: weft/http/cookie.hpp
}
Task<void> jar_of_a_client() {
  // example: weft/http/cookie_jar.hpp
}
void origins() {
  // example: weft/http/cors.hpp
}
void dates(http::Response& response, http::HttpTime modified) {
  // example: weft/http/date.hpp
}
void requests_of_ones_own() {
  // example: weft/http/decoder.hpp
}
void events() {
  // example: weft/http/event_stream.hpp
}
Task<void> events_of_a_server(http::BodyReader& body) {
  // example: weft/http/event_stream.hpp, number 2
}
http::Response forms(http::Request& request) {
  // example: weft/http/form.hpp
  return http::Response::of(200);
}
void handlers() {
  // example: weft/http/handler.hpp
}
void streamed_handlers() {
  // example: weft/http/handler.hpp, number 2
}
http::Response types(http::Request& request) {
  // example: weft/http/media_type.hpp
  return http::Response::of(best ? 200 : 406);
}
void middleware() {
  // example: weft/http/middleware.hpp
}
void own_middleware() {
  // example: weft/http/middleware.hpp, number 2
  http::Handler handler = http::wrap(router, no_cache);
}
void uploads() {
  // example: weft/http/multipart.hpp
  http::Handler handler = upload;
}
void forms_of_a_client(http::ClientRequest& request, std::string picture) {
  // example: weft/http/multipart.hpp, number 2
}
void captures() {
  // example: weft/http/path_parameters.hpp
}
http::Response ranges(http::Request& request, std::uint64_t size) {
  // example: weft/http/range.hpp
  return http::Response::of(206);
}
void routes() {
  // example: weft/http/router.hpp
}
void bytes_of_a_request() {
  // example: weft/http/serializer.hpp
}
void files() {
  // example: weft/http/static_files.hpp
}
}  // namespace given::of_parts
