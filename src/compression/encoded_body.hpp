// A streamed body that is compressed while it is sent. Used by http::compress().
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <weft/compression/streams.hpp>
#include <weft/http/body.hpp>
#include <weft/task.hpp>

namespace weft::inline v0_1::http {

class EncodedBody final : public BodyProducer {
 public:
  EncodedBody(StreamedBody inner, Coding coding, std::optional<int> level)
      : inner_(std::move(inner)), coding_(coding), level_(level) {}
  [[nodiscard]] Task<void> produce(BodyWriter& out) override {
    return encode(inner_, coding_, level_, out);
  }

 private:
  /// What the inner producer writes to.
  class Target final : public BodyTarget {
   public:
    Target(Coding coding, std::optional<int> level, BodyWriter& out)
        : out_(out), encoded_(coding, out, level), name_(out.subject()) {}
    [[nodiscard]] Task<std::size_t> write_some(std::span<const IoSlice> slices) override {
      while (slices.front().size == 0) slices = slices.subspan(1);
      return encoded_.write({slices.front().data, slices.front().size});
    }
    [[nodiscard]] Task<void> flush() override { return encoded_.flush(); }
    [[nodiscard]] Task<void> draining() override { return out_.draining(); }
    [[nodiscard]] std::string subject() const override { return name_; }
    [[nodiscard]] Task<void> finish() { return encoded_.finish(); }

   private:
    BodyWriter& out_;
    EncodingWriter<BodyWriter&> encoded_;
    std::string name_;
  };
  static Task<void> encode(StreamedBody& inner, Coding coding, std::optional<int> level,
                           BodyWriter& out) {
    Target target(coding, level, out);
    BodyFraming framing;
    framing.end = inner.length() ? BodyFraming::End::length : BodyFraming::End::close;
    framing.length = inner.length().value_or(0);
    BodyWriter plain(target, framing);
    co_await inner.produce(plain);
    co_await plain.finish();
    co_await target.finish();
  }

  StreamedBody inner_;
  Coding coding_;
  std::optional<int> level_;
};

}  // namespace weft::inline v0_1::http
