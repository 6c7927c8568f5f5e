// The bytes of a temporary string would be gone before they are written.
// expect first: use of deleted function|call to deleted function
#include <weft/net.hpp>

#include <string>

std::string text() { return "text"; }

weft::Task<void> program(weft::StreamSocket& stream) {
#ifdef WEFT_MUST_FAIL
  auto bytes = weft::bytes_of(text());
#else
  const std::string kept = text();
  auto bytes = weft::bytes_of(kept);
#endif
  co_await stream.write_all(bytes);
}
