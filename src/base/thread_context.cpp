#include "base/thread_context.hpp"

namespace weft::detail {
inline namespace WEFT_ATOMIC_NAMESPACE {

#if WEFT_ATOMIC_MODE != 2
constinit thread_local ThreadContext current_context;
#endif

}  // namespace WEFT_ATOMIC_NAMESPACE
}  // namespace weft::detail
