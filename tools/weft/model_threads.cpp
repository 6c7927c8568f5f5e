// `weft models`: the work written with one OS thread per waiter, and blocking calls.
#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>
#include <semaphore>
#include <stdexcept>
#include <string>
#include <vector>

#include "blocking_socket.hpp"
#include "model_work.hpp"
#include "small_thread.hpp"

namespace weft::tool {

namespace {

/// The open connections, shared by the threads.
class Sockets {
 public:
  explicit Sockets(const ModelWork& work) : free_(0) {
    const sockaddr_in server = loopback(port_of(work.server));
    // SAFETY: sockaddr_in is the sockaddr of AF_INET.
    const auto* const address = reinterpret_cast<const sockaddr*>(&server);
    while (sockets_.size() < work.connections) {
      sockets_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
      if (sockets_.back() < 0 || ::connect(sockets_.back(), address, sizeof server) != 0) {
        throw std::runtime_error("connect " + work.server + ": " + std::strerror(errno));
      }
    }
    free_.release(static_cast<std::ptrdiff_t>(work.connections));
  }
  ~Sockets() {
    for (const int socket : sockets_) ::close(socket);
  }
  Sockets(const Sockets&) = delete;
  Sockets& operator=(const Sockets&) = delete;

  [[nodiscard]] int take() {
    free_.acquire();
    const std::lock_guard lock(mutex_);
    const int socket = sockets_.back();
    sockets_.pop_back();
    return socket;
  }
  void give_back(int socket) {
    {
      const std::lock_guard lock(mutex_);
      sockets_.push_back(socket);
    }
    free_.release();
  }

 private:
  std::mutex mutex_;
  std::vector<int> sockets_;  // guarded by mutex_
  std::counting_semaphore<> free_;
};

void fetch(const ModelWork& work, Sockets& sockets, ModelTally& tally, std::size_t number) {
  const int socket = sockets.take();
  Exchange exchange(work, number);
  bool complete = !send_all(socket, exchange.request());
  while (!complete) {
    const std::span<std::byte> room = exchange.room();
    const ssize_t size = ::recv(socket, room.data(), room.size(), 0);
    complete = exchange.add(size > 0 ? static_cast<std::size_t>(size) : 0);
  }
  tally.note(exchange);
  sockets.give_back(socket);
}

}  // namespace

void run_with_threads(const ModelWork& work, ModelTally& tally) {
  Sockets sockets(work);
  tally.begin();
  {
    std::vector<std::unique_ptr<SmallThread>> threads;
    for (std::size_t number = 0; number < work.count; ++number) {
      threads.push_back(
          std::make_unique<SmallThread>([&, number] { fetch(work, sockets, tally, number); }));
      if (!threads.back()->started()) tally.fail("the system starts no more threads");
    }
  }
  tally.end();
}

}  // namespace weft::tool
