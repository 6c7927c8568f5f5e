// weft::tls beside other implementations' programs: openssl s_client and s_server, curl, Python.
#include <vector>
#include <weft/buffered.hpp>
#include <weft/http.hpp>
#include <weft/process.hpp>

#include "tls/files.hpp"
#include "tls/tls_support.hpp"

namespace weft::test::tls_interop_test {
namespace {

/// Other processes need no more than one kind of runtime.
class TlsInterop : public RuntimeTest {};
INSTANTIATE_TEST_SUITE_P(Runtimes, TlsInterop, ::testing::Values(std::size_t{2}),
                         worker_count_name);

constexpr const char* kVersions[] = {"1.2", "1.3"};

/// The port at the end of a line such as "ACCEPT 127.0.0.1:4433".
std::uint16_t port_in(const std::string& line) {
  return static_cast<std::uint16_t>(std::stoi(line.substr(line.rfind(':') + 1)));
}

/// Serves one connection: echoes a line, and ends.
Task<void> echo_a_line(SocketListener& tcp, const ServerContext& context) {
  tls::Listener listener(tcp, context);
  auto stream = co_await listener.accept();
  BufferedReader reader(stream);
  const std::optional<std::string> line = co_await reader.read_line();
  EXPECT_EQ(line.value_or("nothing"), "hello");
  co_await stream.write_all("you said " + line.value_or("nothing") + "\n");
  co_await stream.shutdown();
  std::array<std::byte, 64> rest;
  static_cast<void>(co_await attempt(stream.read(rest)));
}

/// Says a line, and returns the answer.
Task<std::string> say_a_line(std::uint16_t port, ClientContext context) {
  tls::TcpStream stream = co_await tls::connect("127.0.0.1", port, context);
  co_await stream.write_all("hello\n");
  BufferedReader reader(stream);
  const std::optional<std::string> line = co_await reader.read_line();
  co_await stream.shutdown();
  co_return line.value_or("nothing");
}

ClientContext only(const char* version) {
  ClientOptions options = trusting();
  const bool is_old = std::string_view(version) == "1.2";
  options.min_version = options.max_version =
      is_old ? tls::Version::tls_1_2 : tls::Version::tls_1_3;
  return ClientContext(options);
}

TEST_P(TlsInterop, OpensslConnects) {
  run([]() -> Task<void> {
    const Files files;
    const std::string trusted = files.put("ca.pem", authority().pem());
    const std::string said = files.put("said", "hello\n");
    for (const char* const version : kVersions) {
      SocketListener tcp = SocketListener::bind(Endpoint::loopback(0));
      const ServerContext context(presenting());
      Command client("openssl");
      client.args({"s_client", "-quiet", "-verify_return_error", "-verify_hostname", "localhost"});
      client.args({"-servername", "localhost", "-CAfile", trusted, "-connect",
                   tcp.local_endpoint().to_string()});
      client.arg(std::string_view(version) == "1.2" ? "-tls1_2" : "-tls1_3");
      client.in(Stdio::read_file(said)).out(Stdio::pipe()).err(Stdio::pipe());
      auto both = co_await when_all(echo_a_line(tcp, context), client.output());
      const Output& output = std::get<1>(both);
      EXPECT_EQ(output.out, "you said hello\n") << output.err;
    }
  });
}

TEST_P(TlsInterop, OpensslAccepts) {
  run([]() -> Task<void> {
    const Files files;
    const std::string certificate = files.put("a.pem", localhost().both());
    for (const char* const version : kVersions) {
      Command command("openssl");
      command.args({"s_server", "-accept", "127.0.0.1:0", "-naccept", "1", "-rev", "-cert",
                    certificate, "-key", certificate});
      command.in(Stdio::pipe()).out(Stdio::pipe()).err(Stdio::null()).kill_on_drop();
      ChildProcess server = command.spawn();
      BufferedReader printed(*server.out);
      std::string line;
      while (line.find("ACCEPT ") == std::string::npos) {
        const std::optional<std::string> next = co_await printed.read_line();
        EXPECT_TRUE(next.has_value());
        if (!next) co_return;
        line = *next;
      }
      const std::string answer = co_await say_a_line(port_in(line), only(version));
      EXPECT_EQ(answer, "olleh");
      server.in.reset();
    }
  });
}

TEST_P(TlsInterop, CurlFetches) {
  run([]() -> Task<void> {
    const Files files;
    const std::string trusted = files.put("ca.pem", authority().pem());
    const std::string upload = files.put("upload", pattern(1'000'000));
    const ServerContext context(presenting());
    SocketListener tcp = SocketListener::bind(Endpoint::loopback(0));
    tls::Listener listener(tcp, context);
    http::Server server({}, [](http::Request& request) {
      return http::Response::text(std::to_string(request.body.size()) + " bytes\n");
    });
    const std::string url =
        "https://localhost:" + std::to_string(tcp.local_endpoint().port()) + "/x";
    co_await scope([&](Scope& children) -> Task<void> {
      children.spawn([&] { return server.serve(listener); }).detach();
      for (const char* const version : kVersions) {
        Command curl("curl");
        curl.args({"--silent", "--show-error", "--noproxy", "*", "--cacert", trusted});
        curl.arg(std::string("--tlsv") + version).args({"--tls-max", version});
        // Twice, over one connection.
        curl.args({"--data-binary", "@" + upload, url, url});
        const Output output = co_await curl.output();
        EXPECT_EQ(output.out, "1000000 bytes\n1000000 bytes\n") << output.err;
        EXPECT_TRUE(output.status.success()) << output.err;
      }
      Command distrusting("curl");
      distrusting.args({"--silent", "--show-error", "--noproxy", "*", url});
      const Output output = co_await distrusting.output();
      EXPECT_EQ(output.status.code(), 60) << output.err;
      children.cancel_children();
    });
  });
}

constexpr const char* kPythonClient = R"(
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, sys.argv[3])
with socket.create_connection(("127.0.0.1", int(sys.argv[2]))) as tcp:
    with context.wrap_socket(tcp, server_hostname="localhost") as stream:
        stream.sendall(b"hello\n")
        answer = b""
        while piece := stream.recv(100):
            answer += piece
        version = stream.version()
        stream.unwrap()
        print(answer.decode(), version, end="")
)";

