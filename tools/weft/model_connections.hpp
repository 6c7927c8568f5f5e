// The open connections of a model that runs on weft, shared by its waiters. Everything runs on one
// worker: no member needs a lock.
#pragma once

#include <utility>
#include <vector>
#include <weft/net.hpp>
#include <weft/semaphore.hpp>
#include <weft/task.hpp>

#include "model_work.hpp"

namespace weft::tool {

class Connections {
 public:
  explicit Connections(const ModelWork& work) : work_(work), free_(0) {}

  /// Opens them all.
  [[nodiscard]] Task<void> open();
  [[nodiscard]] const ModelWork& work() const noexcept { return work_; }

  /// A permit for each connection that is free. A waiter with a permit takes a connection, and
  /// returns it before the permit.
  [[nodiscard]] Semaphore& free() noexcept { return free_; }
  [[nodiscard]] StreamSocket take() {
    StreamSocket stream = std::move(streams_.back());
    streams_.pop_back();
    return stream;
  }
  void give_back(StreamSocket stream) { streams_.push_back(std::move(stream)); }

 private:
  const ModelWork& work_;
  std::vector<StreamSocket> streams_;
  Semaphore free_;
};

/// A connection that is returned, with its permit, by the destructor.
class Lease {
 public:
  Lease(Connections& connections, Permit permit)
      : connections_(connections), permit_(std::move(permit)), stream_(connections.take()) {}
  ~Lease() { connections_.give_back(std::move(stream_)); }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  [[nodiscard]] StreamSocket& stream() noexcept { return stream_; }

 private:
  Connections& connections_;
  Permit permit_;
  StreamSocket stream_;
};

/// Opens the connections on a runtime of one worker, this thread, and runs `model` between begin()
/// and end() of the tally.
void run_on_one_worker(const ModelWork& work, ModelTally& tally,
                       Task<void> (*model)(Connections&, ModelTally&));

}  // namespace weft::tool
