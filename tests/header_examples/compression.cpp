// Contexts of the examples in headers about compression.
#include "given.hpp"

#include <weft/compression.hpp>

namespace given::of_compression {
namespace http = weft::http;

extern std::string page;
extern http::Router router;
extern http::Client client;
extern http::ClientRequest request;

void texts() {
  // example: weft/compression/codec.hpp
}
weft::Task<void> in_http() {
  // example: weft/compression/http.hpp
}
weft::Task<void> over_streams(weft::StreamSocket& file, weft::StreamSocket& out,
                              weft::StreamSocket& socket, weft::StreamSocket& source) {
  // example: weft/compression/streams.hpp
}
}  // namespace given::of_compression
