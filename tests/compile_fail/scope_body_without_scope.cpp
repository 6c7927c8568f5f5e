// The body of a scope takes the scope.
// expect first: weft: a scope's body is called with a Scope&
#include <weft/scope.hpp>

weft::Task<void> program() {
#ifdef WEFT_MUST_FAIL
  auto body = []() -> weft::Task<void> { co_return; };
#else
  auto body = [](weft::Scope&) -> weft::Task<void> { co_return; };
#endif
  co_await weft::scope(std::move(body));
}
