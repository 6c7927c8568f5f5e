// Notify: a Token (see manual_reset_event.cpp) under the names usual for this use.
#include <weft/notify.hpp>

namespace weft {

Notify::~Notify() {
  token_.check_unawaited("a notify died while somebody waited: end the waits first");
}

void Notify::blocking_wait() {
  wait_on_thread(detail::TokenRequest(token_), "weft::Notify::blocking_wait");
}

}  // namespace weft
