#include "http/route_tree.hpp"

#include <algorithm>
#include <stdexcept>

namespace weft::inline v0_1::http {
namespace {

[[noreturn]] void refuse(std::string_view pattern, std::string_view why) {
  throw std::invalid_argument("weft::http::Router: pattern '" + std::string(pattern) +
                              "': " + std::string(why));
}

[[nodiscard]] bool is_name(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

[[nodiscard]] Segment parse_segment(std::string_view pattern, std::string_view text) {
  if (text.find_first_of("{}") == std::string_view::npos) {
    if (text == "." || text == "..") refuse(pattern, "a segment '.' or '..' matches no path");
    Result<std::string> decoded = percent_decode(text);
    if (!decoded) refuse(pattern, "a '%' without two hexadecimal digits");
    return {Segment::Kind::text, std::move(*decoded)};
  }
  if (!text.starts_with('{') || !text.ends_with('}')) {
    refuse(pattern, "a capture is a whole segment: {name}");
  }
  std::string_view name = text.substr(1, text.size() - 2);
  const bool rest = name.ends_with("...");
  if (rest) name.remove_suffix(3);
  if (!is_name(name)) refuse(pattern, "a capture's name has letters, digits and '_'");
  return {rest ? Segment::Kind::rest : Segment::Kind::capture, std::string(name)};
}

/// One search. Depth first, in the order of precedence.
class Search {
 public:
  Search(Method method, const std::vector<std::string>& segments, std::size_t slash) noexcept
      : method_(method), segments_(segments), slash_(slash) {}

  [[nodiscard]] RouteMatch take() && { return std::move(match_); }

  /// Returns whether a route was found below `node`.
  bool visit(const RouteNode& node, std::size_t depth) {
    if (depth == segments_.size()) return arrive(node);
    const std::string& segment = segments_[depth];
    if (const auto found = node.texts.find(std::string_view(segment)); found != node.texts.end()) {
      if (visit(*found->second, depth + 1)) return true;
    }
    if (node.capture != nullptr && !segment.empty()) {
      match_.captured.push_back(segment);
      if (visit(*node.capture, depth + 1)) return true;
      match_.captured.pop_back();
    }
    if (node.rest == nullptr || (slash_ != none && slash_ >= depth)) return false;
    if (!arrive(*node.rest)) return false;
    match_.has_rest = true;
    for (std::size_t i = depth; i < segments_.size(); ++i) {
      if (i != depth) match_.rest.push_back('/');
      match_.rest.append(segments_[i]);
    }
    return true;
  }

  static constexpr std::size_t none = static_cast<std::size_t>(-1);

 private:
  bool arrive(const RouteNode& node) {
    match_.route = node.find(method_);
    if (match_.route != nullptr) return true;
    for (std::size_t i = 0; i < method_count; ++i) {
      const bool there = node.by_method[i] != nullptr;
      match_.allowed[i] = match_.allowed[i] || there;
      match_.known_path = match_.known_path || there;
    }
    return false;
  }

  Method method_;
  const std::vector<std::string>& segments_;
  std::size_t slash_;
  RouteMatch match_;
};

}  // namespace

std::vector<Segment> parse_pattern(std::string_view pattern) {
  if (!pattern.starts_with('/')) refuse(pattern, "it does not begin with '/'");
  std::vector<Segment> segments;
  std::string_view rest = pattern;
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::size_t end = std::min(rest.find('/'), rest.size());
    Segment segment = parse_segment(pattern, rest.substr(0, end));
    rest.remove_prefix(end);
    for (const Segment& before : segments) {
      if (before.kind == Segment::Kind::rest) refuse(pattern, "{name...} is the last segment");
      const bool both = before.kind != Segment::Kind::text && segment.kind != Segment::Kind::text;
      if (both && before.text == segment.text) refuse(pattern, "two captures have one name");
    }
    segments.push_back(std::move(segment));
  }
  return segments;
}

const Route* RouteNode::find(Method method) const noexcept {
  const auto of = [this](Method wanted) {
    return by_method[static_cast<std::size_t>(wanted)].get();
  };
  if (const Route* const own = of(method)) return own;
  if (method == Method::head) {
    if (const Route* const get = of(Method::get)) return get;
  }
  return any.get();
}

RouteMatch find_route(const RouteNode& root, Method method,
                      const std::vector<std::string>& segments, std::size_t encoded_slash) {
  Search search(method, segments, encoded_slash);
  search.visit(root, 0);
  return std::move(search).take();
}

}  // namespace weft::inline v0_1::http
