// http::Handler: a handler of any type behind one interface: what a Router dispatches to and
// middleware wraps. Part of <weft/http.hpp>.
//
//   http::Handler hello = [](http::Request&) { return http::Response::text("hello\n"); };
//   http::Server server({}, hello);
#pragma once

#include <weft/http/body_reader.hpp>
#include <weft/http/message.hpp>
#include <weft/task.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1::http {

/// The interface behind a Handler. Called from several workers at the same time.
class HandlerBase {
 public:
  HandlerBase() = default;
  HandlerBase(const HandlerBase&) = delete;
  HandlerBase& operator=(const HandlerBase&) = delete;
  virtual ~HandlerBase() = default;
  /// `body`: the body, if it is read as it comes; null: it is in request.body.
  [[nodiscard]] virtual Task<Response> answer(Request& request, BodyReader* body) const = 0;
};

/// Returns a reader of `text`, as of a body that was received.
[[nodiscard]] BodyReader body_reader_of(std::string text);

/// Reads a body into request.body. Null: it is there already. Throws what reads throw, and
/// Errc::body_too_large beyond `limit` bytes.
[[nodiscard]] Task<void> collect_body(Request& request, BodyReader* body, std::size_t limit);

namespace detail {

template <class T>
concept GivesResponse = std::convertible_to<T, Response>;
template <class H, class... A>
concept AnswersWith =
    std::is_invocable_v<H&, A...> &&
    (GivesResponse<std::invoke_result_t<H&, A...>> || Awaitable<std::invoke_result_t<H&, A...>>);
/// A handler that has everything else in it: a Router.
template <class H>
concept AnswersItself = requires(const H& handler, Request& request, BodyReader* body) {
  { handler.answer(request, body) } -> std::same_as<Task<Response>>;
};

}  // namespace detail

/// What a Handler is made of: it takes a Request&, or a Request& and a BodyReader&, and returns a
/// Response or an awaitable of one.
template <class H>
concept HandlerSource = detail::AnswersItself<H> || detail::AnswersWith<H, Request&> ||
                        detail::AnswersWith<H, Request&, BodyReader&>;

template <class H>
class HandlerOf final : public HandlerBase {
  static constexpr bool kItself = detail::AnswersItself<H>;
  static constexpr bool kStreamed = detail::AnswersWith<H, Request&, BodyReader&>;

 public:
  HandlerOf(H handler, std::size_t max_body) : handler_(std::move(handler)), max_body_(max_body) {}

  [[nodiscard]] Task<Response> answer(Request& request, BodyReader* body) const override {
    if constexpr (kItself) {
      return handler_.answer(request, body);
    } else if constexpr (kStreamed) {
      return answer_streamed(handler_, request, body);
    } else {
      return answer_whole(handler_, request, body, max_body_);
    }
  }

 private:
  template <class G>
  static Task<Response> response_of(G given) {
    if constexpr (detail::GivesResponse<G>) {
      co_return Response(std::move(given));
    } else {
      auto response = co_await std::move(given);
      co_return Response(std::move(response));
    }
  }
  static Task<Response> answer_whole(H& handler, Request& request, BodyReader* body,
                                     std::size_t max_body) {
    co_await collect_body(request, body, max_body);
    Response response = co_await response_of(handler(request));
    co_return response;
  }
  static Task<Response> answer_streamed(H& handler, Request& request, BodyReader* body) {
    if (body != nullptr) {
      Response response = co_await response_of(handler(request, *body));
      co_return response;
    }
    BodyReader whole = body_reader_of(std::move(request.body));
    request.body.clear();
    Response response = co_await response_of(handler(request, whole));
    co_return response;
  }

  mutable H handler_;
  std::size_t max_body_;
};

/// A handler of any type. Copies share it. It is called from several workers at the same time, and
/// lives until the last request to it has ended.
class Handler {
 public:
  /// How much of a body a handler without a BodyReader gets, where the server does not collect it:
  /// see streamed().
  static constexpr std::size_t default_max_body = std::size_t{1024} * 1024;

  template <class H>
    requires(!std::same_as<std::remove_cvref_t<H>, Handler> && HandlerSource<std::decay_t<H>>)
  Handler(H&& handler,  // NOLINT(google-explicit-constructor): any such callable is one
          std::size_t max_body = default_max_body)
      : base_(std::make_shared<HandlerOf<std::decay_t<H>>>(std::forward<H>(handler), max_body)) {}
  explicit Handler(std::shared_ptr<const HandlerBase> base) noexcept : base_(std::move(base)) {}

  /// Handles a request whose body is complete: what a Server calls. A handler that takes a
  /// BodyReader gets one of request.body.
  [[nodiscard]] Task<Response> operator()(Request& request) const {
    return base_->answer(request, nullptr);
  }
  /// Handles a request with its body as it comes, or null. A handler without a BodyReader gets it
  /// complete; more than its max_body throws Errc::body_too_large.
  [[nodiscard]] Task<Response> answer(Request& request, BodyReader* body) const {
    return base_->answer(request, body);
  }

 private:
  std::shared_ptr<const HandlerBase> base_;
};

/// See streamed().
class StreamedHandler {
 public:
  explicit StreamedHandler(Handler handler) noexcept : handler_(std::move(handler)) {}
  [[nodiscard]] Task<Response> operator()(Request& request, BodyReader& body) const {
    return handler_.answer(request, &body);
  }

 private:
  Handler handler_;
};

/// Returns a handler that a Server gives bodies as they come, for those behind `handler` that take
/// a BodyReader. Those that do not get their bodies complete all the same.
///
///   http::Server server({}, http::streamed(router));
[[nodiscard]] inline StreamedHandler streamed(Handler handler) noexcept {
  return StreamedHandler(std::move(handler));
}

}  // namespace weft::inline v0_1::http
