#include "conformance/drivers.hpp"

#include "conformance/gated_lane.hpp"
#include "reactor/readiness_driver.hpp"

namespace weft::testing {

std::vector<DriverFactory> drivers_to_test() {
  return {
      {"readiness",
       [] {
         return std::unique_ptr<detail::Driver>(
             *detail::ReadinessDriver::create(0, &GatedLane::instance()));
       },
       true},
  };
}

}  // namespace weft::testing
