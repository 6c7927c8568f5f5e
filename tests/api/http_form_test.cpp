// Forms, multipart bodies and server-sent events: whole, cut at every byte, malformed, too large.
#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "api/http_support.hpp"
#include "http/fuzz_support.hpp"
#include "support/runtime_fixture.hpp"
#include "support/sanitizers.hpp"

namespace weft::testing::http_form_test {
namespace {

using http::Form;
using http::FormErrc;
using http::MultipartReader;

class HttpForm : public test::RuntimeTest {};
INSTANTIATE_TEST_SUITE_P(Runtimes, HttpForm, ::testing::Values(std::size_t{0}, std::size_t{2}),
                         test::worker_count_name);

/// Gives a text in pieces of a size; counts what it was asked for.
class TextReader {
 public:
  explicit TextReader(std::string text, std::size_t piece = static_cast<std::size_t>(-1))
      : text_(std::move(text)), piece_(piece) {}
  [[nodiscard]] Task<std::size_t> read(std::span<std::byte> buffer) {
    const std::size_t size = std::min({buffer.size(), piece_, text_.size() - taken_});
    std::memcpy(buffer.data(), text_.data() + taken_, size);
    taken_ += size;
    co_return size;
  }

 private:
  std::string text_;
  std::size_t piece_;
  std::size_t taken_ = 0;
};

TEST(HttpFormFields, AreDecodedAndEncoded) {
  const auto form = Form::parse("a=1&b=x+y%26z&a=2&empty=&alone&&%C3%A4=%00");
  ASSERT_TRUE(form);
  EXPECT_EQ(form->find("a"), "1");
  EXPECT_EQ(form->find_all("a").size(), 2U);
  EXPECT_EQ(form->find("b"), "x y&z");
  EXPECT_EQ(form->find("empty"), "");
  EXPECT_EQ(form->find("alone"), "");
  EXPECT_EQ(form->find("\xc3\xa4"), std::string_view("\0", 1));
  EXPECT_FALSE(form->find("B"));
  EXPECT_EQ(form->to_string(), "a=1&b=x+y%26z&a=2&empty=&alone=&%C3%A4=%00");
  EXPECT_EQ(Form().add("a b", "c*-._~d").to_string(), "a+b=c*-._%7Ed");
  EXPECT_EQ(Form::parse("")->fields().size(), 0U);
}

TEST(HttpFormFields, BadOnesAreNamed) {
  http::FormLimits limits;
  limits.max_fields = 2;
  limits.max_field_size = 4;
  const std::pair<std::string_view, FormErrc> rows[] = {{"a=%", FormErrc::bad_percent_encoding},
                                                        {"%zz=1", FormErrc::bad_percent_encoding},
                                                        {"a=1&b=2&c=3", FormErrc::too_many_fields},
                                                        {"ab=123", FormErrc::field_too_large}};
  for (const auto& [text, why] : rows) {
    const auto form = Form::parse(text, limits);
    ASSERT_FALSE(form) << text;
    EXPECT_EQ(form.error(), why) << text;
  }
  EXPECT_EQ(http::form_category().name(), std::string_view("http form"));
}

http::Headers multipart_headers(std::string_view boundary = "XX") {
  http::Headers headers;
  headers.add("Content-Type", "multipart/form-data; boundary=" + std::string(boundary));
  return headers;
}

/// All parts of a body: "name[file]=contents;".
Task<std::string> read_form(MultipartReader& form) {
  std::string all;
  for (;;) {
    const std::optional<http::FormPart> part = co_await form.next_part();
    if (!part) break;
    all += part->name;
    if (part->file_name) all += "[" + *part->file_name + "]";
    if (!part->content_type.empty()) all += "(" + part->content_type + ")";
    const std::string contents = co_await form.read_all(1'000'000);
    all += "=" + contents + ";";
  }
  co_return all;
}
Task<std::string> read_text(std::string text, std::size_t piece,
                            http::MultipartLimits limits = {}) {
  MultipartReader form(multipart_headers(), TextReader(std::move(text), piece), limits);
  std::string all = co_await read_form(form);
  co_return all;
}

const std::string example =
    "a preamble\r\n--XX \t\r\n"
    "Content-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n2\r\n--XX\r\n"
    "content-disposition: FORM-DATA; name=file; filename=\"C:\\dir\\x%22y.txt\"\r\n"
    "Content-Type: text/plain\r\n\r\n--XY\r\n--X\r\n--XXY\r\n\r\n--XX\r\n"
    "Content-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--XX--\r\nan epilogue";
const std::string example_says =
    "a=1\r\n2;file[x\"y.txt](text/plain)=--XY\r\n--X\r\n--XXY\r\n;empty=;";

TEST_P(HttpForm, PartsAreReadHoweverTheyAreCut) {
  run([]() -> Task<void> {
    for (std::size_t piece = 1; piece <= example.size(); ++piece) {
      const std::string all = co_await read_text(example, piece);
      EXPECT_EQ(all, example_says) << "in pieces of " << piece;
    }
  });
}

TEST_P(HttpForm, ABodyThatEndsAnywhereIsAnError) {
  run([]() -> Task<void> {
    const std::size_t end = example.find("--XX--") + 6;
    for (std::size_t size = 0; size < end; ++size) {
      const auto all = co_await attempt(read_text(example.substr(0, size), 7));
      EXPECT_FALSE(all.has_value()) << size;
      if (!all) {
        EXPECT_EQ(all.error().code(), FormErrc::unexpected_end) << size;
      }
    }
    const std::string all = co_await read_text(example.substr(0, end), 7);
    EXPECT_EQ(all, example_says);
  });
}

/// All parts, or the error.
Task<std::string> outcome_of(std::string text, std::size_t piece) {
  http::MultipartLimits limits;
  limits.max_parts = 4;
  limits.max_header_bytes = 200;
  limits.max_part_size = 40;
  const auto all = co_await attempt(read_text(std::move(text), piece, limits));
  if (all) co_return *all;
  co_return "error: " + all.error().code().message();
}

/// Errors and parts; WEFT_FUZZ_ROUNDS and WEFT_SEED as for the tests of the parsers.
TEST_P(HttpForm, MutatedBodiesAreTheSameHoweverCut) {
  const std::string_view words[] = {"\r\n",     "\n",  "\r",   "--XX",       "--XX--",  "\r\n--XX",
                                    "--",       "\"",  "\\",   "; name=",    "; ",      ":",
                                    "\r\n\r\n", "%22", "\xff", "filename*=", "A: b\r\n"};
  http::test::for_each_seed(test::fewer_if_sanitized(1'000U), [&](unsigned seed) {
    http::test::Random random(seed);
    std::string body = example;
    for (std::size_t left = 1 + http::test::pick(random, 4); left > 0; --left) {
      http::test::mutate_once(body, words, random);
    }
    const std::size_t piece = 1 + http::test::pick(random, 20);
    run([&]() -> Task<void> {
      const std::string whole = co_await outcome_of(body, body.size());
      const std::string cut = co_await outcome_of(body, piece);
      EXPECT_EQ(cut, whole) << "WEFT_SEED=" << seed << " in pieces of " << piece << "\n" << body;
    });
  });
}

TEST_P(HttpForm, UnreadPartsAreSkipped) {
  run([]() -> Task<void> {
    std::string text = "--XX\r\nContent-Disposition: form-data; name=big\r\n\r\n";
    text +=
        std::string(100'000, 'x') + "\r\n--XX\r\nContent-Disposition: form-data; name=b\r\n\r\n";
    text += std::string(50'000, '\r') + "\r\n--XX--";
    TextReader reader(text);
    MultipartReader form(multipart_headers(), reader);
    std::array<std::byte, 10> few;
    const std::size_t none = co_await form.read(few);
    EXPECT_EQ(none, 0U);  // before the first part
    const auto big = co_await form.next_part();
    EXPECT_EQ(big->name, "big");
    const std::size_t some = co_await form.read(few);
    EXPECT_EQ(some, 10U);
    const auto small = co_await form.next_part();
    EXPECT_EQ(small->name, "b");
    const std::string contents = co_await form.read_all(50'000);
    EXPECT_EQ(contents, std::string(50'000, '\r'));
    const auto end = co_await form.next_part();
    EXPECT_FALSE(end);
  });
}

TEST_P(HttpForm, MalformedBodiesAreNamed) {
  http::MultipartLimits limits;
  limits.max_parts = 2;
  limits.max_headers = 3;
  limits.max_header_bytes = 200;
  limits.max_part_size = 10;
  const std::string head = "Content-Disposition: form-data; name=a\r\n";
  const auto part = [&head](const std::string& more) {
    return "--XX\r\n" + head + "\r\n" + more + "\r\n";
  };
  const std::pair<std::string, FormErrc> rows[] = {
      {std::string(300, 'x') + "\r\n--XX--", FormErrc::no_first_boundary},
      {"--XX\r\nno colon\r\n\r\n\r\n--XX--", FormErrc::bad_part_header},
      {"--XX\r\n" + head + " folded\r\n\r\n\r\n--XX--", FormErrc::bad_part_header},
      {"--XX\r\nA\x01: b\r\n\r\n\r\n--XX--", FormErrc::bad_part_header},
      {"--XX\r\n\r\n\r\n--XX--", FormErrc::no_part_name},
      {"--XX\r\nContent-Disposition: attachment; name=a\r\n\r\n\r\n--XX--", FormErrc::no_part_name},
      {"--XX\r\nContent-Disposition: form-data\r\n\r\n\r\n--XX--", FormErrc::no_part_name},
      {"--XX\r\nContent-Disposition: form-data; name=\"a\r\n\r\n\r\n--XX--",
       FormErrc::no_part_name},
      {"--XX\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\n\r\n--XX--",
       FormErrc::no_part_name},
      {"--XX\r\n" + head + "A: " + std::string(300, 'x') + "\r\n\r\n\r\n--XX--",
       FormErrc::part_header_too_large},
      {"--XX\r\n" + head + "A: 1\r\nB: 2\r\nC: 3\r\n\r\n\r\n--XX--",
       FormErrc::part_header_too_large},
      {part("12345678901") + "--XX--", FormErrc::field_too_large},
      {part("1") + part("2") + part("3") + "--XX--", FormErrc::too_many_fields},
      {"", FormErrc::unexpected_end}};
  run([&rows, &limits]() -> Task<void> {
    for (const auto& [text, why] : rows) {
      for (const std::size_t piece : {1U, 1000U}) {
        const auto all = co_await attempt(read_text(text, piece, limits));
        EXPECT_FALSE(all.has_value()) << text;
        if (!all) {
          EXPECT_EQ(all.error().code(), why) << text;
        }
      }
    }
  });
}

TEST(HttpFormBoundary, IsChecked) {
  const std::pair<std::string_view, FormErrc> rows[] = {
      {"", FormErrc::not_multipart},
      {"text/plain; boundary=XX", FormErrc::not_multipart},
      {"multipart/form-data", FormErrc::not_multipart},
      {"multipart/form-data; boundary=\"\"", FormErrc::bad_boundary},
      {"multipart/form-data; boundary=\"a\\\"b\"", FormErrc::bad_boundary},
      {"multipart/form-data; boundary=\"a \"", FormErrc::bad_boundary},
      {"multipart/form-data; boundary="
       "12345678901234567890123456789012345678901234567890123456789012345678901",
       FormErrc::bad_boundary}};
  for (const auto& [type, why] : rows) {
    http::Headers headers;
    if (!type.empty()) headers.add("Content-Type", type);
    try {
      const MultipartReader form(headers, TextReader(""));
      ADD_FAILURE() << type << " was taken";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code(), why) << type;
    }
  }
}

TEST_P(HttpForm, WhatIsWrittenIsRead) {
  run([]() -> Task<void> {
    http::MultipartForm form;
    form.add("plain", "a\r\nb").add("quo\"te\r\n", "c");
    form.add_file("file", "x\"y.bin", "application/octet-stream", std::string(70'000, '\0'));
    const std::string text = form.to_string();
    EXPECT_EQ(form.length(), text.size());
    http::Headers headers;
    headers.add("Content-Type", form.content_type());
    MultipartReader reader(headers, TextReader(text, 1000));
    const std::string all = co_await read_form(reader);
    EXPECT_EQ(all, "plain=a\r\nb;quo\"te\r\n=c;file[x\"y.bin](application/octet-stream)=" +
                       std::string(70'000, '\0') + ";");
    EXPECT_THROW(form.add_file("f", "n", "a\r\nb: c", ""), std::invalid_argument);
    http::MultipartForm none;
    http::Headers of_none;
    of_none.add("Content-Type", none.content_type());
    MultipartReader empty(of_none, TextReader(none.to_string()));
    const std::string nothing = co_await read_form(empty);
    EXPECT_EQ(nothing, "");
  });
}

TEST_P(HttpForm, AFormIsStreamedByAServer) {
  run([]() -> Task<void> {
    const auto count = [](http::Request& request, http::BodyReader& body) -> Task<http::Response> {
      MultipartReader form(request.headers, body);
      std::string all = co_await read_form(form);
      co_return http::Response::text(std::move(all));
    };
    Site site(patient(), count);
    co_await visiting(site, [](Site& s) -> Task<void> {
      http::MultipartForm form;
      form.add("a", "1").add_file("f", "n.txt", "text/plain", std::string(100'000, 'x'));
      http::Client client;
      http::ClientRequest request(http::Method::post, s.url("/"));
      request.headers.set("Content-Type", form.content_type());
      request.body = form.to_string();
      const http::Response response = co_await client.request(std::move(request));
      EXPECT_EQ(response.body, "a=1;f[n.txt](text/plain)=" + std::string(100'000, 'x') + ";");
    });
  });
}

TEST(HttpEvents, AreWrittenAsText) {
  http::ServerEvent event("a\nb\r\nc\rd\n", "tick", "7");
  event.retry = std::chrono::milliseconds(1500);
  EXPECT_EQ(http::to_text(event),
            "id: 7\nevent: tick\nretry: 1500\ndata: a\ndata: b\ndata: c\ndata: d\ndata: \n\n");
  EXPECT_EQ(http::to_text(http::ServerEvent("")), "data: \n\n");
  EXPECT_THROW(static_cast<void>(http::to_text(http::ServerEvent("a", "b\nc"))),
               std::invalid_argument);
  EXPECT_THROW(static_cast<void>(http::to_text(http::ServerEvent("a", "", "b\rc"))),
               std::invalid_argument);
  EXPECT_THROW(static_cast<void>(http::to_text(http::ServerEvent("a", "", std::string("\0", 1)))),
               std::invalid_argument);
}

std::string events_in(http::EventParser& parser) {
  std::string all;
  while (const auto event = parser.next()) {
    all += event->type + "/" + event->id + "/" + event->data;
    if (event->retry) all += "/" + std::to_string(event->retry->count());
    all += ";";
  }
  return all;
}

TEST(HttpEvents, AreParsedHoweverTheyAreCut) {
  const std::string text =
      "\xef\xbb\xbf: a comment\ndata: one\n\nevent: tick\r\ndata:two\r\ndata: lines\r\nid: "
      "5\r\n\r\n"
      "retry: 9\rdata:  x\r\revent: dropped\n\nretry: -1\nretry: 1x\nid: a\nunknown: y\ndata\n\n"
      "data: unfinished";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    http::EventParser parser;
    for (std::size_t at = 0; at < text.size(); at += piece) parser.push(text.substr(at, piece));
    EXPECT_EQ(events_in(parser), "//one;tick/5/two\nlines;/5/ x/9;/a/;") << piece;
    EXPECT_EQ(parser.last_id(), "a");
    EXPECT_EQ(parser.retry(), std::chrono::milliseconds(9));
  }
}

TEST(HttpEvents, HaveALimit) {
  http::EventParser line(10);
  EXPECT_THROW(line.push("data: 1234567890"), IoError);
  http::EventParser event(10);
  EXPECT_THROW(event.push("data: 12\ndata: 12\ndata: 12\ndata: 12\n"), IoError);
}

TEST_P(HttpForm, EventsReachTheClientAsTheyAreSent) {
  run([]() -> Task<void> {
    auto gate = std::make_shared<ManualResetEvent>();
    const auto handler = [gate](http::Request&) {
      return http::event_stream([gate](http::EventWriter& events) -> Task<void> {
        co_await events.send("first");
        co_await gate->wait();
        co_await events.heartbeat();
        co_await events.send(http::ServerEvent("second", "tick", "2"));
      });
    };
    Site site(patient(), handler);
    co_await visiting(site, [&gate](Site& s) -> Task<void> {
      StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
      co_await stream.write_all(get("/", "Connection: close\r\n"));
      const std::string head = co_await read_up_to(stream, "data: first\n\n");
      EXPECT_NE(head.find("Content-Type: text/event-stream"), std::string::npos) << head;
      gate->set();
      const std::string rest = co_await read_rest(stream);
      EXPECT_NE(rest.find(":\n\n"), std::string::npos) << rest;
      EXPECT_NE(rest.find("id: 2\nevent: tick\ndata: second\n\n"), std::string::npos) << rest;
    });
  });
}

TEST_P(HttpForm, EventsAreReadFromAnyReader) {
  run([]() -> Task<void> {
    http::EventReader events(TextReader("data: a\n\ndata: b\n\ndata: c", 1));
    const auto a = co_await events.next();
    const auto b = co_await events.next();
    const auto end = co_await events.next();
    EXPECT_EQ(a->data + b->data, "ab");
    EXPECT_FALSE(end);
  });
}

}  // namespace
}  // namespace weft::testing::http_form_test
