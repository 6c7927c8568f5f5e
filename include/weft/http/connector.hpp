// http::Connector: how a client gets a stream to a server: an option of ClientOptions. Part of
// <weft/http.hpp>.
//
//   weft::http::ClientOptions options;
//   options.connector = [](const weft::http::Origin&) {       // all requests to one Unix socket
//     return weft::UnixStream::connect("/run/service.sock");
//   };
//   weft::http::Client client(options);
#pragma once

#include <weft/http/transport.hpp>
#include <weft/task.hpp>

#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1::http {

/// The server that a connection is for: the scheme, host and port of a Url.
struct Origin {
  Origin() noexcept {}
  Origin(std::string its_scheme, std::string its_host, std::uint16_t its_port) noexcept
      : scheme(std::move(its_scheme)), host(std::move(its_host)), port(its_port) {}

  std::string scheme;  ///< "http" or "https"
  std::string host;    ///< a name or address, as in Url::host
  std::uint16_t port = 80;
};

/// A callable that takes a `const Origin&`, which lives until the stream is there, and returns a
/// stream (see <weft/http/transport.hpp>) or an awaitable that gives one. Copied with the options;
/// called by several tasks at the same time.
///
/// Errors: what it throws ends the request; an IoError keeps its code. It is subject to
/// ClientOptions::connect_timeout. It is called for https only with the stream's duty to be
/// encrypted: if is_encrypted() of the stream is not true, the request ends with
/// Errc::not_encrypted before a byte was sent. Cancel: cancels what it has returned.
class Connector {
 public:
  /// Makes none: the client connects by TCP.
  Connector() noexcept = default;
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, Connector> &&
             std::is_invocable_v<std::remove_cvref_t<F>&, const Origin&>)
  Connector(F&& connect)  // NOLINT(google-explicit-constructor): any such callable is one
      : connect_(ConnectorOf<std::remove_cvref_t<F>>(std::forward<F>(connect))) {}

  [[nodiscard]] explicit operator bool() const noexcept { return static_cast<bool>(connect_); }
  /// Calls it. Precondition: there is one.
  [[nodiscard]] Task<Transport> operator()(const Origin& to) const { return connect_(to); }

 private:
  template <class F>
  class ConnectorOf {
    using Given = std::invoke_result_t<F&, const Origin&>;
    static constexpr bool immediate = TransportSource<Given>;
    static constexpr bool gives_stream() {
      if constexpr (immediate) {
        return true;
      } else if constexpr (Awaitable<Given>) {
        return std::convertible_to<AwaitResult<Given>, Transport>;
      } else {
        return false;
      }
    }
    static_assert(gives_stream(),
                  "weft: a connector returns a stream, or something to await that gives one: "
                  "[](const weft::http::Origin& to) -> weft::Task<weft::StreamSocket> { … }");

   public:
    explicit ConnectorOf(F connect) : connect_(std::move(connect)) {}
    Task<Transport> operator()(const Origin& to) {
      if constexpr (immediate) {
        return given<Given>(connect_(to));
      } else {
        return awaited(connect_(to));
      }
    }

   private:
    template <class S>
    static Task<Transport> given(std::remove_reference_t<S> stream) {
      co_return Transport(std::move(stream));
    }
    template <class A>
    static Task<Transport> awaited(A awaitable) {
      auto stream = co_await std::move(awaitable);
      co_return Transport(std::move(stream));
    }

    F connect_;
  };

  std::function<Task<Transport>(const Origin&)> connect_;
};

}  // namespace weft::inline v0_1::http
