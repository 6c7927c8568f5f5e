// Responses of http::Server whose bodies are parts of files: StreamedBody::file().
#include <vector>
#include <weft/file.hpp>

#include "api/http_support.hpp"
#include "os/fault.hpp"
#include "support/helpers.hpp"

namespace weft::testing::http_file_body_test {
namespace {

using detail::Call;
using detail::Fault;
using http::BodyWriter;
using http::Request;
using http::Response;
using http::StreamedBody;

class HttpFileBody : public NetOver {};
INSTANTIATE_TEST_SUITE_P(Runtimes, HttpFileBody, all_transports(), name_of_transport);

constexpr std::size_t file_size = 1'000'000;

Task<File> file_of(std::string_view text) {
  File file = co_await temporary_file();
  co_await file.write_all_at(bytes_of(text), 0);
  co_return file;
}
/// Another handle of the same file.
File again(const File& file) {
  const Result<NativeHandle> handle = file.duplicate_handle();
  return File::adopt(*handle, "again").value();
}

struct Part {
  std::uint64_t offset;
  std::uint64_t size;
};

/// Answers with parts of a file that its own parts name.
struct Parts {
  const File* file;
  std::vector<Part> parts;

  [[nodiscard]] Response operator()(Request& request) const {
    const Part part = parts.at(std::stoul(std::string(request.path().substr(1))));
    StreamedBody body = StreamedBody::file(again(*file), part.offset, part.size);
    if (request.query() != "chunked") return Response::stream(std::move(body));
    // By a producer without a length, between other bytes.
    auto between = [body](BodyWriter& out) -> Task<void> {
      co_await out.write_all("<");
      co_await body.produce(out);
      co_await out.write_all(">");
    };
    return Response::stream(between);
  }
};

/// Without its chunk lines.
std::string unchunked(std::string_view raw) {
  std::string body;
  for (;;) {
    const std::size_t line = raw.find("\r\n");
    if (line == raw.npos) return "bad";
    const std::size_t size = std::stoul(std::string(raw.substr(0, line)), nullptr, 16);
    if (size == 0) return body;
    body.append(raw.substr(line + 2, size));
    raw.remove_prefix(std::min(raw.size(), line + 2 + size + 2));
  }
}

std::vector<Part> all_parts() {
  std::vector<Part> parts;
  for (const std::uint64_t size : {0U, 1U, 1000U, 16'384U, 16'385U, 100'000U, 131'072U, 999'000U}) {
    for (const std::uint64_t offset : {0U, 1U, 999U}) parts.push_back({offset, size});
  }
  return parts;
}

Task<void> expect_parts(Site& site, const std::vector<Part>& parts, const std::string& text) {
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::string target = "/" + std::to_string(i);
    const std::string want = text.substr(parts[i].offset, parts[i].size);
    const std::string fields = "Connection: close\r\n";
    // The request behind it shows that the framing is right.
    std::string answer = co_await tell(site.endpoint(), get(target) + get("/1", fields));
    const std::size_t head = answer.find("\r\n\r\n") + 4;
    EXPECT_NE(answer.find("Content-Length: " + std::to_string(want.size()) + "\r\n"), answer.npos);
    EXPECT_TRUE(answer.substr(head, want.size()) == want) << target;
    answer.erase(0, head + want.size());
    EXPECT_EQ(status_line(answer), "HTTP/1.1 200 OK") << target;

    answer = co_await tell(site.endpoint(), get(target + "?chunked", fields));
    EXPECT_TRUE(unchunked(body_of(answer)) == "<" + want + ">") << target;
    answer = co_await tell(site.endpoint(), "GET " + target + "?chunked HTTP/1.0\r\n\r\n");
    EXPECT_TRUE(body_of(answer) == "<" + want + ">") << target;
    answer = co_await tell(site.endpoint(),
                           "HEAD " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n");
    EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << target;
  }
}

TEST_P(HttpFileBody, IsThePartInEachFraming) {
  detail::ScopedFaults calls;
  run([]() -> Task<void> {
    const std::string text = pattern(file_size);
    File file = co_await file_of(text);
    const std::vector<Part> parts = all_parts();
    Site site(patient(), Parts{&file, parts});
    co_await visiting(site, [&](Site& s) -> Task<void> { co_await expect_parts(s, parts, text); });
  });
  EXPECT_EQ(calls.calls(Call::sendfile) != 0, GetParam().over != Over::pieces);
}

/// Whatever the system says to sendfile(2), or has in memory: the bytes are the same.
TEST_P(HttpFileBody, IsWholeInSpiteOfTheSystem) {
  struct Row {
    const char* what;
    Fault fault;
  };
  const Row rows[] = {
      {"small pieces", {.call = Call::sendfile, .size = 7777, .times = Fault::always}},
      {"interrupted", {.call = Call::sendfile, .errno_value = EINTR, .times = 5}},
      {"no room", {.call = Call::sendfile, .errno_value = EAGAIN, .skip = 1, .times = 1}},
      {"never room", {.call = Call::sendfile, .errno_value = EAGAIN, .times = Fault::always}},
      {"not supported", {.call = Call::sendfile, .errno_value = EINVAL, .times = Fault::always}},
      {"forbidden", {.call = Call::sendfile, .errno_value = ENOSYS, .skip = 1, .times = 1000}},
      {"disk error", {.call = Call::sendfile, .errno_value = EIO, .times = 1}},
      {"not in memory",
       {.call = Call::read_in_place, .errno_value = EAGAIN, .times = Fault::always}},
      {"partly in memory",
       {.call = Call::read_in_place, .errno_value = EAGAIN, .skip = 3, .times = 3}},
      {"cannot tell",
       {.call = Call::read_in_place, .errno_value = EOPNOTSUPP, .times = Fault::always}},
  };
  for (const Row& row : rows) {
    run([&row]() -> Task<void> {
      const std::string text = pattern(file_size);
      File file = co_await file_of(text);
      detail::ScopedFaults faults;
      Site site(patient(), Parts{&file, {{0, file_size}, {17, 20'000}}});
      co_await visiting(site, [&](Site& s) -> Task<void> {
        faults.add(row.fault);
        const std::string first = co_await tell(s.endpoint(), get("/0", "Connection: close\r\n"));
        EXPECT_TRUE(body_of(first) == text) << row.what;
        const std::string second = co_await tell(s.endpoint(), get("/1", "Connection: close\r\n"));
        EXPECT_TRUE(body_of(second) == text.substr(17, 20'000)) << row.what;
        if (GetParam().over != Over::pieces) {
          EXPECT_GT(faults.struck(), 0U) << row.what;
        }
      });
    });
  }
}

/// Announced was more: the connection ends, so that no client takes the rest for the whole.
TEST_P(HttpFileBody, ThatIsShorterEndsTheConnection) {
  struct Row {
    std::size_t has;
    std::string status;
  };
  // What is read and written is gathered first: nothing was sent when 10 bytes turn out to be all.
  const bool directly = GetParam().over != Over::pieces;
  const Row rows[] = {
      {0, "500"}, {10, directly ? "200" : "500"}, {20'000, "200"}, {499'999, "200"}};
  for (const Row& row : rows) {
    run([&row]() -> Task<void> {
      std::atomic<int> reported = 0;
      File file = co_await file_of(pattern(row.has));
      http::ServerOptions options = patient();
      options.on_handler_error = [&](const Request&, std::exception_ptr failure) {
        try {
          std::rethrow_exception(std::move(failure));
        } catch (const IoError& error) {
          EXPECT_EQ(error.code(), FileErrc::unexpected_end) << error.what();
        }
        ++reported;
      };
      Site site(std::move(options), Parts{&file, {{0, 500'000}}});
      co_await visiting(site, [&](Site& s) -> Task<void> {
        const std::string before = row.status == "500" ? get("/0") : "";  // the connection goes on
        const std::string answer =
            co_await tell(s.endpoint(), before + get("/0", "Connection: close\r\n"));
        EXPECT_EQ(answer.substr(9, 3), row.status) << row.has;
        EXPECT_LE(body_of(answer).size(), std::max<std::size_t>(row.has, 1000)) << row.has;
        if (row.status == "200") {
          EXPECT_NE(answer.find("Content-Length: 500000\r\n"), answer.npos);
          EXPECT_EQ(answer.find("HTTP/1.1", 10), answer.npos) << "nothing follows";
        }
      });
      EXPECT_EQ(reported.load(), row.status == "500" ? 2 : 1);
    });
  }
}

TEST_P(HttpFileBody, ThatIsCutWhileItIsSentEndsTheConnection) {
  run([]() -> Task<void> {
    constexpr std::uint64_t size = 20'000'000;  // more than the buffers of sockets
    File file = co_await file_of(pattern(1000));
    co_await file.truncate(size);
    Site site(patient(), Parts{&file, {{0, size}}});
    co_await visiting(site, [&](Site& s) -> Task<void> {
      StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
      co_await stream.write_all(get("/0"));
      const std::string head = co_await read_up_to(stream, "\r\n\r\n");
      EXPECT_EQ(status_line(head), "HTTP/1.1 200 OK");
      co_await file.truncate(1000);
      const std::string body = co_await read_rest(stream);
      EXPECT_LT(body.size(), size);
      co_await until([&s] { return s.server.connections() == 0; });
    });
  });
}

/// A client that leaves, or never reads, holds neither file nor connection.
TEST_P(HttpFileBody, EndsWithItsClient) {
  enum class Client : std::uint8_t { resets, never_reads };
  for (const Client client : {Client::resets, Client::never_reads}) {
    run([&client]() -> Task<void> {
      constexpr std::uint64_t size = 20'000'000;
      std::atomic<int> reported = 0;
      File file = co_await file_of("");
      co_await file.truncate(size);
      http::ServerOptions options = patient();
      options.on_handler_error = [&](const Request&, std::exception_ptr) { ++reported; };
      if (client == Client::never_reads) options.write_timeout = milliseconds(40);
      Site site(std::move(options), Parts{&file, {{0, size}}});
      co_await visiting(site, [&client](Site& s) -> Task<void> {
        StreamSocket stream = co_await StreamSocket::connect(s.endpoint());
        co_await stream.write_all(get("/0"));
        static_cast<void>(co_await read_up_to(stream, "\r\n\r\n"));
        if (client == Client::resets) {
          static_cast<void>(stream.set_linger(seconds(0)));
          stream.close();
        }
        co_await until([&s] { return s.server.connections() == 0; });
      });
      EXPECT_EQ(reported.load(), 0);
    });
  }
}

class SendFile : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, SendFile, ::testing::Values(0, 2), name_of_workers);

TEST_P(SendFile, SendsSome) {
  run([]() -> Task<void> {
    const std::string text = pattern(300'000);
    File file = co_await file_of(text);
    Pair pair = co_await make_pair();
    auto send = [&]() -> Task<void> {
      std::uint64_t sent = 5;
      while (const std::size_t more = co_await send_file(pair.server, file, sent, 1'000'000)) {
        sent += more;
      }
      EXPECT_EQ(sent, text.size()) << "0 at the end of the file";
      const std::size_t nothing = co_await send_file(pair.server, file, 0, 0);
      EXPECT_EQ(nothing, 0U);
      pair.server.close();
    };
    auto both = co_await when_all(send(), read_all(pair.client));
    EXPECT_TRUE(std::get<1>(both) == text.substr(5));

    const std::string closed_socket = co_await error_text(send_file(pair.server, file, 0, 10));
    EXPECT_NE(closed_socket.find("write 127.0.0.1"), std::string::npos) << closed_socket;
    Pair other = co_await make_pair();
    co_await file.close();
    const std::string closed_file = co_await error_text(send_file(other.server, file, 0, 10));
    EXPECT_NE(closed_file.find("read "), std::string::npos) << closed_file;
  });
}

TEST_P(SendFile, SendsNothingIfItIsCancelled) {
  run([]() -> Task<void> {
    File file = co_await file_of(pattern(300'000));
    Pair pair = co_await make_pair();
    std::uint64_t sent = 0;
    for (;;) {  // until the socket is full
      const auto some =
          co_await attempt(timeout(send_file(pair.server, file, 0, 300'000), milliseconds(20)));
      if (!some) break;
      sent += *some;
    }
    pair.server.close();
    const std::string got = co_await read_all(pair.client);
    EXPECT_EQ(got.size(), sent);
  });
}

}  // namespace
}  // namespace weft::testing::http_file_body_test
