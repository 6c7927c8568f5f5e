// Proxies from texts and from the environment, and the hosts that need none.
#include <weft/http/proxy.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <utility>

#include <weft/endpoint.hpp>
#include <weft/http/message.hpp>
#include <weft/http/url.hpp>

#include "http/char_class.hpp"

namespace weft::inline v0_1::http {
namespace {

/// RFC 4648, 4.
[[nodiscard]] std::string base64(std::string_view bytes) {
  static constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::string_view group = bytes.substr(i, 3);
    unsigned value = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      value = value << 8U | (k < group.size() ? static_cast<unsigned char>(group[k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      const unsigned digit = value >> (18U - 6U * static_cast<unsigned>(k)) & 63U;
      text.push_back(k <= group.size() ? kDigits[digit] : '=');
    }
  }
  return text;
}

/// "user:password" as the value of a field. A user has no colon (RFC 7617, 2).
[[nodiscard]] Result<std::string> basic(std::string_view userinfo) {
  const std::size_t colon = std::min(userinfo.find(':'), userinfo.size());
  Result<std::string> user = percent_decode(userinfo.substr(0, colon));
  if (!user) return user;
  const Result<std::string> password =
      percent_decode(userinfo.substr(std::min(colon + 1, userinfo.size())));
  if (!password) return password;
  if (user->find(':') != std::string::npos) return fail(make_error_code(Errc::bad_url));
  return "Basic " + base64(user->append(":").append(*password));
}

/// One entry of a list of hosts, without its port.
struct Exception {
  std::string_view host;
  std::optional<std::uint16_t> port;
  std::optional<unsigned> bits;  // of a network
};

template <class N>
[[nodiscard]] bool read_number(std::string_view text, N& number) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

/// None: the text is no entry.
[[nodiscard]] std::optional<Exception> exception_of(std::string_view text) noexcept {
  Exception entry;
  entry.host = text;
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    entry.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else if (std::ranges::count(text, ':') == 1) {
    entry.host = text.substr(0, text.find(':'));
    port = text.substr(text.find(':'));
  }
  if (!port.empty() && (port.front() != ':' || !read_number(port.substr(1), entry.port.emplace())))
    return std::nullopt;
  if (const std::size_t slash = entry.host.find('/'); slash != std::string_view::npos) {
    if (!read_number(entry.host.substr(slash + 1), entry.bits.emplace())) return std::nullopt;
    entry.host = entry.host.substr(0, slash);
  }
  return entry;
}

[[nodiscard]] std::optional<Endpoint> address_of(std::string_view host) {
  const std::string text(host.substr(0, host.find('%')));
  const bool is_ipv6 = text.find(':') != std::string::npos;
  const Result<Endpoint> parsed = Endpoint::parse(is_ipv6 ? "[" + text + "]:0" : text + ":0");
  if (!parsed) return std::nullopt;
  return parsed->unmapped();
}

/// Whether the first `bits` of both are equal.
[[nodiscard]] bool in_network(const Endpoint& address, const Endpoint& network, unsigned bits) {
  if (address.is_ipv4() != network.is_ipv4()) return false;
  if (bits > (network.is_ipv4() ? 32U : 128U)) return false;
  for (std::size_t i = 0; bits > 0; ++i) {
    const unsigned here = std::min(bits, 8U);
    const unsigned differs = unsigned{address.ip_bytes()[i]} ^ network.ip_bytes()[i];
    if (differs >> (8U - here) != 0) return false;
    bits -= here;
  }
  return true;
}

[[nodiscard]] bool fits(const Exception& entry, const Origin& origin) {
  if (entry.port && *entry.port != origin.port) return false;
  if (entry.host == "*") return !entry.bits;
  if (const std::optional<Endpoint> network = address_of(entry.host); network && network->is_ip()) {
    const std::optional<Endpoint> address = address_of(origin.host);
    const unsigned all_bits = network->is_ipv4() ? 32 : 128;
    return address && address->is_ip() &&
           in_network(*address, *network, entry.bits.value_or(all_bits));
  }
  if (entry.bits) return false;
  std::string_view domain = entry.host;
  if (domain.starts_with('*')) domain.remove_prefix(1);
  if (domain.starts_with('.')) domain.remove_prefix(1);
  std::string_view name = origin.host;
  if (name.ends_with('.')) name.remove_suffix(1);
  if (domain.empty() || name.size() < domain.size()) return false;
  if (!same_name(name.substr(name.size() - domain.size()), domain)) return false;
  return name.size() == domain.size() || name[name.size() - domain.size() - 1] == '.';
}

struct Variable {
  const char* name;
  std::string value;
};

/// The first of these that is set.
[[nodiscard]] std::optional<Variable> variable(const char* lower, const char* upper) {
  for (const char* const name : {lower, upper}) {
    if (name == nullptr) continue;
    if (const char* const value = std::getenv(name)) return Variable{name, value};
  }
  return std::nullopt;
}

[[nodiscard]] std::optional<Proxy> proxy_of(const std::optional<Variable>& first,
                                            const std::optional<Variable>& otherwise) {
  const std::optional<Variable>& set = first ? first : otherwise;
  if (!set || set->value.empty()) return std::nullopt;
  Result<Proxy> proxy = Proxy::parse(set->value);
  if (!proxy) throw IoError(proxy.error(), "read the proxy in", set->name);
  return std::move(*proxy);
}

}  // namespace

Result<Proxy> Proxy::parse(std::string_view text) {
  std::string rest(text);
  if (text.find("://") == std::string_view::npos) rest.insert(0, "http://");
  const std::size_t begin = rest.find("://") + 3;
  const std::size_t end = std::min(rest.find_first_of("/?#", begin), rest.size());
  const std::size_t at = rest.rfind('@', end);
  Proxy proxy;
  if (at != std::string::npos && at >= begin && at < end) {
    Result<std::string> authorization = basic(std::string_view(rest).substr(begin, at - begin));
    if (!authorization) return fail(authorization.error());
    proxy.authorization = std::move(*authorization);
    rest.erase(begin, at + 1 - begin);
  }
  Result<Url> url = Url::parse(rest);
  if (!url) return fail(url.error());
  proxy.scheme = std::move(url->scheme);
  proxy.host = std::move(url->host);
  proxy.port = url->port;
  return proxy;
}

std::string Proxy::to_string() const {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return scheme + "://" + (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Proxies Proxies::from_environment() {
  const bool may_be_forged = std::getenv("REQUEST_METHOD") != nullptr;
  const auto any = variable("all_proxy", "ALL_PROXY");
  Proxies proxies;
  proxies.http_ = proxy_of(variable("http_proxy", may_be_forged ? nullptr : "HTTP_PROXY"), any);
  proxies.https_ = proxy_of(variable("https_proxy", "HTTPS_PROXY"), any);
  if (const auto hosts = variable("no_proxy", "NO_PROXY")) proxies.except(hosts->value);
  return proxies;
}

Proxies& Proxies::for_http(Proxy proxy) {
  http_ = std::move(proxy);
  return *this;
}

Proxies& Proxies::for_https(Proxy proxy) {
  https_ = std::move(proxy);
  return *this;
}

Proxies& Proxies::for_all(const Proxy& proxy) {
  http_ = https_ = proxy;
  return *this;
}

Proxies& Proxies::except(std::string_view hosts) {
  constexpr std::string_view separators = ", \t";
  for (;;) {
    hosts.remove_prefix(std::min(hosts.find_first_not_of(separators), hosts.size()));
    if (hosts.empty()) return *this;
    const std::string_view one = hosts.substr(0, hosts.find_first_of(separators));
    except_.emplace_back(one);
    hosts.remove_prefix(one.size());
  }
}

const Proxy* Proxies::find(const Origin& origin) const {
  const std::optional<Proxy>& proxy = origin.scheme == "https" ? https_ : http_;
  if (!proxy) return nullptr;
  for (const std::string& text : except_) {
    const std::optional<Exception> entry = exception_of(text);
    if (entry && fits(*entry, origin)) return nullptr;
  }
  return &*proxy;
}

}  // namespace weft::inline v0_1::http
