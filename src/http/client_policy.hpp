// What a client does after a response, or without one: follow a redirect, or send the request
// again. Functions over a Call; no I/O.
#pragma once

#include <exception>
#include <optional>

#include <weft/http/message.hpp>
#include <weft/retry.hpp>
#include <weft/time.hpp>

#include "http/exchange.hpp"

namespace weft::inline v0_1::http {

/// Whether a client that follows redirects follows this response.
[[nodiscard]] bool is_followed(const Response& response) noexcept;

/// Turns `call` into the request that its response redirects to, after `redirects` others. Throws
/// IoError if the options do not allow it, and what ClientOptions::on_redirect throws.
/// Precondition: is_followed(call.response).
void follow(Call& call, unsigned redirects);

/// Returns for how long Retry-After (RFC 9110, 10.2.3) asks to wait, from `now_seconds` since 1970;
/// null: there is none, or it is malformed.
[[nodiscard]] std::optional<std::chrono::seconds> retry_after(const Headers& headers,
                                                              std::int64_t now_seconds) noexcept;

/// The retries of one call, as ClientOptions::retry says. Used by one task.
class Retries {
 public:
  /// `deadline`: no pause ends later.
  Retries(const ClientOptions& options, TimePoint deadline);

  /// How long to wait before `call` is sent again, which failed with `error`, or has the head of a
  /// response if that is null. No value: it is not sent again. Throws what the policy's functions
  /// throw.
  [[nodiscard]] std::optional<Nanoseconds> after(const Call& call,
                                                 const std::exception_ptr& error) {
    if (!state_) return std::nullopt;
    return within_deadline(error != nullptr ? after_error(call, error) : after_response(call));
  }

 private:
  [[nodiscard]] std::optional<Nanoseconds> after_error(const Call& call,
                                                       const std::exception_ptr& error);
  [[nodiscard]] std::optional<Nanoseconds> after_response(const Call& call);
  [[nodiscard]] std::optional<Nanoseconds> within_deadline(std::optional<Nanoseconds> pause) const;

  const ClientOptions& options_;
  TimePoint deadline_;
  std::optional<RetryState> state_;
};

}  // namespace weft::inline v0_1::http
