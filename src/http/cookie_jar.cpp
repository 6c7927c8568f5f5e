#include <weft/http/cookie_jar.hpp>

#include <algorithm>
#include <mutex>
#include <utility>

#include <weft/endpoint.hpp>
#include <weft/http/url.hpp>

#include "http/field_cursor.hpp"

namespace weft::inline v0_1::http {
namespace {

[[nodiscard]] HttpTime present() noexcept {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

[[nodiscard]] bool is_address(std::string_view host) {
  if (host.find(':') != std::string_view::npos) return true;
  return !host.empty() && host.find_first_not_of("0123456789.") == std::string_view::npos;
}

/// RFC 6265, 5.1.3.
[[nodiscard]] bool domain_matches(std::string_view host, std::string_view domain) {
  if (host == domain) return true;
  return host.size() > domain.size() && host.ends_with(domain) &&
         host[host.size() - domain.size() - 1] == '.' && !is_address(host);
}

/// RFC 6265, 5.1.4.
[[nodiscard]] bool path_matches(std::string_view path, std::string_view cookie) noexcept {
  if (!path.starts_with(cookie)) return false;
  return path.size() == cookie.size() || cookie.ends_with('/') || path[cookie.size()] == '/';
}

[[nodiscard]] std::string_view path_of(const Url& url) noexcept {
  return std::string_view(url.target).substr(0, url.target.find('?'));
}

/// The directory of a request's path (RFC 6265, 5.1.4).
[[nodiscard]] std::string default_path(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string_view::npos ? "/" : std::string(path.substr(0, slash));
}

/// A cookie that a server may set; null if it may not.
[[nodiscard]] std::optional<StoredCookie> accept(const Url& url, const SetCookie& set) {
  StoredCookie kept;
  kept.name = set.name();
  kept.value = set.value();
  kept.domain = url.host;
  kept.path = set.path().empty() ? default_path(path_of(url)) : set.path();
  kept.secure = set.is_secure();
  kept.http_only = set.is_http_only();
  kept.same_site = set.same_site();
  if (!set.domain().empty() && set.domain() != url.host) {
    const bool one_label = set.domain().find('.') == std::string::npos;
    if (one_label || !domain_matches(url.host, set.domain())) return std::nullopt;
    kept.domain = set.domain();
  }
  kept.host_only =
      set.domain().empty() || is_address(url.host) || set.domain().find('.') == std::string::npos;
  if (set.max_age()) {
    kept.expires = set.max_age()->count() <= 0 ? HttpTime() : present() + *set.max_age();
  } else {
    kept.expires = set.expires();
  }
  const bool over_tls = url.scheme == "https";
  if (kept.secure && !over_tls) return std::nullopt;
  if (kept.name.starts_with("__Secure-") && !kept.secure) return std::nullopt;
  const bool host = kept.secure && set.domain().empty() && set.path() == "/";
  if (kept.name.starts_with("__Host-") && !host) return std::nullopt;
  return kept;
}

[[nodiscard]] bool same_cookie(const StoredCookie& a, const StoredCookie& b) noexcept {
  return a.name == b.name && a.domain == b.domain && a.path == b.path;
}

}  // namespace

void CookieJar::add_to(ClientRequest& request) {
  const std::string mine = field_for(request.url);
  if (mine.empty()) return;
  std::string all(request.headers.find("Cookie").value_or(""));
  if (!all.empty()) all += "; ";
  request.headers.set("Cookie", all.append(mine));
}

std::string CookieJar::field_for(std::string_view url) {
  const Result<Url> parsed = Url::parse(url);
  if (!parsed) return {};
  const std::string_view path = path_of(*parsed);
  const std::lock_guard lock(mutex_);
  remove_expired(present());
  std::vector<Entry*> sent;
  for (Entry& entry : entries_) {
    const StoredCookie& cookie = entry.cookie;
    const bool host = cookie.host_only ? cookie.domain == parsed->host
                                       : domain_matches(parsed->host, cookie.domain);
    const bool secure = !cookie.secure || parsed->scheme == "https";
    if (host && secure && path_matches(path, cookie.path)) sent.push_back(&entry);
  }
  // Longer paths first, then the earlier created (RFC 6265, 5.4), which have the lower address.
  // std::stable_sort of libstdc++ 12 gets memory in a way that clang reports as deprecated.
  std::ranges::sort(sent, {}, [](const Entry* entry) {
    return std::pair(-std::ssize(entry->cookie.path), entry);
  });
  std::string field;
  for (Entry* const entry : sent) {
    entry->used = ++clock_;
    if (!field.empty()) field += "; ";
    field.append(entry->cookie.name).append("=").append(entry->cookie.value);
  }
  return field;
}

void CookieJar::take_from(std::string_view url, const Headers& response) {
  const Result<Url> parsed = Url::parse(url);
  if (!parsed) return;
  const std::lock_guard lock(mutex_);
  for (const std::string_view field : response.find_all("Set-Cookie")) {
    const std::optional<SetCookie> set = SetCookie::parse(field);
    if (!set) continue;
    if (auto cookie = accept(*parsed, *set)) store(std::move(*cookie), parsed->scheme == "https");
  }
}

void CookieJar::put(StoredCookie cookie) {
  if (cookie.name.empty()) return;
  const std::lock_guard lock(mutex_);
  store(std::move(cookie), true);
}

void CookieJar::store(StoredCookie cookie, bool over_tls) {
  const HttpTime time = present();
  const auto shadows = [&](const Entry& entry) {
    const StoredCookie& old = entry.cookie;
    return old.secure && old.name == cookie.name &&
           (domain_matches(cookie.domain, old.domain) ||
            domain_matches(old.domain, cookie.domain)) &&
           path_matches(cookie.path, old.path);
  };
  if (!over_tls && std::ranges::any_of(entries_, shadows)) return;
  const bool expired = cookie.expires && *cookie.expires <= time;
  const auto old = std::ranges::find_if(
      entries_, [&](const Entry& entry) { return same_cookie(entry.cookie, cookie); });
  if (old != entries_.end()) {
    if (expired) {
      entries_.erase(old);
    } else {
      old->cookie = std::move(cookie);
      old->used = ++clock_;
    }
    return;
  }
  if (expired || options_.max_cookies == 0 || options_.max_per_domain == 0) return;
  remove_expired(time);
  make_room(cookie.domain);
  ++clock_;
  entries_.push_back({std::move(cookie), clock_, clock_});
}

void CookieJar::make_room(std::string_view domain) {
  const auto drop = [this](auto counts, std::size_t most) {
    for (;;) {
      std::size_t count = 0;
      auto oldest = entries_.end();
      for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
        if (!counts(*entry)) continue;
        ++count;
        if (oldest == entries_.end() || entry->used < oldest->used) oldest = entry;
      }
      if (count < most) return;
      entries_.erase(oldest);
    }
  };
  drop([domain](const Entry& entry) { return entry.cookie.domain == domain; },
       options_.max_per_domain);
  drop([](const Entry&) { return true; }, options_.max_cookies);
}

void CookieJar::remove_expired(HttpTime time) {
  std::erase_if(entries_, [time](const Entry& entry) {
    return entry.cookie.expires && *entry.cookie.expires <= time;
  });
}

std::vector<StoredCookie> CookieJar::all() const {
  const HttpTime time = present();
  std::vector<StoredCookie> cookies;
  const std::lock_guard lock(mutex_);
  for (const Entry& entry : entries_) {
    if (!entry.cookie.expires || *entry.cookie.expires > time) cookies.push_back(entry.cookie);
  }
  return cookies;
}

void CookieJar::clear() noexcept {
  const std::lock_guard lock(mutex_);
  entries_.clear();
}

}  // namespace weft::inline v0_1::http
