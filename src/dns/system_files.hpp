// SystemFiles: what the configuration files of a resolver say, read again when they have changed.
// What comes of one reading is never modified: a look-up goes on with what held when it began, and
// its answers go to the cache of that time. Thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>
#include <weft/atomic.hpp>
#include <weft/dns/options.hpp>
#include <weft/file_metadata.hpp>
#include <weft/mutex.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

#include "dns/cache.hpp"
#include "dns/channel_pool.hpp"
#include "dns/config.hpp"
#include "dns/flights.hpp"
#include "dns/hosts.hpp"

namespace weft::inline v0_1::dns {

/// A file as it was when it was read. A change that keeps inode, size and modification time is not
/// seen.
struct FileState {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  FileMetadata::Time modified;
  FileMetadata::Time changed;
  bool exists = false;

  [[nodiscard]] static Task<FileState> of(std::string path);
  friend bool operator==(const FileState&, const FileState&) = default;
};

/// The servers of one resolv.conf, the channels that ask them, and what they have answered.
struct Servers {
  Servers(Config its_config, const ResolverOptions& options)
      : config(std::move(its_config)), channels(config.tcp), cache(options) {}

  const Config config;
  ChannelPool channels;
  Cache cache;
  Flights flights;
  Atomic<std::size_t> next_first{0};  // with `rotate`: the server with which a look-up begins
};

/// What holds at one moment. A look-up uses one from its beginning to its end.
struct Names {
  std::shared_ptr<Servers> servers;
  std::shared_ptr<const Hosts> hosts;
  /// As nsswitch.conf says; null: it has sources that are not known here.
  std::optional<std::vector<Source>> sources;
};
using NamesRef = std::shared_ptr<const Names>;

class SystemFiles {
 public:
  explicit SystemFiles(ResolverOptions options);

  /// Returns what holds now: checks the files, unless that was done in the last check_interval. A
  /// task that finds another one checking uses what held before. Cancel: the next look-up checks.
  [[nodiscard]] Task<NamesRef> now_valid();
  /// Returns what held at the last check; null before the first one.
  [[nodiscard]] NamesRef last_valid() const;

 private:
  [[nodiscard]] bool is_fresh() const;
  [[nodiscard]] Task<void> check();

  const ResolverOptions options_;
  struct States {
    FileState resolv_conf;
    FileState hosts;
    FileState nsswitch;
  };
  Mutex checking_;
  States known_;  // guarded by checking_; of the files that names_ was made from

  mutable ThreadMutex mutex_;
  // Guarded by mutex_
  NamesRef names_;  // null: nothing was read yet
  TimePoint checked_;
};

}  // namespace weft::inline v0_1::dns
