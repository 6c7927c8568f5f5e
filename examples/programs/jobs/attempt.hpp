// One attempt at a job: a shell, in a process group of its own.
#pragma once

#include <string>
#include <weft/weft.hpp>

#include "job.hpp"

namespace jobs {

/// How far the end of the runner has come. A step includes those after it in this list.
struct Stop {
  weft::CancellationSource killing;                   // jobs that run get SIGKILL
  weft::CancellationSource ending{killing.token()};   // they get SIGTERM
  weft::CancellationSource starting{ending.token()};  // no job is started any more
};

/// Runs `command` to its end, and kills what it has left in its group. After the timeout, or when
/// `stop` says so, the group gets SIGTERM, and after the grace time SIGKILL. Exit code 0 counts as
/// success, however it came to that. Throws weft::IoError, of which SpawnError is one. Cancel:
/// kills the group.
weft::Task<Attempt> run_attempt(const std::string& command, const Settings& settings,
                                const Stop& stop);

}  // namespace jobs
