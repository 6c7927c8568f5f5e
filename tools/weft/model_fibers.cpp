// `weft models`: the work written with fibers.
#include <exception>
#include <weft/fiber.hpp>
#include <weft/scope.hpp>
#include <weft/spawn.hpp>

#include "model_connections.hpp"

namespace weft::tool {

namespace {

void fetch(Connections& connections, ModelTally& tally, std::size_t number) try {
  Lease lease(connections, await(connections.free().acquire()));
  Exchange exchange(connections.work(), number);
  await(lease.stream().write_all(exchange.request()));
  while (!exchange.add(await(lease.stream().read(exchange.room())))) {
  }
  tally.note(exchange);
} catch (const std::exception& error) {
  tally.fail(error.what());
}

Task<void> fetch_all(Connections& connections, ModelTally& tally) {
  co_await scope([&](Scope& waiters) -> Task<void> {
    for (std::size_t number = 0; number < connections.work().count; ++number) {
      waiters.spawn(fiber([&, number] { fetch(connections, tally, number); })).detach();
    }
    co_return;
  });
}

}  // namespace

void run_with_fibers(const ModelWork& work, ModelTally& tally) {
  run_on_one_worker(work, tally, fetch_all);
}

}  // namespace weft::tool
