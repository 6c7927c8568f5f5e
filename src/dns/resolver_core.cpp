// Look-ups, from the outside in: find_addresses() goes through the sources of names; search()
// through the names that the search list makes of one, and query() asks for one of them.
#include "dns/resolver_core.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <random>
#include <stdexcept>

#include <weft/dns/error.hpp>

#include "dns/names.hpp"
#include "dns/order.hpp"

namespace weft::inline v0_1::dns {
namespace {

using Types = std::vector<RecordType>;

Types types_of(Families families) {
  switch (families) {
    case Families::ipv4:
      return {RecordType::a};
    case Families::ipv6:
      return {RecordType::aaaa};
    case Families::both:
      break;
  }
  return {RecordType::aaaa, RecordType::a};
}

bool is_wanted(Families families, const Endpoint& address) noexcept {
  return address.is_ipv4() ? families != Families::ipv6 : families != Families::ipv4;
}

/// How bad an error is, as the reason that a name is not found: of several the worst is told.
int severity_of(std::error_code error) noexcept {
  if (error == Errc::no_such_name) return 0;
  return error == Errc::no_data ? 1 : 2;
}

/// What the servers say about the records of a name.
struct Found {
  std::error_code error;  // none: some of the answers have records
  Answers answers;
};

Found found_in(Answers answers) {
  Found found;
  found.error = Errc::no_such_name;
  for (const AnswerRef& each : answers) {
    if (!each->error) {
      found.error = std::error_code();
      break;
    }
    if (severity_of(each->error) > severity_of(found.error)) found.error = each->error;
  }
  found.answers = std::move(answers);
  return found;
}

/// Asks for `name`, and for what the search list makes of it, until one of them has records. A name
/// that a server cannot find out about does not end the search, an error of the servers does.
Task<Found> search(CoreRef core, NamesRef names, std::string name, Types types) {
  Servers& servers = *names->servers;
  const Config& config = servers.config;
  Found worst;
  worst.error = Errc::no_such_name;
  for (const std::string& candidate : candidates_of(name, config.ndots, config.search)) {
    Answers answers = co_await query(servers, core->limits(), candidate, types);
    Found found = found_in(std::move(answers));
    if (!found.error) co_return found;
    if (severity_of(found.error) > severity_of(worst.error)) worst = found;
    if (severity_of(found.error) == 2 && found.error != Errc::server_failure) break;
  }
  co_return worst;
}

std::string text_of(const std::vector<Endpoint>& servers) {
  std::string text;
  for (const Endpoint& each : servers) {
    text.append(text.empty() ? "" : ", ").append(each.to_string());
  }
  return text;
}

/// "resolve example.org (A, AAAA at 192.0.2.1:53): no answer in time".
IoError error_of(std::error_code error, const std::string& name, Types types,
                 const Config& config) {
  std::ranges::sort(types);
  std::string subject = name + " (";
  for (const RecordType type : types) {
    subject.append(type == types.front() ? "" : ", ").append(to_string(type));
  }
  const bool is_of_name = error == Errc::bad_name || severity_of(error) < 2;
  if (!is_of_name) subject.append(" at ").append(text_of(config.servers));
  return IoError(error, "resolve", subject + ")");
}

std::vector<Endpoint> with_port(std::vector<Endpoint> addresses, std::uint16_t port) {
  for (Endpoint& each : addresses) each = each.with_port(port);
  return addresses;
}

std::vector<Endpoint> loopback_addresses(Families families) {
  std::vector<Endpoint> addresses{
      Endpoint::ipv6({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 0), Endpoint::loopback(0)};
  std::erase_if(addresses, [families](const Endpoint& each) { return !is_wanted(families, each); });
  return addresses;
}

/// The name as it is written in a hosts file and in the rules below.
std::string bare_name(std::string_view name) {
  std::string bare = lower_case(name);
  if (bare.ends_with('.')) bare.pop_back();
  return bare;
}

/// What is asked of no server: RFC 6761, 6.3 and 6.4, and RFC 7686.
bool is_local(const std::string& name) noexcept { return is_within(name, "localhost"); }
bool does_not_exist(const std::string& name) noexcept {
  return is_within(name, "invalid") || is_within(name, "onion");
}

std::vector<Endpoint> addresses_in(const Hosts& hosts, const std::string& name, Families families) {
  std::vector<Endpoint> addresses = hosts.addresses_of(name);
  std::erase_if(addresses, [families](const Endpoint& each) { return !is_wanted(families, each); });
  return addresses;
}

std::vector<Endpoint> addresses_in(const Answers& answers) {
  std::vector<Endpoint> addresses;
  for (const AnswerRef& each : answers) {
    addresses.insert(addresses.end(), each->addresses.begin(), each->addresses.end());
  }
  return addresses;
}

std::chrono::seconds time_left(const Answer& answer) noexcept {
  const auto left = std::chrono::ceil<std::chrono::seconds>(answer.expires - now());
  return std::max(left, std::chrono::seconds(0));
}

/// The only answer of a look-up for one type. Throws IoError.
Task<AnswerRef> find_one(CoreRef core, std::string name, RecordType type, bool searches) {
  const NamesRef names = co_await core->files.now_valid();
  const Config& config = names->servers->config;
  const Types types{type};
  if (!is_valid_name(name)) throw error_of(make_error_code(Errc::bad_name), name, types, config);
  const std::string asked = searches || name.ends_with('.') ? name : name + ".";
  Found found = co_await search(core, names, asked, types);
  if (found.error) throw error_of(found.error, name, types, config);
  co_return found.answers.front();
}

void check(const ResolverOptions& options) {
  const auto is_no_address = [](const Endpoint& each) { return !each.is_ip(); };
  const char* problem = nullptr;
  if (options.servers.size() > most_servers) problem = "more than 16 servers";
  if (std::ranges::any_of(options.servers, is_no_address)) {
    problem = "a server that is no IP address";
  }
  if (options.timeout && *options.timeout <= Nanoseconds::zero()) problem = "a timeout of zero";
  if (options.tries && *options.tries == 0) problem = "no tries";
  if (options.max_lookups == 0) problem = "no look-ups at once";
  if (options.sources.empty()) problem = "no sources";
  if (problem != nullptr)
    throw std::invalid_argument(std::string("weft::dns::Resolver: ") + problem);
}

ResolverOptions checked(ResolverOptions options) {
  check(options);
  return options;
}

}  // namespace

ResolverCore::ResolverCore(ResolverOptions its_options)
    : options(checked(std::move(its_options))), files(options), places(options.max_lookups) {}

Task<std::vector<Endpoint>> find_addresses(CoreRef core, NamesRef names,
                                           std::vector<Source> sources, std::string host,
                                           std::uint16_t port) {
  const Families families = core->options.families;
  const Types types = types_of(families);
  const Config& config = names->servers->config;
  if (!is_valid_name(host)) throw error_of(make_error_code(Errc::bad_name), host, types, config);
  const std::string bare = bare_name(host);
  std::error_code error = make_error_code(Errc::no_such_name);
  for (const Source source : sources) {
    std::vector<Endpoint> addresses;
    if (source == Source::hosts_file) {
      addresses = addresses_in(*names->hosts, bare, families);
    } else if (!is_local(bare) && !does_not_exist(bare)) {
      Found found = co_await search(core, names, host, types);
      error = found.error;
      addresses = addresses_in(found.answers);
    }
    if (addresses.empty()) continue;
    order_addresses(addresses, system_source_of);
    co_return with_port(std::move(addresses), port);
  }
  if (!is_local(bare)) throw error_of(error, host, types, config);
  std::vector<Endpoint> addresses = loopback_addresses(families);
  order_addresses(addresses, system_source_of);
  co_return with_port(std::move(addresses), port);
}

Task<std::vector<SrvRecord>> find_services(CoreRef core, std::string name) {
  const AnswerRef answer = co_await find_one(core, std::move(name), RecordType::srv, true);
  std::vector<SrvRecord> services = answer->services;
  for (SrvRecord& each : services) each.ttl = time_left(*answer);
  std::minstd_rand random(std::random_device{}());
  order_services(services, [&random](std::uint32_t most) {
    return std::uniform_int_distribution<std::uint32_t>(0, most)(random);
  });
  co_return services;
}

Task<std::vector<TxtRecord>> find_texts(CoreRef core, std::string name) {
  const AnswerRef answer = co_await find_one(core, std::move(name), RecordType::txt, true);
  std::vector<TxtRecord> texts = answer->texts;
  for (TxtRecord& each : texts) each.ttl = time_left(*answer);
  co_return texts;
}

Task<std::vector<std::string>> find_names(CoreRef core, Endpoint address) {
  if (!address.is_ip()) {
    const std::error_code error = make_error_code(std::errc::invalid_argument);
    throw IoError(error, "resolve", address.to_string() + " (PTR)");
  }
  const NamesRef names = co_await core->files.now_valid();
  const Endpoint plain = address.unmapped();
  const std::vector<Source>& sources = core->options.sources;
  if (std::ranges::find(sources, Source::hosts_file) != sources.end()) {
    std::vector<std::string> found = names->hosts->names_of(plain);
    if (!found.empty()) co_return found;
  }
  const AnswerRef answer = co_await find_one(core, reverse_name(plain), RecordType::ptr, false);
  co_return answer->names;
}

void order_services(std::vector<SrvRecord>& services,
                    const std::function<std::uint32_t(std::uint32_t)>& random) {
  // Those without a weight come first, so that they have a small chance beside others.
  sort_stably(services, [](const SrvRecord& a, const SrvRecord& b) {
    return std::pair(a.priority, a.weight != 0) < std::pair(b.priority, b.weight != 0);
  });
  for (auto next = services.begin(); next != services.end(); ++next) {
    const auto end = std::find_if(next, services.end(), [&next](const SrvRecord& each) {
      return each.priority != next->priority;
    });
    std::uint32_t sum = 0;
    for (auto each = next; each != end; ++each) sum += each->weight;
    std::uint32_t chosen = random(sum);
    auto at = next;
    while (at + 1 != end && at->weight < chosen) chosen -= (at++)->weight;
    std::rotate(next, at, at + 1);
  }
}

}  // namespace weft::inline v0_1::dns
