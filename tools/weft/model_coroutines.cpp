// `weft models`: the work written with coroutines.
#include <exception>
#include <weft/scope.hpp>
#include <weft/spawn.hpp>

#include "model_connections.hpp"

namespace weft::tool {

namespace {

Task<void> fetch(Connections& connections, ModelTally& tally, std::size_t number) {
  try {
    Permit permit = co_await connections.free().acquire();
    Lease lease(connections, std::move(permit));
    Exchange exchange(connections.work(), number);
    co_await lease.stream().write_all(exchange.request());
    for (bool complete = false; !complete;) {
      const std::size_t size = co_await lease.stream().read(exchange.room());
      complete = exchange.add(size);
    }
    tally.note(exchange);
  } catch (const std::exception& error) {
    tally.fail(error.what());
  }
}

Task<void> fetch_all(Connections& connections, ModelTally& tally) {
  co_await scope([&](Scope& waiters) -> Task<void> {
    for (std::size_t number = 0; number < connections.work().count; ++number) {
      waiters.spawn(fetch(connections, tally, number)).detach();
    }
    co_return;
  });
}

}  // namespace

void run_with_coroutines(const ModelWork& work, ModelTally& tally) {
  run_on_one_worker(work, tally, fetch_all);
}

}  // namespace weft::tool
