// The lock-free parts of the task and executor folders, built once more in the deterministic mode
// for the tests in this folder.
#include "exec/idle_set.cpp"
#include "sync/promise.cpp"
#include "sync/semaphore.cpp"
#include "task/atomic_waker.cpp"
#include "task/child_group.cpp"
#include "task/future_awaiter.cpp"
#include "task/local_queue.cpp"
#include "task/poll.cpp"
#include "task/spawned.cpp"
#include "task/task_header.cpp"
#include "task/wake_group.cpp"
#include "task/wake_queue.cpp"
