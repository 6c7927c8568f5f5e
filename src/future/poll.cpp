// The non-template parts of the poll protocol: the abort for broken rules, and the no-op waker.
#include <weft/future.hpp>
#include <weft/waker.hpp>

#include "base/check.hpp"

namespace weft::inline v0_1 {

void poll_rule_broken(const char* rule) noexcept {
  detail::check_failed("poll protocol", rule, __FILE__, __LINE__);
}

constinit const WakerVTable Waker::noop_vtable{
    .clone = [](void*) { return noop_raw(); },
    .wake = [](void*) noexcept {},
    .wake_by_ref = [](void*) noexcept {},
    .drop = [](void*) noexcept {},
};

}  // namespace weft::inline v0_1
