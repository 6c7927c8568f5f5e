// The lock-free parts of the task and executor folders, built once more in the deterministic mode
// for the tests in this folder.
#include "exec/idle_set.cpp"
#include "sync/promise.cpp"
#include "sync/semaphore.cpp"
#include "task/child_group.cpp"
#include "task/spawned.cpp"
#include "task/task_header.cpp"
