// What the servers say about one absolute name: kept answers, those of another look-up that asks
// the same, or new ones.
#pragma once

#include <string>
#include <vector>
#include <weft/semaphore.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

#include "dns/flights.hpp"
#include "dns/system_files.hpp"

namespace weft::inline v0_1::dns {

/// What all queries of a resolver share.
struct QueryLimits {
  Semaphore& places;         // of look-ups that ask servers
  Nanoseconds family_delay;  // see ResolverOptions
};

/// Returns an answer for each of `types`, in no order; each has records or an error. Throws IoError
/// if the system refuses what it takes. Cancel: as Resolver. `servers` and the limits must outlive
/// the task.
[[nodiscard]] Task<Answers> query(Servers& servers, QueryLimits limits, std::string name,
                                  std::vector<RecordType> types);

}  // namespace weft::inline v0_1::dns
