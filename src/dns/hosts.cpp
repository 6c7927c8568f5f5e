#include "dns/hosts.hpp"

#include <algorithm>
#include <utility>

#include "dns/names.hpp"
#include "dns/words.hpp"

namespace weft::inline v0_1::dns {
namespace {

Result<Endpoint> address_of(std::string_view text) {
  const bool is_ipv6 = text.find(':') != std::string_view::npos;
  const std::string host(text);
  return Endpoint::parse(is_ipv6 ? "[" + host + "]:0" : host + ":0");
}

}  // namespace

Hosts::Hosts(std::string_view text) {
  for_each_line(text, [this](std::string_view line) {
    const std::vector<std::string_view> words = words_of(without_comment(line, '#'));
    if (words.size() < 2) return;
    const Result<Endpoint> address = address_of(words[0]);
    if (!address || !address->is_ip()) return;
    for (std::size_t i = 1; i < words.size(); ++i) {
      if (is_valid_name(words[i])) add(*address, lower_case(words[i]));
    }
  });
}

void Hosts::add(const Endpoint& address, std::string name) {
  if (name.ends_with('.')) name.pop_back();
  std::vector<std::string>& names = names_[address];
  if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  std::vector<Endpoint>& addresses = addresses_[std::move(name)];
  if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
}

std::vector<Endpoint> Hosts::addresses_of(const std::string& name) const {
  const auto entry = addresses_.find(name);
  return entry != addresses_.end() ? entry->second : std::vector<Endpoint>();
}

std::vector<std::string> Hosts::names_of(const Endpoint& address) const {
  const auto entry = names_.find(address.with_port(0));
  return entry != names_.end() ? entry->second : std::vector<std::string>();
}

}  // namespace weft::inline v0_1::dns
