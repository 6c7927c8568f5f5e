// LateFuture: storage for a future that is made in place and never moves. For authors of
// combinators of futures.
#pragma once

#include <weft/future.hpp>

#include <functional>
#include <optional>
#include <utility>

namespace weft::inline v0_1::detail {

/// Storage for a future that is made later, in place: F may be immovable. The storage can be moved
/// while it is empty; a move after that breaks a rule of the poll protocol and aborts.
template <Future F>
class LateFuture {
 public:
  LateFuture() noexcept {}
  LateFuture(LateFuture&& other) noexcept {
    if (other.made()) poll_rule_broken("a future was moved after it had been polled");
  }
  LateFuture& operator=(LateFuture&&) = delete;

  [[nodiscard]] bool made() const noexcept { return future_.has_value(); }
  [[nodiscard]] F& operator*() noexcept { return *future_; }
  /// Destroys the future.
  void drop() noexcept { future_.reset(); }
  /// Makes the future in place from `make(args…)`, without a move.
  template <class Make, class... Args>
  void make(Make& make, Args&&... args) {
    auto call = [&]() -> F { return std::invoke(make, std::forward<Args>(args)...); };
    future_.emplace(Elided<decltype(call)>(call));
  }

 private:
  template <class Call>
  class Elided {
   public:
    explicit Elided(Call& call) noexcept : call_(call) {}
    operator F() { return call_(); }

   private:
    Call& call_;
  };

  std::optional<F> future_;
};

}  // namespace weft::inline v0_1::detail
