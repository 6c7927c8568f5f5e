// The seam of system calls, built once more in the deterministic mode: a source closes its handle.
#include "os/fault.cpp"
#include "os/pipe_signal.cpp"
#include "os/syscalls.cpp"
