// What connect() asks for the addresses of a host.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>
#include <weft/endpoint.hpp>
#include <weft/resolve.hpp>
#include <weft/task.hpp>

namespace weft::inline v0_1::detail {

/// Asks `resolver`, or, if that is null, the system's.
[[nodiscard]] Task<std::vector<Endpoint>> addresses_of(std::shared_ptr<Resolver> resolver,
                                                       std::string host, std::uint16_t port);

}  // namespace weft::inline v0_1::detail
