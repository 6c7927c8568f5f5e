// resolve(): looks up host names without blocking a worker.
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

}  // namespace weft::inline v0_1
