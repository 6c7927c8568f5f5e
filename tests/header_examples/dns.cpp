// Contexts of the examples of weft::dns.
#include <memory>
#include <vector>
#include <weft/dns/resolver.hpp>
#include <weft/weft.hpp>

namespace given::of_dns_resolver {
weft::Task<void> run() {
  // example: weft/dns/resolver.hpp
}
}  // namespace given::of_dns_resolver
