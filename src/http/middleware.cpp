#include <weft/http/middleware.hpp>

#include <weft/timeout.hpp>

#include <array>
#include <chrono>
#include <stdexcept>
#include <string_view>

#include "http/boundary.hpp"
#include "http/char_class.hpp"

namespace weft::inline v0_1::http {
namespace {

[[nodiscard]] Response try_later(Status status, std::chrono::seconds after) {
  Response response = Response::of(status);
  response.headers.set("Retry-After", std::to_string(after.count()));
  return response;
}

class TimeLimit {
 public:
  explicit TimeLimit(Duration most) noexcept : most_(most) {}
  Task<Response> operator()(Request& request, Next next) const {
    return within(next(request), most_);
  }

 private:
  static Task<Response> within(Task<Response> handler, Duration most) {
    // Not by the error alone: a handler's own waits end with the same one.
    Selection<Response, void> first = co_await select(std::move(handler), sleep_for(most));
    if (!first.has<0>()) co_return Response::of(503);
    co_return first.take<0>();
  }

  Duration most_;
};

class Concurrency {
 public:
  Concurrency(ConcurrencyLimit limit, std::size_t most_waiting) noexcept
      : limit_(std::move(limit)), most_waiting_(most_waiting) {}
  Task<Response> operator()(Request& request, Next next) const {
    return answer(request, next, limit_, most_waiting_);
  }

 private:
  static Task<Response> answer(Request& request, Next next, const ConcurrencyLimit& limit,
                               std::size_t most_waiting) {
    OwnedPermit place = limit.try_acquire();
    if (!place) {
      if (limit.waiting() >= most_waiting) co_return try_later(503, std::chrono::seconds(1));
      place = co_await limit.acquire();
    }
    Response response = co_await next(request);
    co_return response;
  }

  ConcurrencyLimit limit_;
  std::size_t most_waiting_;
};

class RequestIds {
 public:
  explicit RequestIds(RequestIdOptions options) : options_(std::move(options)) {
    Headers().add(options_.field, "");  // throws for a bad name
  }
  Task<Response> operator()(Request& request, Next next) const {
    return answer(request, next, options_);
  }

 private:
  [[nodiscard]] static bool is_id(std::string_view text) noexcept {
    constexpr std::string_view more = ":/+=@";
    if (text.empty() || text.size() > 128) return false;
    for (const char c : text) {
      if (!is(kUnreserved, c) && more.find(c) == std::string_view::npos) return false;
    }
    return true;
  }
  static Task<Response> answer(Request& request, Next next, const RequestIdOptions& options) {
    const std::optional<std::string_view> given = request.headers.find(options.field);
    const bool taken = options.accept && given && is_id(*given);
    const std::string id = taken ? std::string(*given) : random_hex(16);
    request.headers.set(options.field, id);
    Response response = co_await next(request);
    response.headers.set(options.field, id);
    co_return response;
  }

  RequestIdOptions options_;
};

[[nodiscard]] Response page_of(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::system_error& error) {
    if (error.code().category() == http_category()) {
      return Response::of(status_of(static_cast<Errc>(error.code().value())));
    }
  } catch (...) {  // its text is not for clients
  }
  return Response::of(500);
}

class Recover {
 public:
  Recover(FailureHook hook, FailurePage page) : hook_(std::move(hook)), page_(std::move(page)) {}
  Task<Response> operator()(Request& request, Next next) const {
    return answer(request, next, *this);
  }

 private:
  static Task<Response> answer(Request& request, Next next, const Recover& self) {
    std::exception_ptr failure;
    try {
      Response response = co_await next(request);
      co_return response;
    } catch (...) {
      failure = std::current_exception();
    }
    if (self.hook_) self.hook_(request, failure);
    co_return self.page_ ? self.page_(request, failure) : page_of(failure);
  }

  FailureHook hook_;
  FailurePage page_;
};

class Secure {
 public:
  explicit Secure(const SecureHeaders& fields) {
    const std::pair<std::string_view, const std::string&> all[] = {
        {"X-Content-Type-Options", fields.content_type_options},
        {"X-Frame-Options", fields.frame_options},
        {"Referrer-Policy", fields.referrer_policy},
        {"Content-Security-Policy", fields.content_security_policy},
        {"Cross-Origin-Opener-Policy", fields.cross_origin_opener_policy},
        {"Strict-Transport-Security", fields.strict_transport_security}};
    for (const auto& [name, value] : all) {
      if (!value.empty()) fields_.add(name, value);
    }
  }
  Task<Response> operator()(Request& request, Next next) const {
    return answer(request, next, fields_);
  }

 private:
  static Task<Response> answer(Request& request, Next next, const Headers& fields) {
    Response response = co_await next(request);
    for (const Headers::Field field : fields) {
      if (!response.headers.contains(field.name)) response.headers.add(field.name, field.value);
    }
    co_return response;
  }

  Headers fields_;
};

}  // namespace

AnyMiddleware limit_time(Duration most) { return TimeLimit(most); }

AnyMiddleware limit_concurrency(ConcurrencyLimit limit, std::size_t most_waiting) {
  return Concurrency(std::move(limit), most_waiting);
}

AnyMiddleware limit_rate(std::shared_ptr<RateLimiter> rate, std::chrono::seconds retry_after) {
  return [rate = std::move(rate), retry_after](Request& request, Next next) -> Task<Response> {
    if (!rate->try_acquire()) co_return try_later(429, retry_after);
    Response response = co_await next(request);
    co_return response;
  };
}

AnyMiddleware identify_requests(RequestIdOptions options) { return RequestIds(std::move(options)); }

AnyMiddleware recover(FailureHook hook, FailurePage page) {
  return Recover(std::move(hook), std::move(page));
}

AnyMiddleware secure_headers(SecureHeaders fields) { return Secure(fields); }

void add_vary(Headers& headers, std::string_view name) {
  std::string all;
  for (const std::string_view value : headers.find_all("Vary")) {
    if (has_token(value, name) || has_token(value, "*")) return;
    if (!all.empty()) all += ", ";
    all += value;
  }
  if (!all.empty()) all += ", ";
  headers.set("Vary", all.append(name));
}

}  // namespace weft::inline v0_1::http
