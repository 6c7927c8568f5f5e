// Everything but HTTP and the bridges to std::future: for programs. Libraries include what they
// use.
#pragma once

#include <weft/as_future.hpp>
#include <weft/atomic_waker.hpp>
#include <weft/endpoint.hpp>
#include <weft/event_queue.hpp>
#include <weft/fiber.hpp>
#include <weft/fiber_local.hpp>
#include <weft/future.hpp>
#include <weft/future_set.hpp>
#include <weft/futures.hpp>
#include <weft/io.hpp>
#include <weft/join.hpp>
#include <weft/net.hpp>
#include <weft/promise.hpp>
#include <weft/race.hpp>
#include <weft/result.hpp>
#include <weft/runtime.hpp>
#include <weft/scope.hpp>
#include <weft/select.hpp>
#include <weft/semaphore.hpp>
#include <weft/spawn.hpp>
#include <weft/task.hpp>
#include <weft/then.hpp>
#include <weft/time.hpp>
#include <weft/when_all.hpp>
