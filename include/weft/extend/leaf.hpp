// All that the author of a leaf needs. A leaf is the innermost awaiter: it suspends a task until
// something happens, and it alone knows how to end that wait early.
//
//   class Wait : private weft::CancelHook {              // lives in the frame that awaits it
//    public:
//     bool await_ready() const noexcept { return false; }
//     template <weft::WeftPromise P>
//     bool await_suspend(std::coroutine_handle<P> innermost) noexcept {
//       return suspend(innermost.promise());             // compiled once, not for each promise
//     }
//     void await_resume() const noexcept {}
//   };
//
// The three steps of suspend(), each a member of TaskHeader (<weft/extend/task_header.hpp>):
//   1. task.suspended_at(innermost)   the task will be resumed here;
//   2. task.arm(*this)                a cancel calls this hook from now on. False: a cancel was
//                                     requested before: call leaf_ended(true) and return true;
//   3. publish the leaf where the event finds it. From here on another thread may end it.
// Exactly one call of task.leaf_ended(cancelled) follows, on any thread. The leaf may be destroyed
// as soon as that call begins. The hook withdraws the leaf; if it was still waiting, it calls
// leaf_ended(true); in any case it calls task.request_finished() last.
//
// What waits in a queue under a mutex derives from WaiterLeaf or uses QueueOp, which do these steps
// (<weft/extend/queue_op.hpp>). An operation of the system is a request type for IoOp
// (<weft/extend/io.hpp>). A complete leaf: examples/guide/own_leaf.cpp.
#pragma once

#include <weft/extend/awaitable.hpp>
#include <weft/extend/cancel.hpp>
#include <weft/extend/queue_op.hpp>
#include <weft/extend/task_header.hpp>
#include <weft/extend/waiter.hpp>
#include <weft/extend/waiter_leaf.hpp>
#include <weft/task.hpp>
