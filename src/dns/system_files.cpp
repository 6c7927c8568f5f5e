#include "dns/system_files.hpp"

#include <mutex>
#include <utility>

#include <weft/directory.hpp>
#include <weft/file.hpp>

namespace weft::inline v0_1::dns {
namespace {

/// A hosts file may list a million names.
constexpr std::uint64_t longest_file = std::uint64_t{64} << 20U;

/// The text of the file, if it is not as it was known; empty if it cannot be read any more.
Task<std::optional<std::string>> text_if_changed(std::string path, FileState& known) {
  const FileState state = co_await FileState::of(path);
  if (state == known) co_return std::nullopt;
  std::optional<std::string> text(std::in_place);
  if (state.exists) {
    IoResult<std::string> read = co_await attempt(read_text(path, longest_file));
    if (read) text = std::move(*read);
  }
  // The state from before the reading: a change meanwhile is found by the next check.
  known = state;
  co_return text;
}

}  // namespace

Task<FileState> FileState::of(std::string path) {
  FileState state;
  if (path.empty()) co_return state;
  const IoResult<FileMetadata> found = co_await attempt(metadata(path));
  if (!found) co_return state;
  state.device = found->device;
  state.inode = found->inode;
  state.size = found->size;
  state.modified = found->modified;
  state.changed = found->changed;
  state.exists = true;
  co_return state;
}

SystemFiles::SystemFiles(ResolverOptions options) : options_(std::move(options)) {}

NamesRef SystemFiles::last_valid() const {
  const std::lock_guard lock(mutex_);
  return names_;
}

bool SystemFiles::is_fresh() const {
  const std::lock_guard lock(mutex_);
  const Nanoseconds age = now() - checked_;
  // Runtimes with virtual time have clocks of their own: one may be behind.
  return names_ != nullptr && age >= Nanoseconds::zero() && age < options_.check_interval;
}

Task<NamesRef> SystemFiles::now_valid() {
  if (is_fresh()) co_return last_valid();
  MutexGuard guard = checking_.try_lock();
  if (!guard) {
    if (NamesRef before = last_valid(); before != nullptr) co_return before;
    guard = co_await checking_.lock();
  }
  if (!is_fresh()) co_await check();
  co_return last_valid();
}

Task<void> SystemFiles::check() {
  const NamesRef before = last_valid();
  auto names = before != nullptr ? std::make_shared<Names>(*before) : std::make_shared<Names>();
  States states = known_;
  const auto hosts = co_await text_if_changed(options_.hosts_path, states.hosts);
  if (hosts || before == nullptr) names->hosts = std::make_shared<Hosts>(hosts.value_or(""));
  const auto resolv_conf = co_await text_if_changed(options_.resolv_conf_path, states.resolv_conf);
  if (resolv_conf || before == nullptr) {
    Config config = config_of(resolv_conf.value_or(""), options_);
    names->servers = std::make_shared<Servers>(std::move(config), options_);
  }
  const auto nsswitch = co_await text_if_changed(options_.nsswitch_path, states.nsswitch);
  if (nsswitch || before == nullptr) names->sources = sources_of(nsswitch.value_or(""));
  known_ = states;  // not before: a cancel until here leaves all as it was
  const std::lock_guard lock(mutex_);
  names_ = std::move(names);
  checked_ = now();
}

}  // namespace weft::inline v0_1::dns
