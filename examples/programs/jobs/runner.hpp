// Runs a list of jobs within the limits, and keeps how they end.
#pragma once

#include <vector>
#include <weft/weft.hpp>

#include "attempt.hpp"
#include "job.hpp"
#include "progress.hpp"
#include "store.hpp"

namespace jobs {

/// Runs the jobs. After a stop no more are started, and those that run are waited for. If a result
/// cannot be kept, says so, ends the jobs, and returns false. For a runtime of one thread.
weft::Task<bool> run_all(const std::vector<Job>& list, const Settings& settings, Store& store,
                         const Stop& stop, Progress& progress);

}  // namespace jobs
