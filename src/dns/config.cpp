#include "dns/config.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <span>

#include "dns/names.hpp"
#include "dns/words.hpp"

namespace weft::inline v0_1::dns {
namespace {

constexpr std::uint16_t standard_port = 53;
// Bounds of resolv.conf(5).
constexpr unsigned most_ndots = 15;
constexpr unsigned most_tries = 5;
constexpr unsigned longest_timeout_seconds = 30;

std::optional<unsigned> number_after(std::string_view word, std::string_view name) {
  if (!word.starts_with(name)) return std::nullopt;
  word.remove_prefix(name.size());
  unsigned number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error == std::errc::result_out_of_range) return ~0U;
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return number;
}

void apply_options(Config& config, std::span<const std::string_view> words) {
  for (const std::string_view word : words) {
    if (const auto ndots = number_after(word, "ndots:")) {
      config.ndots = std::min(*ndots, most_ndots);
    } else if (const auto seconds = number_after(word, "timeout:")) {
      config.timeout = std::chrono::seconds(std::clamp(*seconds, 1U, longest_timeout_seconds));
    } else if (const auto tries = number_after(word, "attempts:")) {
      config.tries = std::clamp(*tries, 1U, most_tries);
    } else if (word == "rotate") {
      config.rotate = true;
    } else if (word == "use-vc") {
      config.tcp = true;
    }
  }
}

void set_search(ParsedResolvConf& parsed, std::span<const std::string_view> names) {
  parsed.has_search = true;
  parsed.config.search.clear();
  for (std::string_view name : names) {
    if (name.ends_with('.')) name.remove_suffix(1);
    if (is_valid_name(name)) parsed.config.search.emplace_back(name);
  }
}

/// "192.0.2.1", "fe80::1%eth0", or with a port: "192.0.2.1:5353", "[2001:db8::1]:5353".
void add_server(Config& config, std::string_view text) {
  if (config.servers.size() == most_servers) return;
  const bool is_bare_ipv6 = std::ranges::count(text, ':') > 1 && !text.starts_with('[');
  const std::string whole = is_bare_ipv6
                                ? "[" + std::string(text) + "]:" + std::to_string(standard_port)
                                : std::string(text);
  Result<Endpoint> server = Endpoint::parse(whole);
  if (!server) server = Endpoint::parse(whole + ":" + std::to_string(standard_port));
  if (server && server->is_ip()) config.servers.push_back(*server);
}

/// Without a search list the system takes the domain of the host's own name.
std::vector<std::string> domain_of_host() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return {};
  const std::string_view host(name.data());
  const std::size_t dot = host.find('.');
  if (dot == std::string_view::npos || !is_valid_name(host.substr(dot + 1))) return {};
  return {std::string(host.substr(dot + 1))};
}

}  // namespace

ParsedResolvConf parse_resolv_conf(std::string_view text) {
  ParsedResolvConf parsed;
  for_each_line(text, [&parsed](std::string_view line) {
    if (line.starts_with('#') || line.starts_with(';')) return;
    const std::vector<std::string_view> words = words_of(line);
    if (words.size() < 2) return;
    const std::span values = std::span(words).subspan(1);
    if (words[0] == "nameserver") add_server(parsed.config, values[0]);
    if (words[0] == "search") set_search(parsed, values);
    if (words[0] == "domain") set_search(parsed, values.first(1));
    if (words[0] == "options") apply_options(parsed.config, values);
  });
  return parsed;
}

void apply_environment(ParsedResolvConf& parsed, const char* local_domain, const char* options) {
  if (local_domain != nullptr) set_search(parsed, words_of(local_domain));
  if (options != nullptr) apply_options(parsed.config, words_of(options));
}

Config config_of(std::string_view text, const ResolverOptions& options) {
  ParsedResolvConf parsed = parse_resolv_conf(text);
  if (options.environment) {
    apply_environment(parsed, std::getenv("LOCALDOMAIN"), std::getenv("RES_OPTIONS"));
  }
  Config& config = parsed.config;
  if (!options.servers.empty()) config.servers = options.servers;
  if (config.servers.empty()) config.servers = {Endpoint::loopback(0)};
  for (Endpoint& server : config.servers) {
    if (server.port() == 0) server = server.with_port(standard_port);
  }
  if (options.search) {
    const std::vector<std::string_view> names(options.search->begin(), options.search->end());
    set_search(parsed, names);
  } else if (!parsed.has_search) {
    config.search = domain_of_host();
  }
  config.ndots = options.ndots.value_or(config.ndots);
  config.tries = options.tries.value_or(config.tries);
  config.timeout = options.timeout.value_or(config.timeout);
  config.rotate = options.rotate.value_or(config.rotate);
  config.tcp = options.tcp.value_or(config.tcp);
  return std::move(config);
}

std::optional<std::vector<Source>> sources_of(std::string_view nsswitch) {
  // Without a line, as the system has it.
  std::optional<std::vector<Source>> sources(std::in_place,
                                             {Source::hosts_file, Source::name_servers});
  for_each_line(nsswitch, [&sources](std::string_view line) {
    line = without_comment(line, '#');
    const std::size_t begin = line.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return;
    line.remove_prefix(begin);
    if (!line.starts_with("hosts:")) return;
    sources.emplace();
    for (const std::string_view word : words_of(line.substr(6))) {
      if (!sources) return;
      if (word == "files") {
        sources->push_back(Source::hosts_file);
      } else if (word == "dns") {
        sources->push_back(Source::name_servers);
      } else {
        sources.reset();
      }
    }
  });
  return sources;
}

}  // namespace weft::inline v0_1::dns
