// Compression in HTTP: middleware that compresses responses and decompresses requests, and what a
// client needs. Part of <weft/compression.hpp>.
//
//   http::Server server({}, http::wrap(std::move(router), http::compress()));
//
//   request.headers.set("Accept-Encoding", http::accept_encoding());
//   http::Response response = co_await client.request(request);
//   http::decompress(response);
#pragma once

#include <weft/compression/codec.hpp>
#include <weft/http/body_reader.hpp>
#include <weft/http/message.hpp>
#include <weft/http/middleware.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weft::inline v0_1::http {

struct CompressOptions {
  CompressOptions() {}

  /// In the order of preference, among those that a client likes equally.
  std::vector<Coding> codings = {Coding::zstd, Coding::brotli, Coding::gzip};
  /// Smaller bodies are sent as they are. A streamed body of unknown size is compressed.
  std::size_t min_size = 1024;
  std::optional<int> level = std::nullopt;  ///< see Encoder
};

/// Returns whether a body of that Content-Type becomes smaller: text, JSON, XML, scripts, fonts
/// that are not compressed, wasm, SVG.
[[nodiscard]] bool is_compressible(std::string_view content_type) noexcept;

/// Compresses responses with a coding that the request accepts, while they are sent if they are
/// streamed; a flush of the handler's goes through. Left as they are: types that are not
/// is_compressible(), small bodies, responses that have a Content-Encoding or "Cache-Control:
/// no-transform", and the status 204, 206 and 304. An ETag becomes weak, Accept-Ranges is removed,
/// and "Vary: Accept-Encoding" is added also where this client gets the body as it is, a part of
/// it, or 304; 304 has the ETag that the client has named. Where responses mix secrets with text of
/// a client's choice, their compressed size tells of the secrets (BREACH): leave these out.
[[nodiscard]] AnyMiddleware compress(CompressOptions options = CompressOptions());

/// Decompresses the bodies of requests that have a Content-Encoding, while they are read if the
/// handler reads them, and removes that field. An unknown coding is answered with 415 and
/// Accept-Encoding, a malformed body with 400, one beyond the limits with 413.
[[nodiscard]] AnyMiddleware decompress_requests(DecodeLimits limits = {});

/// The value of Accept-Encoding for what this library decodes: "zstd, br, gzip, deflate".
[[nodiscard]] std::string_view accept_encoding() noexcept;

/// The codings of a field Content-Encoding, in the order in which they were applied; "identity" is
/// left out. Null: one is not known, or there are more than `most`.
[[nodiscard]] std::optional<std::vector<Coding>> content_codings(const Headers& headers,
                                                                 std::size_t most = 3);

/// Decompresses the body of a response by its Content-Encoding, which is removed with
/// Content-Length. Throws std::system_error: CompressionErrc; errc::not_supported, and changes
/// nothing, for a coding that is not known.
void decompress(Response& response, const DecodeLimits& limits = {});

/// Returns a reader of what `body`, with that Content-Encoding, says. Reads give IoErrors with
/// CompressionErrc, and those of `body`. Throws std::system_error as decompress(); `body` is lost
/// then.
[[nodiscard]] BodyReader decompressed(const Headers& headers, BodyReader body,
                                      const DecodeLimits& limits = {});

}  // namespace weft::inline v0_1::http
