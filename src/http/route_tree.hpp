// The tree of a Router: a node for each prefix of a pattern. Called by Router alone. Immutable
// while it is searched.
//
// Each node has the children of one more segment: by text in a hash table, one capture, one rest. A
// search tries them in this order. It visits a node at most once, as a node has one depth.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>
#include <weft/http/handler.hpp>
#include <weft/http/message.hpp>

namespace weft::inline v0_1::http {

inline constexpr std::size_t method_count = 9;

struct Segment {
  enum class Kind : std::uint8_t { text, capture, rest };
  Kind kind = Kind::text;
  std::string text;  // or the name of the capture
};

/// Splits a pattern. Throws std::invalid_argument.
[[nodiscard]] std::vector<Segment> parse_pattern(std::string_view pattern);

/// What answers a path by one method, or by all others (`any`).
struct Route {
  std::string pattern;
  std::vector<std::string> names;  // of its captures
  Handler handler;
};

struct RouteNode {
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
      return std::hash<std::string_view>()(text);
    }
  };

  std::unordered_map<std::string, std::unique_ptr<RouteNode>, TextHash, std::equal_to<>> texts;
  std::unique_ptr<RouteNode> capture;
  std::unique_ptr<RouteNode> rest;
  std::array<std::shared_ptr<const Route>, method_count> by_method;
  std::shared_ptr<const Route> any;

  /// The route for a method; HEAD falls back to GET, and all to `any`. Null: none.
  [[nodiscard]] const Route* find(Method method) const noexcept;
};

/// The route of a path, with what it has captured; or which methods the path has.
struct RouteMatch {
  const Route* route = nullptr;
  std::vector<std::string_view> captured;  // of the segments
  std::string rest;
  bool has_rest = false;
  std::array<bool, method_count> allowed = {};  // if there is no route
  bool known_path = false;
};

/// `segments`: of the path, decoded; `encoded_slash`: the last one with an encoded slash.
[[nodiscard]] RouteMatch find_route(const RouteNode& root, Method method,
                                    const std::vector<std::string>& segments,
                                    std::size_t encoded_slash);

}  // namespace weft::inline v0_1::http
