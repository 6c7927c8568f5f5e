#include "os/fault.hpp"

#include <mutex>

#include "os/syscalls.hpp"

namespace weft::inline v0_1::detail {

void FaultPlan::add(const Fault& fault) {
  const std::lock_guard lock(mutex_);
  faults_.push_back(fault);
  if (fault.size != Fault::not_shortened) shortens_.store(true, std::memory_order_relaxed);
}

void FaultPlan::clear() {
  const std::lock_guard lock(mutex_);
  faults_.clear();
  shortens_.store(false, std::memory_order_relaxed);
}

std::optional<Fault> FaultPlan::judge(Call call, int handle) noexcept {
  calls_[static_cast<std::size_t>(call)].fetch_add(1, std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  for (Fault& fault : faults_) {
    if (fault.call != call || fault.times == 0) continue;
    if (fault.handle != Fault::any_handle && fault.handle != handle) continue;
    if (fault.skip > 0) {
      --fault.skip;
      continue;
    }
    if (fault.times != Fault::always) --fault.times;
    struck_.fetch_add(1, std::memory_order_relaxed);
    return fault;
  }
  return std::nullopt;
}

std::uint64_t FaultPlan::calls(Call call) const noexcept {
  return calls_[static_cast<std::size_t>(call)].load(std::memory_order_relaxed);
}

void FaultPlan::reset_counts() noexcept {
  for (auto& count : calls_) count.store(0, std::memory_order_relaxed);
}

std::uint64_t FaultPlan::struck() const noexcept { return struck_.load(std::memory_order_relaxed); }

bool FaultPlan::shortens() const noexcept { return shortens_.load(std::memory_order_relaxed); }

ScopedFaults::ScopedFaults() noexcept : before_(Syscalls::install(this)) {}

ScopedFaults::~ScopedFaults() { Syscalls::install(before_); }

}  // namespace weft::inline v0_1::detail
