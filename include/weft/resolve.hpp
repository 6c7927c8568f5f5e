// resolve(): looks up host names without blocking a worker. Resolver: what does so, as an option of
// connect() and of the HTTP client.
//
//   std::vector<weft::Endpoint> addresses = co_await weft::resolve("example.org", 80);
#pragma once

#include <coroutine>
#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>
#include <weft/endpoint.hpp>
#include <weft/extend/cancel.hpp>
#include <weft/result.hpp>
#include <weft/task.hpp>

namespace weft::inline v0_1 {

/// The category of look-up errors of the system's resolver, getaddrinfo(3): "name or service not
/// known" …
[[nodiscard]] const std::error_category& resolve_category() noexcept;

namespace detail {

/// One look-up. Counted, since the thread that runs it cannot be interrupted and may outlive the
/// wait.
class NameLookup;

/// The leaf that waits for a look-up.
class ResolveLeaf : private CancelHook {
 public:
  ResolveLeaf(std::string host, std::uint16_t port);
  ~ResolveLeaf();

  /// Answers numeric addresses and invalid names without a thread; returns whether it did.
  [[nodiscard]] bool answered() noexcept;
  [[nodiscard]] bool suspend(PromiseBase& innermost) noexcept;
  [[nodiscard]] Result<std::vector<Endpoint>> take() noexcept;
  [[nodiscard]] IoError error(std::error_code code) const;

 private:
  static void on_cancel_request(CancelHook& self) noexcept;

  std::shared_ptr<NameLookup> lookup_;
  TaskHeader* task_ = nullptr;
};

template <bool Throwing>
class ResolveAwaiter final : private ResolveLeaf {
 public:
  using ResolveLeaf::ResolveLeaf;

  [[nodiscard]] bool await_ready() noexcept { return answered(); }
  template <WeftPromise P>
  bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
    return suspend(innermost.promise());
  }
  auto await_resume() {
    Result<std::vector<Endpoint>> outcome = take();
    if constexpr (Throwing) {
      if (!outcome) throw error(outcome.error());
      return std::move(*outcome);
    } else {
      if (!outcome) return IoResult<std::vector<Endpoint>>(std::unexpect, error(outcome.error()));
      return IoResult<std::vector<Endpoint>>(std::in_place, std::move(*outcome));
    }
  }
};

}  // namespace detail

template <bool Throwing = true>
class [[nodiscard]] Resolve {
 public:
  Resolve(std::string host, std::uint16_t port) noexcept : host_(std::move(host)), port_(port) {}
  detail::ResolveAwaiter<Throwing> operator co_await() && {
    return detail::ResolveAwaiter<Throwing>(std::move(host_), port_);
  }
  detail::AwaitItWithStdMove operator co_await() const& = delete;
  /// Returns the same look-up with an IoResult<std::vector<Endpoint>> as its value.
  [[nodiscard]] Resolve<false> attempt() && noexcept {
    return Resolve<false>(std::move(host_), port_);
  }

 private:
  std::string host_;
  std::uint16_t port_;
};

/// Resolves `host` and returns its addresses with `port`, in the order in which to try them; at
/// least one. Numeric addresses are answered in place; names by the system's resolver, on a thread
/// that the runtime keeps for names (RuntimeOptions::lookup_threads: more look-ups at once wait).
/// Throws IoError: "resolve no-such.invalid: name or service not known". Cancel: returns
/// immediately. The system's resolver cannot be interrupted: its thread goes on, keeps no other
/// look-up waiting, and its result is dropped. The end of the runtime does not wait for it.
[[nodiscard]] inline Resolve<> resolve(std::string host, std::uint16_t port) noexcept {
  return Resolve<>(std::move(host), port);
}

/// Turns names into addresses: an option of connect() (ConnectOptions::resolver) and of the HTTP
/// client (http::ClientOptions::resolver). The library's own are the system's (system_resolver()),
/// fixed addresses (resolver_with()), and weft::dns::Resolver, a component that asks name servers
/// itself. Derive from it for a registry of services, or for a test.
///
/// Thread-safety: any number of tasks, of any runtimes, call resolve() at the same time.
class Resolver {
 public:
  Resolver() noexcept = default;
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  virtual ~Resolver() = default;

  /// Returns the addresses of `host`, a name or a numeric address without brackets, in the order in
  /// which to try them; at least one. Their port is `port`, unless the resolver knows another.
  /// Throws IoError when awaited: "resolve no-such.invalid: …". Cancel: ends the look-up. The
  /// resolver must live until the task has ended.
  [[nodiscard]] virtual Task<std::vector<Endpoint>> resolve(std::string host,
                                                            std::uint16_t port) = 0;
};

/// Returns the resolver that is used where none is chosen: resolve() above. Throws std::bad_alloc.
[[nodiscard]] std::shared_ptr<Resolver> system_resolver();

/// The known addresses of a host; see resolver_with().
struct HostAddresses {
  /// `at`: in the order in which to try them. An address with port 0 has the port that is asked
  /// for, so `Endpoint::loopback(0)` stands for a machine, `Endpoint::loopback(8080)` for a server.
  HostAddresses(std::string name, std::vector<Endpoint> at, std::uint16_t only_port = 0)
      : host(std::move(name)), addresses(std::move(at)), port(only_port) {}

  std::string host;  ///< a name, in any case, or an address as text; "*": any host
  std::vector<Endpoint> addresses;
  std::uint16_t port;  ///< the port for which they hold; 0: any
};

/// Returns a resolver that has the addresses of some hosts, and asks `otherwise` for others (null:
/// system_resolver()): what curl's --resolve does. The first entry that fits counts. A host whose
/// entry has no address is an error (errc::address_not_available): "resolve example.org: cannot
/// assign requested address". Throws std::bad_alloc.
[[nodiscard]] std::shared_ptr<Resolver> resolver_with(
    std::vector<HostAddresses> known, std::shared_ptr<Resolver> otherwise = nullptr);

}  // namespace weft::inline v0_1
