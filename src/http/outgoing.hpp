// Outgoing: a request as it is sent: the head, with a small body behind it, and a larger body. Used
// by the exchanges of a client; not thread-safe.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

#include <weft/http/headers.hpp>
#include <weft/manual_reset_event.hpp>

namespace weft::inline v0_1::http {

struct Call;

struct Outgoing {
  /// Throws what ClientOptions::before_request throws. A streamed body is not a part of it.
  explicit Outgoing(const Call& call);
  Outgoing(const Outgoing&) = delete;
  Outgoing& operator=(const Outgoing&) = delete;

  /// Takes away the first `size` bytes.
  void advance(std::size_t size) noexcept;
  [[nodiscard]] bool empty() const noexcept { return rest.empty() && large_body.empty(); }

  /// How many bytes of a body that is not streamed were taken away.
  [[nodiscard]] std::size_t body_sent() const noexcept {
    return body_size - std::min(body_size, rest.size() + large_body.size());
  }

  std::size_t body_size = 0;  // of a body that is not streamed
  std::string text;
  std::string_view rest;        // of the text
  std::string_view large_body;  // of the request, which outlives this
  bool awaits_continue = false;
  ManualResetEvent may_continue;
  ManualResetEvent failed;
  std::error_code error;  // of the task that sends; read when it has ended

 private:
  void decide_expectation(Headers& headers, bool has_body);
};

}  // namespace weft::inline v0_1::http
