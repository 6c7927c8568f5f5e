// Shared by the tests of weft::dns: resolvers of a test's servers, texts of addresses and errors.
#pragma once

#include <weft/dns/resolver.hpp>
#include <weft/runtime.hpp>
#include <weft/scope.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "dns/name_server.hpp"
#include "support/helpers.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::test {

using dns::Errc;
using dns::Resolver;
using dns::ResolverOptions;

/// Options that ask these servers, and read no file of the system.
inline ResolverOptions only(const std::vector<const NameServer*>& servers) {
  ResolverOptions options;
  for (const NameServer* const each : servers) options.servers.push_back(each->at());
  options.search.emplace();
  options.timeout = std::chrono::seconds(10);
  options.tries = 2;
  options.hosts_path.clear();
  options.resolv_conf_path.clear();
  options.environment = false;
  return options;
}

/// "127.0.0.1:80 [::1]:80"
inline std::string text_of(const std::vector<Endpoint>& addresses) {
  std::string text;
  for (const Endpoint& each : addresses) {
    text.append(text.empty() ? "" : " ").append(each.to_string());
  }
  return text;
}

/// The error that `task` throws.
struct LookupError {
  LookupError(std::error_code its_code, std::string its_text)
      : code(its_code), text(std::move(its_text)) {}
  std::error_code code;
  std::string text;
};
template <class T>
Task<LookupError> failure_of(Task<T> task) {
  try {
    static_cast<void>(co_await std::move(task));
  } catch (const IoError& error) {
    EXPECT_EQ(std::string_view(error.what()).find('\n'), std::string_view::npos) << error.what();
    co_return LookupError(error.code(), error.what());
  }
  co_return LookupError(std::error_code(), "no error");
}

/// Has one address of each family for each name.
inline Script one_each(const Query& query) {
  Script script;
  if (query.type == 1) script.answers.push_back(a_record(query.name, "127.0.0.1"));
  if (query.type == 28) script.answers.push_back(aaaa_record(query.name, "::1"));
  return script;
}

/// Has 127.0.0.1 for each name, and says that there is no address of IPv6.
inline Script ipv4_alone(const Query& query) {
  Script script;
  if (query.type == 1) {
    script.answers.push_back(a_record(query.name, "127.0.0.1"));
  } else {
    script.negative_ttl = 60;
  }
  return script;
}

inline Script no_such_name(const Query& /*query*/) {
  Script script;
  script.code = 3;
  script.negative_ttl = 60;
  return script;
}

}  // namespace weft::test
