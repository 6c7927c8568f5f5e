#include <weft/compression/http.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <system_error>
#include <utility>

#include <weft/compression/streams.hpp>
#include <weft/http/conditional.hpp>
#include <weft/http/media_type.hpp>

#include "compression/encoded_body.hpp"

namespace weft::inline v0_1::http {
namespace {

/// The elements of a list, without spaces around them; empty ones are left out.
[[nodiscard]] std::vector<std::string_view> elements_of(std::string_view list) {
  std::vector<std::string_view> elements;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    std::string_view one = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    const std::size_t begin = one.find_first_not_of(" \t");
    if (begin == std::string_view::npos) continue;
    elements.push_back(one.substr(begin, one.find_last_not_of(" \t") + 1 - begin));
  }
  return elements;
}

[[nodiscard]] bool forbids_transform(const Headers& headers) {
  for (const std::string_view value : headers.find_all("Cache-Control")) {
    for (const std::string_view directive : elements_of(value)) {
      if (same_name(directive, "no-transform")) return true;
    }
  }
  return false;
}

/// Whether a response could be compressed for some client.
[[nodiscard]] bool may_compress(const Response& response, std::size_t min_size) {
  const int status = response.status.code();
  if (status < 200 || status == 204 || status == 206 || status == 304) return false;
  if (response.headers.contains("Content-Encoding")) return false;
  if (!is_compressible(response.headers.find("Content-Type").value_or(""))) return false;
  const std::optional<std::uint64_t> size =
      response.streamed ? response.streamed.length() : std::optional(response.body.size());
  if (size && *size < min_size) return false;
  return !forbids_transform(response.headers);
}

/// Returns false if the body became no smaller, and is as it was.
[[nodiscard]] bool encode_body(Response& response, Coding coding, std::optional<int> level) {
  if (response.streamed) {
    const auto encoded = std::make_shared<EncodedBody>(std::move(response.streamed), coding, level);
    response.streamed = StreamedBody(encoded);
    return true;
  }
  std::string packed = compress_text(coding, response.body, level);
  if (packed.size() >= response.body.size()) return false;
  response.body = std::move(packed);
  return true;
}

void encode_response(Response& response, Coding coding, std::optional<int> level) {
  if (!encode_body(response, coding, level)) return;
  response.headers.set("Content-Encoding", to_string(coding));
  response.headers.remove("Content-Length");
  response.headers.remove("Accept-Ranges");
  const auto tag = EntityTag::parse(response.headers.find("ETag").value_or(""));
  if (tag) response.headers.set("ETag", tag->weakened().to_string());
}

/// Whether the list has the tag of `etag` as encode_response() has made it: weak.
[[nodiscard]] bool names_weakened(std::string_view list, std::string_view etag) {
  const auto tag = EntityTag::parse(etag);
  if (!tag || tag->is_weak()) return false;
  const std::string weak = tag->weakened().to_string();
  return list.find(weak) != std::string_view::npos;
}

/// For a part, or the news that the client's version is the present one: adds what the whole
/// response would say (RFC 9110, 15.3.7 and 15.4.5). `seen`: the request's If-None-Match.
void agree_with_whole(Response& response, std::string_view seen) {
  const int status = response.status.code();
  Headers& headers = response.headers;
  if (headers.contains("Content-Encoding") || forbids_transform(headers)) return;
  if (status == 206 && is_compressible(headers.find("Content-Type").value_or(""))) {
    add_vary(headers, "Accept-Encoding");
  }
  if (status != 304) return;
  add_vary(headers, "Accept-Encoding");
  const std::string_view etag = headers.find("ETag").value_or("");
  if (names_weakened(seen, etag)) {
    headers.set("ETag", EntityTag::parse(etag)->weakened().to_string());
  }
}

class Compress {
 public:
  explicit Compress(CompressOptions options) : options_(std::move(options)) {
    for (const Coding coding : options_.codings) {
      offered_.push_back(to_string(coding));
      const Encoder checked(coding, options_.level);  // throws for a bad level
    }
    offered_.push_back("identity");
  }
  Task<Response> operator()(Request& request, Next next) const {
    return answer(request, next, *this);
  }

 private:
  static Task<Response> answer(Request& request, Next next, const Compress& self) {
    const std::optional<std::size_t> best = negotiate_coding(request, self.offered_);
    const std::string seen(request.headers.find("If-None-Match").value_or(""));
    Response response = co_await next(request);
    agree_with_whole(response, seen);
    if (!may_compress(response, self.options_.min_size)) co_return response;
    add_vary(response.headers, "Accept-Encoding");
    if (best && *best < self.options_.codings.size()) {
      encode_response(response, self.options_.codings[*best], self.options_.level);
    }
    co_return response;
  }

