// Codecs in memory and over streams, and compression in HTTP: cut anywhere, broken anywhere, bombs.
#include <weft/compression.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/http_support.hpp"
#include "http/fuzz_support.hpp"
#include "support/runtime_fixture.hpp"
#include "support/sanitizers.hpp"

namespace weft::testing::compression_test {
namespace {

using http::Handler;
using http::Request;
using http::Response;

constexpr Coding all_codings[] = {Coding::gzip, Coding::deflate, Coding::brotli, Coding::zstd};

class Compression : public test::RuntimeTest {};
INSTANTIATE_TEST_SUITE_P(Runtimes, Compression, ::testing::Values(std::size_t{0}, std::size_t{2}),
                         test::worker_count_name);

/// Text that compresses somewhat.
std::string example(std::size_t size) {
  std::string text;
  std::uint32_t state = 1;
  while (text.size() < size) {
    state = state * 1'664'525 + 1'013'904'223;
    text += "word" + std::to_string(state >> 22U) + ' ';
  }
  text.resize(size);
  return text;
}

/// Gives a text in pieces, takes a text in pieces.
class Pieces {
 public:
  explicit Pieces(std::string text, std::size_t piece) : text_(std::move(text)), piece_(piece) {}
  [[nodiscard]] Task<std::size_t> read(std::span<std::byte> buffer) {
    const std::size_t size = std::min({buffer.size(), piece_, text_.size() - taken_});
    if (size != 0) std::memcpy(buffer.data(), text_.data() + taken_, size);
    taken_ += size;
    co_return size;
  }
  [[nodiscard]] Task<std::size_t> write(std::span<const std::byte> data) {
    const std::size_t size = std::min(data.size(), piece_);
    text_.append(reinterpret_cast<const char*>(data.data()), size);
    co_return size;
  }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
  std::size_t piece_;
  std::size_t taken_ = 0;
};

template <class R>
Task<std::string> read_all(R& reader) {
  std::string text;
  std::array<std::byte, 777> buffer;
  for (;;) {
    const std::size_t size = co_await reader.read(std::span<std::byte>(buffer));
    if (size == 0) co_return text;
    text.append(reinterpret_cast<const char*>(buffer.data()), size);
  }
}

TEST(CompressionCodec, GivesBackWhatItTook) {
  for (const Coding coding : all_codings) {
    for (const std::size_t size : {0U, 1U, 100U, 70'000U, 1'000'000U}) {
      const std::string text = example(size);
      const std::string packed = compress_text(coding, text);
      EXPECT_TRUE(decompress_text(coding, packed) == text) << to_string(coding) << ' ' << size;
      if (size > 1000) {
        EXPECT_LT(packed.size(), size / 2);
      }
    }
    EXPECT_EQ(coding_from(to_string(coding)), coding);
    EXPECT_THROW(Encoder(coding, 0), std::invalid_argument);
    EXPECT_THROW(Encoder(coding, 99), std::invalid_argument);
    const std::string best = compress_text(coding, example(70'000), 9);
    EXPECT_TRUE(decompress_text(coding, best) == example(70'000));
  }
  EXPECT_EQ(coding_from("X-GZIP"), Coding::gzip);
  EXPECT_FALSE(coding_from("identity"));
}

TEST(CompressionCodec, ATruncatedStreamIsAnError) {
  for (const Coding coding : all_codings) {
    const std::string packed = compress_text(coding, example(500));
    for (std::size_t size = 0; size < packed.size(); ++size) {
      try {
        static_cast<void>(decompress_text(coding, packed.substr(0, size)));
        ADD_FAILURE() << to_string(coding) << " took " << size << " bytes";
      } catch (const std::system_error& error) {
        EXPECT_EQ(error.code(), CompressionErrc::truncated) << to_string(coding) << ' ' << size;
      }
    }
  }
}

TEST(CompressionCodec, ABrokenStreamNeverGivesAnotherText) {
  for (const Coding coding : all_codings) {
    const std::string text = example(500);
    const std::string packed = compress_text(coding, text);
    int refused = 0;
    for (std::size_t at = 0; at < packed.size(); ++at) {
      std::string broken = packed;
      broken[at] = static_cast<char>(broken[at] ^ 0x55);
      try {
        const std::string other = decompress_text(coding, broken);
        // brotli has no checksum; some bytes of a gzip head mean nothing.
        if (coding != Coding::brotli) {
          EXPECT_EQ(other, text) << to_string(coding) << ' ' << at;
        }
      } catch (const std::system_error& error) {
        EXPECT_EQ(error.code().category(), compression_category());
        ++refused;
      }
    }
    EXPECT_GT(refused, 0);
    try {
      static_cast<void>(decompress_text(coding, packed + "more"));
      ADD_FAILURE() << to_string(coding) << " took bytes behind its end";
    } catch (const std::system_error& error) {
      EXPECT_EQ(error.code().category(), compression_category());
    }
  }
}

TEST(CompressionCodec, SeveralMembersAreOneText) {
  for (const Coding coding : {Coding::gzip, Coding::zstd}) {
    const std::string packed = compress_text(coding, "one, ") + compress_text(coding, "two");
    EXPECT_EQ(decompress_text(coding, packed), "one, two");
  }
}

TEST(CompressionCodec, DeflateWithoutItsFrameIsDecoded) {
  // What some servers send for "deflate": the stream of RFC 1951 alone.
  const std::string text = example(5000);
  const std::string framed = compress_text(Coding::deflate, text);
  EXPECT_TRUE(decompress_text(Coding::deflate, framed.substr(2, framed.size() - 6)) == text);
}

TEST(CompressionCodec, BombsAreRefused) {
  for (const Coding coding : all_codings) {
    const std::string bomb = compress_text(coding, std::string(20'000'000, '\0'));
    DecodeLimits small;
    small.max_size = 1'000'000;
    small.max_ratio = ~std::uint64_t{0};
    const std::pair<DecodeLimits, CompressionErrc> rows[] = {
        {small, CompressionErrc::too_large}, {DecodeLimits(), CompressionErrc::ratio_too_large}};
    for (const auto& [limits, why] : rows) {
      try {
        static_cast<void>(decompress_text(coding, bomb, limits));
        ADD_FAILURE() << to_string(coding);
      } catch (const std::system_error& error) {
        EXPECT_EQ(error.code(), why) << to_string(coding);
      }
    }
  }
  DecodeLimits window;
  window.max_window = 1024;
  try {
    static_cast<void>(
        decompress_text(Coding::zstd, compress_text(Coding::zstd, example(500'000)), window));
    ADD_FAILURE();
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), CompressionErrc::window_too_large);
  }
}

TEST_P(Compression, StreamsAreDecodedHoweverTheyAreCut) {
  run([]() -> Task<void> {
    const std::string text = example(3000);
    for (const Coding coding : all_codings) {
      const std::string packed = compress_text(coding, text);
      for (const std::size_t piece : {1U, 2U, 7U, 100'000U}) {
        DecodingReader reader(coding, Pieces(packed, piece));
        const std::string all = co_await read_all(reader);
        EXPECT_TRUE(all == text) << to_string(coding) << ' ' << piece;
        DecodingReader cut(coding, Pieces(packed.substr(0, packed.size() - 1), piece));
        const auto failed = co_await attempt(read_all(cut));
        EXPECT_FALSE(failed.has_value());
        if (!failed) {
          EXPECT_EQ(failed.error().code(), CompressionErrc::truncated);
        }
      }
    }
  });
}

/// The text, or that there is an error: which one of several is met first depends on the cuts.
Task<std::string> outcome_of(Coding coding, std::string packed, std::size_t piece) {
  DecodeLimits limits;
  limits.max_size = 5000;
  DecodingReader reader(coding, Pieces(std::move(packed), piece), limits);
  const auto all = co_await attempt(read_all(reader));
  if (all) co_return *all;
  EXPECT_EQ(all.error().code().category(), compression_category());
  co_return "error";
}

/// WEFT_FUZZ_ROUNDS and WEFT_SEED as for the tests of the parsers.
TEST_P(Compression, MutatedStreamsAreTheSameHoweverCut) {
  const std::string_view words[] = {std::string_view("\0\0", 2), "\xff\xff", "\x1f\x8b\x08",
                                    "\x28\xb5\x2f\xfd", "\x78\x9c"};
  http::test::for_each_seed(test::fewer_if_sanitized(1'000U), [&](unsigned seed) {
    http::test::Random random(seed);
    const Coding coding = all_codings[http::test::pick(random, std::size(all_codings))];
    std::string packed = compress_text(coding, example(http::test::pick(random, 6000)));
    for (std::size_t left = http::test::pick(random, 4); left > 0; --left) {
      http::test::mutate_once(packed, words, random);
    }
    const std::size_t piece = 1 + http::test::pick(random, 50);
    run([&]() -> Task<void> {
      const std::string whole = co_await outcome_of(coding, packed, packed.size() + 1);
      const std::string cut = co_await outcome_of(coding, packed, piece);
      EXPECT_LE(whole.size(), 5000U);
      EXPECT_EQ(cut, whole) << "WEFT_SEED=" << seed << ' ' << to_string(coding) << ' ' << piece;
    });
  });
}

TEST_P(Compression, StreamsAreEncodedAndFlushed) {
  run([]() -> Task<void> {
    const std::string text = example(200'000);
    for (const Coding coding : all_codings) {
      Pieces out("", 1000);
      EncodingWriter writer(coding, out);
      co_await write_all(writer, std::string_view("first"));
      co_await writer.flush();
      // What was flushed can be decoded.
      Decoder decoder(coding);
      std::array<std::byte, 100> buffer;
      const Decoder::Step step = decoder.step(std::as_bytes(std::span(out.text())), buffer);
      EXPECT_EQ(step.made, 5U) << to_string(coding);
      co_await write_all(writer, std::string_view(text));
      co_await writer.finish();
      EXPECT_TRUE(decompress_text(coding, out.text()) == "first" + text) << to_string(coding);
    }
  });
}

Handler page(std::string text, std::string_view type = "text/plain") {
  return Handler([text = std::move(text), type = std::string(type)](Request&) {
    Response response = Response::text(text);
    response.headers.set("Content-Type", type);
    response.headers.set("ETag", "\"v1\"");
    response.headers.set("Accept-Ranges", "bytes");
    return response;
  });
}

Task<Response> ask(const Handler& handler, std::string_view accept) {
  Request request;
  request.target = "/";
  if (!accept.empty()) request.headers.add("Accept-Encoding", accept);
  Response response = co_await handler(request);
  co_return response;
}

TEST_P(Compression, ResponsesAreCompressedWhereItHelps) {
  struct Row {
    std::string_view name;
    Handler handler;
    std::string_view accept;
    std::string_view coding;
    bool vary;
  };
  const std::string text = example(5000);
  const auto with = [&text](std::string_view field, std::string_view value) {
    return Handler([text, field, value](Request&) {
      Response response = Response::text(text);
      response.headers.set(field, value);
      return response;
    });
  };
  const Row rows[] = {
      {"gzip", page(text), "gzip", "gzip", true},
      {"the server prefers zstd", page(text), "gzip, zstd, br", "zstd", true},
      {"the client prefers br", page(text), "gzip;q=0.5, br", "br", true},
      {"json", page(text, "application/vnd.x+json"), "gzip", "gzip", true},
      {"no coding is accepted", page(text), "", "", true},
      {"a type that is compressed already", page(text, "image/png"), "gzip", "", false},
      {"small", page("x"), "gzip", "", false},
      {"encoded already", with("Content-Encoding", "br"), "gzip", "br", false},
      {"no-transform", with("Cache-Control", "public, No-Transform"), "gzip", "", false},
  };
  run([&rows, &text]() -> Task<void> {
    for (const Row& row : rows) {
      const Handler handler = http::wrap(row.handler, http::compress());
      Response response = co_await ask(handler, row.accept);
      EXPECT_EQ(response.headers.find("Content-Encoding").value_or(""), row.coding) << row.name;
      EXPECT_EQ(response.headers.contains("Vary"), row.vary) << row.name;
      if (row.coding.empty() || row.name == "encoded already") continue;
      EXPECT_LT(response.body.size(), text.size());
      EXPECT_EQ(response.headers.find("ETag"), "W/\"v1\"") << row.name;
      EXPECT_FALSE(response.headers.contains("Accept-Ranges"));
      http::decompress(response);
      EXPECT_TRUE(response.body == text) << row.name;
      EXPECT_FALSE(response.headers.contains("Content-Encoding"));
    }
    const Handler partial = http::wrap(
        Handler([&text](Request&) { return Response::text(text, 206); }), http::compress());
    const Response part = co_await ask(partial, "gzip");
    EXPECT_FALSE(part.headers.contains("Content-Encoding"));
    EXPECT_EQ(part.headers.find("Vary"), "Accept-Encoding");
  });
}

/// RFC 9110, 15.4.5: Vary and ETag are those of the response that the client has.
TEST_P(Compression, WhatHasNotChangedIsDescribedAsItWasSent) {
  const Handler unchanged([](Request&) {
    Response response = Response::of(304);
    response.headers.set("ETag", "\"v1\"");
    return response;
  });
  run([&unchanged]() -> Task<void> {
    const Handler handler = http::wrap(unchanged, http::compress());
    for (const std::string_view seen : {"\"v1\"", "W/\"v1\"", "\"a\", W/\"v1\""}) {
      Request request;
      request.target = "/";
      request.headers.add("Accept-Encoding", "gzip");
      request.headers.add("If-None-Match", seen);
      const Response response = co_await handler(request);
      EXPECT_EQ(response.headers.find("Vary"), "Accept-Encoding") << seen;
      EXPECT_EQ(response.headers.find("ETag"), seen == "\"v1\"" ? "\"v1\"" : "W/\"v1\"") << seen;
    }
  });
}

TEST_P(Compression, StreamedResponsesAreCompressedWhileTheyAreSent) {
  run([]() -> Task<void> {
    const std::string text = example(300'000);
    const Handler streams([&text](Request&) {
      Response response = Response::stream([&text](http::BodyWriter& out) -> Task<void> {
        for (std::size_t at = 0; at < text.size(); at += 10'000) {
          co_await out.write_all(std::string_view(text).substr(at, 10'000));
          co_await out.flush();
        }
      });
      response.headers.set("Content-Type", "text/plain");
      return response;
    });
    Site site(patient(), http::wrap(streams, http::compress()));
    co_await visiting(site, [&text](Site& s) -> Task<void> {
      http::Client client;
      for (const std::string_view accept : {"gzip", "br", "zstd"}) {
        http::ClientRequest request(http::Method::get, s.url("/"));
        request.headers.set("Accept-Encoding", accept);
        Response response = co_await client.request(std::move(request));
        EXPECT_EQ(response.headers.find("Content-Encoding"), accept);
        EXPECT_LT(response.body.size(), text.size());
        http::decompress(response);
        EXPECT_TRUE(response.body == text) << accept;
      }
    });
  });
}

TEST_P(Compression, RequestsAreDecompressed) {
  run([]() -> Task<void> {
    DecodeLimits limits;
    limits.max_size = 10'000;
    const Handler whole = http::wrap(Handler([](Request& request) {
                                       EXPECT_FALSE(request.headers.contains("Content-Encoding"));
                                       return Response::text(request.body);
                                     }),
                                     http::decompress_requests(limits));
    const Handler reads =
        http::wrap(Handler([](Request&, http::BodyReader& body) -> Task<Response> {
                     std::string text = co_await body.read_all(1'000'000);
                     co_return Response::text(std::move(text));
                   }),
                   http::decompress_requests(limits));
    const std::string text = example(9000);
    const std::string packed = compress_text(Coding::gzip, text);
    struct Row {
      std::string_view coding;
      std::string body;
      int status;
    };
    const Row rows[] = {
        {"gzip", packed, 200},     {"gzip, br", compress_text(Coding::brotli, packed), 200},
        {"identity", text, 200},   {"gzip", packed.substr(0, 50), 400},
        {"gzip", "nonsense", 400}, {"gzip", compress_text(Coding::gzip, example(20'000)), 413},
        {"compress", packed, 415}, {"gzip, gzip, gzip, gzip", packed, 415}};
    for (const Row& row : rows) {
      for (const Handler& handler : {whole, reads}) {
        for (const bool streamed : {false, true}) {
          Request request;
          request.headers.set("Content-Encoding", row.coding);
          http::BodyReader body = http::body_reader_of(row.body);
          if (!streamed) request.body = row.body;
          const Response response = co_await handler.answer(request, streamed ? &body : nullptr);
          EXPECT_EQ(response.status.code(), row.status) << row.coding;
          if (row.status == 200) {
            EXPECT_TRUE(response.body == text) << row.coding;
          }
          if (row.status == 415) {
            EXPECT_EQ(response.headers.find("Accept-Encoding"), http::accept_encoding());
          }
        }
      }
    }
  });
}

}  // namespace
}  // namespace weft::testing::compression_test
