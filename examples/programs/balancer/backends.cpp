#include "backends.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <system_error>

namespace balancer {

namespace {

std::string_view trimmed(std::string_view line) {
  line = line.substr(0, line.find('#'));
  const std::size_t first = line.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return line.substr(first, line.find_last_not_of(" \t\r") - first + 1);
}

bool is_address(std::string_view text) {
  if (text.starts_with("unix:")) return text.size() > 5;
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view digits = text.substr(colon + 1);
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return error == std::errc() && end == digits.data() + digits.size() && port != 0;
}

}  // namespace

std::vector<std::string> parse_backends(std::string_view file, std::string_view text) {
  std::vector<std::string> addresses;
  std::size_t number = 0;
  while (!text.empty()) {
    ++number;
    const std::size_t size = std::min(text.find('\n'), text.size());
    const std::string_view address = trimmed(text.substr(0, size));
    text.remove_prefix(std::min(size + 1, text.size()));
    if (address.empty()) continue;
    if (!is_address(address)) {
      throw BadBackends(std::string(file) + ":" + std::to_string(number) + ": '" +
                        std::string(address) + "' is no HOST:PORT and no unix:/path");
    }
    if (std::ranges::count(addresses, address) == 0) addresses.emplace_back(address);
  }
  if (addresses.empty()) throw BadBackends(std::string(file) + ": no backends");
  return addresses;
}

void Backends::replace(const std::vector<std::string>& addresses) {
  const std::lock_guard lock(mutex_);
  std::vector<BackendRef> next;
  for (const std::string& address : addresses) {
    const auto same = [&](const BackendRef& backend) { return backend->address() == address; };
    const auto found = std::ranges::find_if(backends_, same);
    next.push_back(found != backends_.end() ? *found
                                            : std::make_shared<Backend>(address, most_each_));
  }
  backends_ = std::move(next);
}

std::vector<BackendRef> Backends::all() const {
  const std::lock_guard lock(mutex_);
  return backends_;
}

Place Backends::choose(const std::set<BackendRef>& tried) const {
  const std::lock_guard lock(mutex_);
  const bool any_up = std::ranges::any_of(backends_, &Backend::is_up);
  return choose_if(tried, any_up);
}

Place Backends::choose_if(const std::set<BackendRef>& tried, bool up) const {
  BackendRef best;
  for (const BackendRef& backend : backends_) {
    if (backend->is_up() != up || tried.contains(backend)) continue;
    if (!best || backend->places().in_use() < best->places().in_use()) best = backend;
  }
  if (!best) return {};
  weft::OwnedPermit permit = best->places().try_acquire();
  if (!permit) return {};  // the least busy one is full, so all are
  return {std::move(best), std::move(permit)};
}

}  // namespace balancer
