// The subject beast of `bench/run http`: see weft.cpp, whose arguments and answers it has. Beast's
// and Asio's callbacks, one thread.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/optional.hpp>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "../fd_limit.hpp"

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using PlainStream = beast::tcp_stream;
using TlsStream = asio::ssl::stream<beast::tcp_stream>;

template <class Stream>
class Session : public std::enable_shared_from_this<Session<Stream>> {
 public:
  template <class... Arguments>
  explicit Session(const std::string& files, Arguments&&... arguments)
      : stream_(std::forward<Arguments>(arguments)...), files_(files) {}

  void start() {
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      stream_.async_handshake(asio::ssl::stream_base::server,
                              [self = this->shared_from_this()](beast::error_code error) {
                                if (!error) self->read();
                              });
    } else {
      read();
    }
  }

 private:
  void read() {
    parser_.emplace();
    parser_->body_limit(1024 * 1024);
    beast::get_lowest_layer(stream_).expires_after(std::chrono::seconds(75));
    http::async_read_header(
        stream_, buffer_, *parser_,
        [self = this->shared_from_this()](beast::error_code error, std::size_t) {
          if (!error) self->read_body();
        });
  }

  // Beast reads 512 bytes at a time into a buffer that has not more room.
  void read_body() {
    if (parser_->is_done()) return answer();
    buffer_.reserve(64 * 1024);
    http::async_read(stream_, buffer_, *parser_,
                     [self = this->shared_from_this()](beast::error_code error, std::size_t) {
                       if (!error) self->answer();
                     });
  }

  void answer() {
    const auto& request = parser_->get();
    const auto target = request.target();
    if (target.starts_with("/file/")) return send_file(std::string(target.substr(6)));
    text_ = http::response<http::string_body>(http::status::ok, request.version());
    text_.set(http::field::content_type, "text/plain; charset=utf-8");
    text_.body() = "x";
    send(text_);
  }

  void send_file(const std::string& name) {
    file_ = http::response<http::file_body>(http::status::ok, parser_->get().version());
    beast::error_code error;
    file_.body().open((files_ + "/" + name).c_str(), beast::file_mode::scan, error);
    if (error) return close();
    file_.set(http::field::content_type, "application/octet-stream");
    send(file_);
  }

  template <class Response>
  void send(Response& response) {
    const bool keep = parser_->get().keep_alive();
    response.keep_alive(keep);
    response.prepare_payload();
    http::async_write(
        stream_, response,
        [self = this->shared_from_this(), keep](beast::error_code error, std::size_t) {
          if (error) return;
          if (keep) return self->read();
          self->close();
        });
  }

  void close() {
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      stream_.async_shutdown([self = this->shared_from_this()](beast::error_code) {});
    } else {
      beast::error_code ignored;
      stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    }
  }

  Stream stream_;
  const std::string& files_;
  beast::flat_buffer buffer_;
  boost::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::string_body> text_;
  http::response<http::file_body> file_;
};

class Server {
 public:
  Server(asio::io_context& context, tcp::acceptor& acceptor, std::string files,
         asio::ssl::context* tls)
      : context_(context), acceptor_(acceptor), files_(std::move(files)), tls_(tls) {}

  void accept() {
    acceptor_.async_accept(context_, [this](beast::error_code error, tcp::socket socket) {
      if (!error) begin(std::move(socket));
      accept();
    });
  }

 private:
  void begin(tcp::socket socket) {
    beast::error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    if (tls_ != nullptr) {
      std::make_shared<Session<TlsStream>>(files_, std::move(socket), *tls_)->start();
    } else {
      std::make_shared<Session<PlainStream>>(files_, std::move(socket))->start();
    }
  }

  asio::io_context& context_;
  tcp::acceptor& acceptor_;
  std::string files_;
  asio::ssl::context* tls_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5 && argc != 8) {
    std::fprintf(stderr, "usage: http_beast --listen IPV4:PORT --files DIR [--tls CERT KEY]\n");
    return 2;
  }
  raise_fd_limit();
  asio::io_context context(1);
  const std::string listen = argv[2];
  const auto host = asio::ip::make_address(listen.substr(0, listen.rfind(':')));
  const auto port = std::stoi(listen.substr(listen.rfind(':') + 1));
  tcp::acceptor acceptor(context, tcp::endpoint(host, static_cast<unsigned short>(port)));
  acceptor.listen(4096);
  asio::ssl::context tls(asio::ssl::context::tls_server);
  if (argc == 8) {
    tls.use_certificate_chain_file(argv[6]);
    tls.use_private_key_file(argv[7], asio::ssl::context::pem);
    tls.set_options(SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(tls.native_handle(), SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(tls.native_handle(), 0);
  }
  Server server(context, acceptor, argv[4], argc == 8 ? &tls : nullptr);
  server.accept();
  std::printf("listening on %s:%u\n", host.to_string().c_str(), acceptor.local_endpoint().port());
  std::fflush(stdout);
  context.run();
}