constexpr const char* kPythonServer = R"(
import socket, ssl, sys
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(sys.argv[1])
with socket.create_server(("127.0.0.1", 0)) as listener:
    print(f"at 127.0.0.1:{listener.getsockname()[1]}", flush=True)
    tcp, _ = listener.accept()
    with context.wrap_socket(tcp, server_side=True) as stream:
        line = stream.recv(100)
        stream.sendall(line.upper())
        assert stream.recv(100) == b"", "an end without close_notify would be an SSLEOFError"
        stream.unwrap()
print("ended well", flush=True)
)";

TEST_P(TlsInterop, PythonConnects) {
  run([]() -> Task<void> {
    const Files files;
    const std::string trusted = files.put("ca.pem", authority().pem());
    for (const char* const version : {"TLSv1_2", "TLSv1_3"}) {
      SocketListener tcp = SocketListener::bind(Endpoint::loopback(0));
      const ServerContext context(presenting());
      Command python("python3");
      python.args(
          {"-c", kPythonClient, trusted, std::to_string(tcp.local_endpoint().port()), version});
      auto both = co_await when_all(echo_a_line(tcp, context), python.output());
      const Output& output = std::get<1>(both);
      EXPECT_TRUE(output.out.starts_with("you said hello\n TLSv1.")) << output.out << output.err;
      EXPECT_TRUE(output.status.success()) << output.err;
    }
  });
}

TEST_P(TlsInterop, PythonAccepts) {
  run([]() -> Task<void> {
    const Files files;
    const std::string certificate = files.put("a.pem", localhost().both());
    for (const char* const version : kVersions) {
      Command command("python3");
      command.args({"-c", kPythonServer, certificate});
      command.out(Stdio::pipe()).err(Stdio::inherit()).kill_on_drop();
      ChildProcess server = command.spawn();
      BufferedReader printed(*server.out);
      const std::optional<std::string> line = co_await printed.read_line();
      EXPECT_TRUE(line.has_value());
      if (!line) co_return;
      const std::string answer = co_await say_a_line(port_in(*line), only(version));
      EXPECT_EQ(answer, "HELLO");
      const std::optional<std::string> end = co_await printed.read_line();
      EXPECT_EQ(end.value_or("nothing"), "ended well");
    }
  });
}

}  // namespace
}  // namespace weft::test::tls_interop_test
