// The body of a scope gives something to await.
// expect first: weft: a scope's body returns something to await
#include <weft/scope.hpp>

weft::Task<void> child() { co_return; }

weft::Task<void> program() {
#ifdef WEFT_MUST_FAIL
  auto body = [](weft::Scope& s) { s.spawn(child).detach(); };
#else
  auto body = [](weft::Scope& s) -> weft::Task<void> {
    s.spawn(child).detach();
    co_return;
  };
#endif
  co_await weft::scope(std::move(body));
}
