// BlockingJob: a call on its way to, or on, a thread that it may block. A BlockingPool queues it:
// calls of blocking(), name look-ups, file operations. It allocates nothing.
#pragma once

#include <weft/extend/runnable.hpp>

#include <cstdint>
#include <source_location>
#include <string_view>

namespace weft::inline v0_1::detail {

class BlockingPool;

/// Owned by its caller, which keeps it in place until it has run or was taken back.
class BlockingJob : public Runnable {
 public:
  /// Where the call was written, for reports on calls that have no name.
  [[nodiscard]] std::source_location site() const noexcept { return site_; }
  /// What the call does, and to what, for reports: "read" and "/etc/hosts". Both may be empty.
  [[nodiscard]] std::string_view operation() const noexcept { return operation_; }
  [[nodiscard]] std::string_view subject() const noexcept { return subject_; }

 protected:
  explicit BlockingJob(Run how,
                       std::source_location site = std::source_location::current()) noexcept
      : Runnable(how), site_(site) {}
  ~BlockingJob() = default;

  /// Names the call. Both texts stay in place until the job has run. Not while it is queued.
  void set_name(std::string_view operation, std::string_view subject) noexcept {
    operation_ = operation;
    subject_ = subject;
  }

 private:
  friend class BlockingPool;
  std::source_location site_;
  std::string_view operation_;
  std::string_view subject_;
  bool queued_ = false;       // guarded by the pool's mutex, as is the next
  std::uint32_t number_ = 0;  // by which its thread is found; 0: none has begun it
};

}  // namespace weft::inline v0_1::detail
