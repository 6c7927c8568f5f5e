#include <weft/http/handler.hpp>

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>

namespace weft::inline v0_1::http {
namespace {

class TextSource final : public BodySource {
 public:
  explicit TextSource(std::string text) noexcept : text_(std::move(text)) {}
  [[nodiscard]] Task<std::size_t> read(std::span<std::byte> buffer) override {
    const std::size_t size = std::min(buffer.size(), text_.size() - taken_);
    if (size != 0) std::memcpy(buffer.data(), text_.data() + taken_, size);
    taken_ += size;
    co_return size;
  }
  [[nodiscard]] std::optional<std::uint64_t> length() const noexcept override {
    return text_.size();
  }
  [[nodiscard]] const Headers& trailers() const noexcept override { return none_; }

 private:
  std::string text_;
  std::size_t taken_ = 0;
  Headers none_;
};

}  // namespace

BodyReader body_reader_of(std::string text) {
  return BodyReader(std::make_shared<TextSource>(std::move(text)));
}

Task<void> collect_body(Request& request, BodyReader* body, std::size_t limit) {
  if (body == nullptr) co_return;
  request.body = co_await body->read_all(limit);
}

}  // namespace weft::inline v0_1::http
