// local_executor(): see <weft/resume_on.hpp>.
#include <weft/resume_on.hpp>

#include <stdexcept>

#include "exec/worker.hpp"

namespace weft {

detail::TaskExecutor& local_executor() {
  detail::Worker* const worker = detail::Worker::current();
  if (worker == nullptr) {
    throw std::logic_error("weft::spawn_local: this thread is no worker of a runtime");
  }
  return worker->local();
}

}  // namespace weft
