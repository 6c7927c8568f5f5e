#include "model_connections.hpp"

#include <stdexcept>
#include <weft/runtime.hpp>

namespace weft::tool {

namespace {

/// Connections opened before the server is known to have accepted them. Well below the 4,096 that a
/// listener's queue usually holds.
constexpr std::size_t wave = 1000;

// A listener's queue is first-in, first-out: when this connection is answered, all before it have
// been accepted.
Task<void> expect_answer(StreamSocket& stream) {
  ModelWork probe;
  Exchange exchange(probe, 0);
  co_await stream.write_all(exchange.request());
  for (bool complete = false; !complete;) {
    const std::size_t size = co_await stream.read(exchange.room());
    complete = exchange.add(size);
  }
  if (!exchange.right()) throw std::runtime_error("the server does not echo");
}

}  // namespace

Task<void> Connections::open() {
  streams_.reserve(work_.connections);
  while (streams_.size() < work_.connections) {
    auto connecting = StreamSocket::connect(work_.server);
    StreamSocket stream = co_await std::move(connecting);
    streams_.push_back(std::move(stream));
    if (streams_.size() % wave == 0) co_await expect_answer(streams_.back());
  }
  free_.release(work_.connections);
}

void run_on_one_worker(const ModelWork& work, ModelTally& tally,
                       Task<void> (*model)(Connections&, ModelTally&)) {
  Connections connections(work);
  block_on([&]() -> Task<void> {
    co_await connections.open();
    tally.begin();
    co_await model(connections, tally);
    tally.end();
  });
}

}  // namespace weft::tool
