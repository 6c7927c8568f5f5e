// Name look-up with getaddrinfo on the runtime's threads for it, a lane of their own: a call of
// blocking() never waits for a name server. getaddrinfo cannot be interrupted and may take half a
// minute. So a look-up that was cancelled is given up: its thread holds no place in the lane any
// more, and may outlive the runtime. It touches the NameLookup, which it owns, and what the pool
// shares with its threads.
//
// A NameLookup is shared by the waiting leaf and the job on the pool. The transition of its state
// decides which thread ends the wait:
//
//   waiting → done       by the pool's thread, which then ends the leaf
//   waiting → abandoned  by a cancel, which then ends the leaf
//
// The thread that makes the transition may use the leaf's task; the other must not. The result of
// an abandoned job is destroyed with the job. The thread that abandons it gives it up in the pool
// before it ends the leaf: until then the task keeps the runtime, and so the pool.
#include <weft/resolve.hpp>

#include <netdb.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <new>

#include "compute/blocking_pool.hpp"
#include "net/native_address.hpp"

namespace weft::inline v0_1 {

namespace {

constexpr std::size_t longest_name = 253;  // of a name in the DNS

class ResolveCategory final : public std::error_category {
 public:
  const char* name() const noexcept override { return "weft.resolve"; }
  std::string message(int code) const override { return gai_strerror(code); }
};

std::error_code resolve_error(int code) noexcept { return {code, resolve_category()}; }

bool impossible(const std::string& host) noexcept {
  return host.empty() || host.size() > longest_name || host.find('\0') != std::string::npos;
}

Result<std::vector<Endpoint>> look_up(const std::string& host, std::uint16_t port) noexcept try {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;  // otherwise each address is listed once for each type
  addrinfo* list = nullptr;
  const int error = getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (error == EAI_SYSTEM) return fail(os_error(errno));
  if (error == EAI_MEMORY) return fail(std::errc::not_enough_memory);
  if (error != 0) return fail(resolve_error(error));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, &freeaddrinfo);
  std::vector<Endpoint> found;
  for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
    Endpoint endpoint = detail::endpoint_from_native(each->ai_addr, each->ai_addrlen);
    if (endpoint.is_ip()) found.push_back(endpoint.with_port(port));
  }
  if (found.empty()) return fail(resolve_error(EAI_NONAME));
  return found;
} catch (const std::bad_alloc&) {
  return fail(std::errc::not_enough_memory);
}

}  // namespace

const std::error_category& resolve_category() noexcept {
  static const ResolveCategory category;
  return category;
}

}  // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

class NameLookup final : public BlockingJob {
 public:
  NameLookup(std::string name, std::uint16_t its_port) noexcept
      : BlockingJob(&NameLookup::run_job), host(std::move(name)), port(its_port) {
    set_name("resolve", host);
  }

  enum State : std::uint32_t { waiting, done, abandoned };

  /// True: this call ended the wait, and the caller must end the leaf.
  [[nodiscard]] bool leave_waiting_for(State ending) noexcept {
    std::uint32_t expected = waiting;
    // Release: publishes the result to the leaf. Acquire: for `task`, written before submit().
    return state_.compare_exchange_strong(expected, ending, std::memory_order_acq_rel,
                                          std::memory_order_relaxed);
  }
  [[nodiscard]] bool wanted() const noexcept {
    return state_.load(std::memory_order_relaxed) == waiting;  // relaxed: only saves a look-up
  }

  const std::string host;
  const std::uint16_t port;
  Result<std::vector<Endpoint>> result = fail(std::errc::operation_canceled);
  TaskHeader* task = nullptr;
  BlockingPool* pool = nullptr;
  std::shared_ptr<NameLookup> held_by_pool;

 private:
  static void run_job(Runnable& self) noexcept {
    auto& lookup = static_cast<NameLookup&>(self);
    const std::shared_ptr<NameLookup> hold = std::move(lookup.held_by_pool);
    if (!lookup.wanted()) return;
    lookup.result = look_up(lookup.host, lookup.port);
    if (lookup.leave_waiting_for(done)) lookup.task->leaf_ended(false);
  }

  Atomic<std::uint32_t> state_{waiting};
};

ResolveLeaf::ResolveLeaf(std::string host, std::uint16_t port)
    : CancelHook(&ResolveLeaf::on_cancel_request),
      lookup_(std::make_shared<NameLookup>(std::move(host), port)) {}

ResolveLeaf::~ResolveLeaf() = default;

bool ResolveLeaf::answered() noexcept try {
  NameLookup& lookup = *lookup_;
  if (impossible(lookup.host)) {
    lookup.result = fail(resolve_error(EAI_NONAME));
    return true;
  }
  const bool ipv6 = lookup.host.find(':') != std::string::npos;
  const Result<Endpoint> numeric = Endpoint::parse((ipv6 ? "[" + lookup.host + "]" : lookup.host) +
                                                   ":" + std::to_string(lookup.port));
  if (numeric) lookup.result = std::vector<Endpoint>{*numeric};
  return numeric.has_value();
} catch (const std::bad_alloc&) {
  lookup_->result = fail(std::errc::not_enough_memory);
  return true;
}

bool ResolveLeaf::suspend(PromiseBase& innermost) noexcept {
  TaskHeader& task = innermost.task();
  task_ = &task;
  lookup_->task = &task;
  lookup_->pool = BlockingPool::of_lookups();
  // Once the hook is armed, a cancel on another thread may end this leaf and destroy it: from here
  // on only the look-up is used, which this call holds.
  const std::shared_ptr<NameLookup> lookup = lookup_;
  if (!task.suspended_and_armed(innermost, *this)) return true;
  lookup->held_by_pool = lookup;
  const Result<void> taken = lookup->pool != nullptr ? lookup->pool->submit(*lookup)
                                                     : fail(std::errc::operation_not_supported);
  if (taken) return true;
  lookup->held_by_pool.reset();
  // A cancel that came meanwhile has ended the leaf.
  if (!lookup->leave_waiting_for(NameLookup::done)) return true;
  lookup->result = fail(taken.error());
  return !task.leaf_ended_inline();
}

Result<std::vector<Endpoint>> ResolveLeaf::take() noexcept { return std::move(lookup_->result); }

IoError ResolveLeaf::error(std::error_code code) const {
  return IoError(code, "resolve", lookup_->host);
}

void ResolveLeaf::on_cancel_request(CancelHook& self) noexcept {
  // SAFETY: only the CancelHook of a ResolveLeaf gets this function.
  auto& leaf = static_cast<ResolveLeaf&>(self);
  TaskHeader* const task = leaf.task_;
  // The leaf may be destroyed once it has ended.
  const std::shared_ptr<NameLookup> lookup = leaf.lookup_;
  if (lookup->leave_waiting_for(NameLookup::abandoned)) {
    if (lookup->pool != nullptr && lookup->pool->give_up(*lookup)) lookup->held_by_pool.reset();
    task->leaf_ended(true);
  }
  task->request_finished();
}

}  // namespace weft::inline v0_1::detail
