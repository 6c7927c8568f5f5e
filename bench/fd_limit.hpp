// For the servers of the HTTP benchmark: as many sockets as the system allows the process.
#pragma once

#include <sys/resource.h>

inline void raise_fd_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}
