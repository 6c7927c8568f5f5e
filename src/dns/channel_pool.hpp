// ChannelPool: channels that no look-up uses. Thread-safe.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>
#include <weft/atomic.hpp>

#include "dns/channel.hpp"

namespace weft::inline v0_1::dns {

class ChannelPool {
 public:
  static constexpr std::size_t most_idle = 32;

  explicit ChannelPool(bool tcp) noexcept : tcp_(tcp) {}

  /// Throws as the constructor of Channel.
  [[nodiscard]] std::unique_ptr<Channel> take() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<Channel> channel = std::move(idle_.back());
        idle_.pop_back();
        return channel;
      }
    }
    return std::make_unique<Channel>(tcp_);
  }
  /// No query of it is under way.
  void give_back(std::unique_ptr<Channel> channel) noexcept {
    const std::lock_guard lock(mutex_);
    if (idle_.size() == most_idle) return;
    try {
      idle_.push_back(std::move(channel));
    } catch (const std::bad_alloc&) {
      return;  // it is destroyed
    }
  }

 private:
  const bool tcp_;
  ThreadMutex mutex_;
  std::vector<std::unique_ptr<Channel>> idle_;  // guarded by mutex_
};

/// A channel for one look-up. The destructor cancels its queries, whose replies must outlive it.
class ChannelLease {
 public:
  explicit ChannelLease(ChannelPool& pool) : pool_(pool), channel_(pool.take()) {}
  ~ChannelLease() {
    channel_->cancel();
    pool_.give_back(std::move(channel_));
  }
  ChannelLease(const ChannelLease&) = delete;
  ChannelLease& operator=(const ChannelLease&) = delete;

  Channel* operator->() const noexcept { return channel_.get(); }
  Channel& operator*() const noexcept { return *channel_; }

 private:
  ChannelPool& pool_;
  std::unique_ptr<Channel> channel_;
};

}  // namespace weft::inline v0_1::dns
