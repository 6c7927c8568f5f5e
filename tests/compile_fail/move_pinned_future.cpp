// A future that is immovable by type cannot be passed by value. It is awaited in place.
// expect: deleted|constraints not satisfied|no matching function
#include <weft/future.hpp>
#include <weft/time.hpp>
#include <weft/timeout.hpp>

class SelfReferential {
 public:
  SelfReferential() noexcept : here_(this) {}
  SelfReferential(const SelfReferential&) = delete;
  SelfReferential& operator=(const SelfReferential&) = delete;
  weft::Poll<bool> poll(weft::Context&) const noexcept { return here_ == this; }

 private:
  const SelfReferential* here_;
};

weft::Task<bool> program() {
  SelfReferential future;
#ifdef WEFT_MUST_FAIL
  const bool stayed = co_await weft::timeout(std::move(future), weft::Nanoseconds(1));
#else
  const bool stayed = co_await future;
#endif
  co_return stayed;
}