  CompressOptions options_;
  std::vector<std::string_view> offered_;
};

/// A body that is decoded while it is read.
class DecodedSource final : public BodySource {
 public:
  DecodedSource(Coding coding, BodyReader body, const DecodeLimits& limits)
      : name_(body.subject()), reader_(coding, std::move(body), limits) {}
  [[nodiscard]] Task<std::size_t> read(std::span<std::byte> buffer) override {
    return reader_.read(buffer);
  }
  [[nodiscard]] std::optional<std::uint64_t> length() const noexcept override {
    return std::nullopt;
  }
  [[nodiscard]] const Headers& trailers() const noexcept override {
    return reader_.inner().trailers();
  }
  [[nodiscard]] std::string subject() const override { return name_; }

 private:
  std::string name_;
  DecodingReader<BodyReader> reader_;
};

[[nodiscard]] std::vector<Coding> codings_or_throw(const Headers& headers) {
  std::optional<std::vector<Coding>> codings = content_codings(headers);
  if (!codings) {
    throw std::system_error(std::make_error_code(std::errc::not_supported), "content coding");
  }
  return std::move(*codings);
}

[[nodiscard]] Response refuse_coding() {
  Response response = Response::of(415);
  response.headers.set("Accept-Encoding", accept_encoding());
  return response;
}

/// The answer to a body that could not be decoded; null: the error is another one.
[[nodiscard]] std::optional<Response> refusal_of(const std::error_code& why) {
  if (why.category() != compression_category()) return std::nullopt;
  const auto code = static_cast<CompressionErrc>(why.value());
  const bool bad = code == CompressionErrc::malformed || code == CompressionErrc::truncated;
  return Response::of(bad ? 400 : 413);
}

Task<Response> with_decoded_body(Request& request, Next next, const DecodeLimits& limits) {
  if (!request.headers.contains("Content-Encoding")) {
    Response response = co_await next(request);
    co_return response;
  }
  const std::optional<std::vector<Coding>> codings = content_codings(request.headers);
  if (!codings) co_return refuse_coding();
  std::optional<Response> refusal;
  std::exception_ptr failure;
  try {
    BodyReader decoded;
    if (next.body() != nullptr) {
      decoded = decompressed(request.headers, std::move(*next.body()), limits);
      next = next.with_body(decoded);
    } else {
      for (auto coding = codings->rbegin(); coding != codings->rend(); ++coding) {
        request.body = decompress_text(*coding, request.body, limits);
      }
    }
    request.headers.remove("Content-Encoding");
    request.headers.remove("Content-Length");
    Response response = co_await next(request);
    co_return response;
  } catch (const std::system_error& error) {
    refusal = refusal_of(error.code());
    failure = std::current_exception();
  }
  if (!refusal) std::rethrow_exception(failure);
  co_return std::move(*refusal);
}

}  // namespace

bool is_compressible(std::string_view content_type) noexcept try {
  const std::optional<MediaType> type = MediaType::parse(content_type);
  if (!type) return false;
  if (type->type == "text") return true;
  if (type->subtype.ends_with("+json") || type->subtype.ends_with("+xml")) return true;
  constexpr std::array<std::string_view, 13> known = {
      "application/json",  "application/javascript", "application/xml", "application/wasm",
      "application/toml",  "application/yaml",       "application/rtf", "application/x-ndjson",
      "application/x-tar", "application/postscript", "font/ttf",        "font/otf",
      "image/bmp"};
  return std::ranges::any_of(known, [&](std::string_view one) { return type->is(one); });
} catch (const std::bad_alloc&) {
  return false;
}

AnyMiddleware compress(CompressOptions options) { return Compress(std::move(options)); }

AnyMiddleware decompress_requests(DecodeLimits limits) {
  return [limits](Request& request, Next next) -> Task<Response> {
    return with_decoded_body(request, next, limits);
  };
}

std::string_view accept_encoding() noexcept { return "zstd, br, gzip, deflate"; }

std::optional<std::vector<Coding>> content_codings(const Headers& headers, std::size_t most) {
  std::vector<Coding> codings;
  for (const std::string_view value : headers.find_all("Content-Encoding")) {
    for (const std::string_view name : elements_of(value)) {
      if (same_name(name, "identity")) continue;
      const std::optional<Coding> coding = coding_from(name);
      if (!coding || codings.size() == most) return std::nullopt;
      codings.push_back(*coding);
    }
  }
  return codings;
}

void decompress(Response& response, const DecodeLimits& limits) {
  const std::vector<Coding> codings = codings_or_throw(response.headers);
  std::string body = response.body;
  for (auto coding = codings.rbegin(); coding != codings.rend(); ++coding) {
    body = decompress_text(*coding, body, limits);
  }
  response.body = std::move(body);
  response.headers.remove("Content-Encoding");
  if (!codings.empty()) response.headers.remove("Content-Length");
}

BodyReader decompressed(const Headers& headers, BodyReader body, const DecodeLimits& limits) {
  const std::vector<Coding> codings = codings_or_throw(headers);
  for (auto coding = codings.rbegin(); coding != codings.rend(); ++coding) {
    body = BodyReader(std::make_shared<DecodedSource>(*coding, std::move(body), limits));
  }
  return body;
}

}  // namespace weft::inline v0_1::http
