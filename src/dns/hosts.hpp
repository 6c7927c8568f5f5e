// Hosts: the names and addresses of a hosts(5) file. Immutable once made; any thread reads it.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>
#include <weft/endpoint.hpp>

namespace weft::inline v0_1::dns {

class Hosts {
 public:
  Hosts() = default;
  /// Lines that begin with no address are skipped, and so are names that are none.
  explicit Hosts(std::string_view text);

  /// Returns the addresses of `name` (in lower case, without a dot at its end), without a port;
  /// empty if the file does not have it.
  [[nodiscard]] std::vector<Endpoint> addresses_of(const std::string& name) const;
  /// Returns the names of `address`, whose port does not count; empty if the file does not have it.
  [[nodiscard]] std::vector<std::string> names_of(const Endpoint& address) const;

 private:
  void add(const Endpoint& address, std::string name);

  std::unordered_map<std::string, std::vector<Endpoint>> addresses_;
  std::map<Endpoint, std::vector<std::string>> names_;
};

}  // namespace weft::inline v0_1::dns
