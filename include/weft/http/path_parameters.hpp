// http::PathParameters: what a Router has captured of a request's path. Part of <weft/http.hpp>.
//
//   router.get("/users/{id}", [](http::Request& request) {
//     return http::Response::text(std::string(request.path_parameters["id"]));
//   });
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft::inline v0_1::http {

/// Names and decoded values, in the order of the pattern. A value type.
class PathParameters {
 public:
  using Parameter = std::pair<std::string, std::string>;

  [[nodiscard]] bool empty() const noexcept { return parameters_.empty(); }
  [[nodiscard]] std::size_t size() const noexcept { return parameters_.size(); }
  [[nodiscard]] auto begin() const noexcept { return parameters_.begin(); }
  [[nodiscard]] auto end() const noexcept { return parameters_.end(); }

  /// Returns the value; null if there is no such parameter. Valid until the parameters change.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const noexcept {
    for (const auto& [its_name, value] : parameters_) {
      if (its_name == name) return value;
    }
    return std::nullopt;
  }
  /// Returns the value; empty if there is no such parameter.
  [[nodiscard]] std::string_view operator[](std::string_view name) const noexcept {
    return find(name).value_or(std::string_view());
  }

  void add(std::string name, std::string value) {
    parameters_.emplace_back(std::move(name), std::move(value));
  }
  void clear() noexcept { parameters_.clear(); }

 private:
  std::vector<Parameter> parameters_;
};

}  // namespace weft::inline v0_1::http
