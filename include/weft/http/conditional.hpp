// Conditional requests (RFC 9110, 13): entity tags, and what a server's handler does about
// If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since and If-Range. Part of
// <weft/http.hpp>. Values; any thread.
//
//   http::Validators present(http::EntityTag(version), modified);
//   if (auto answer = http::answer_conditions(request, present)) return *std::move(answer);
//   http::Response response = page();
//   present.add_to(response.headers);
#pragma once

#include <weft/http/date.hpp>
#include <weft/http/message.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace weft::inline v0_1::http {

/// Names one version of a resource. A strong tag changes with each byte; a weak one only with the
/// meaning.
class EntityTag {
 public:
  EntityTag() = default;
  /// `opaque`: the text between the quotes. Throws std::invalid_argument if it has a quote, a space
  /// or a control character.
  explicit EntityTag(std::string_view opaque, bool weak = false);

  /// Parses `"text"` or `W/"text"`. Null: it is neither.
  [[nodiscard]] static std::optional<EntityTag> parse(std::string_view field);

  [[nodiscard]] const std::string& opaque() const noexcept { return opaque_; }
  [[nodiscard]] bool is_weak() const noexcept { return weak_; }
  /// Returns the same tag, weak: for a representation that was encoded another way.
  [[nodiscard]] EntityTag weakened() const;
  /// Returns it as a field has it, with its quotes.
  [[nodiscard]] std::string to_string() const;

  /// Strong comparison (RFC 9110, 8.8.3.2): neither is weak, and they are equal.
  [[nodiscard]] bool matches_strongly(const EntityTag& other) const noexcept {
    return !weak_ && !other.weak_ && opaque_ == other.opaque_;
  }
  /// Weak comparison: they are equal, weak or not.
  [[nodiscard]] bool matches_weakly(const EntityTag& other) const noexcept {
    return opaque_ == other.opaque_;
  }

 private:
  std::string opaque_;
  bool weak_ = false;
};

/// What is known of the present version of a resource.
struct Validators {
  Validators() = default;
  explicit Validators(std::optional<EntityTag> its_tag,
                      std::optional<HttpTime> its_time = std::nullopt)
      : tag(std::move(its_tag)), modified(its_time) {}

  std::optional<EntityTag> tag;
  std::optional<HttpTime> modified;
  bool exists = true;  ///< false: there is no version; `If-None-Match: *` then holds

  /// Sets ETag and Last-Modified.
  void add_to(Headers& headers) const;
};

enum class Condition : std::uint8_t {
  holds,         ///< handle the request
  not_modified,  ///< answer with 304
  failed,        ///< answer with 412
};

/// Evaluates the conditions of a request in the order of RFC 9110, 13.2.2. Fields that are
/// malformed count as absent, except that a malformed If-Match fails and a malformed If-None-Match
/// holds: the tag that was meant is none that is known.
[[nodiscard]] Condition evaluate(const Request& request, const Validators& present);

/// Returns the answer 304 (with the validators) or 412 if the conditions say so; null if the
/// request is to be handled.
[[nodiscard]] std::optional<Response> answer_conditions(const Request& request,
                                                        const Validators& present);

/// Returns whether the field Range counts: there is no If-Range, or it names the present version
/// (RFC 9110, 13.1.5): by a strong tag, or by the exact date if that is at least a second old.
[[nodiscard]] bool if_range_holds(const Request& request, const Validators& present);

}  // namespace weft::inline v0_1::http
