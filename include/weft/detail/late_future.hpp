// LateFuture: room for a future that is made in place and never moves. For those who write
// combinators of futures.
#pragma once

#include <weft/future.hpp>

#include <functional>
#include <optional>
#include <utility>

namespace weft::detail {

/// Room for a future that is made later, in place, and then stays there: F may be immovable. The
/// room itself can be moved while it is empty; later that breaks a rule: aborts.
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
  /// Destroys it; the room stays.
  void drop() noexcept { future_.reset(); }
  /// Makes it: what `make(args…)` gives, without a move.
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

}  // namespace weft::detail
