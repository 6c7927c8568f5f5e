// Waits for the system (a signal, a child, a change of a file, a terminal, a shared handle) and for
// other tasks (a set of them, channels, permits, locks, a token).
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <weft/cancellation_token.hpp>
#include <weft/channel.hpp>
#include <weft/condition_variable.hpp>
#include <weft/file_watch.hpp>
#include <weft/join_set.hpp>
#include <weft/manual_reset_event.hpp>
#include <weft/mutex.hpp>
#include <weft/owned_guard.hpp>
#include <weft/process.hpp>
#include <weft/rate_limit.hpp>
#include <weft/semaphore.hpp>
#include <weft/signal.hpp>
#include <weft/terminal.hpp>

#include "api/file_support.hpp"
#include "conformance/awaited_case.hpp"
#include "support/pseudo_terminal.hpp"

namespace weft::testing {
namespace {

using detail::Call;

std::string closed_text() { return std::make_error_code(std::errc::operation_canceled).message(); }

// The system
// -----------------------------------------------------------------------------------------------

class SignalCase final : public AwaitedCase {
 public:
  Task<std::string> operate() override {
    const std::optional<int> number = co_await listener_.next();
    co_return number ? signal_name(*number) : "closed";
  }
  void make_ready() override { EXPECT_EQ(::raise(SIGUSR1), 0); }
  std::string expected() const override { return "SIGUSR1"; }
  void lose_peer() override { listener_.close(); }
  std::optional<std::string> lost() const override { return "closed"; }

 private:
  SignalListener listener_{SIGUSR1};
};

class ChildCase final : public AwaitedCase {
 public:
  Task<std::string> operate() override {
    const ExitStatus status = co_await child_.wait();
    co_return status.to_string();
  }
  void make_ready() override { child_.in.reset(); }
  std::string expected() const override { return "exit code 0"; }
  void lose_peer() override { EXPECT_TRUE(child_.kill().has_value()); }
  std::optional<std::string> lost() const override { return "killed by SIGKILL"; }
  std::optional<Call> call() const override { return Call::child_wait; }

 private:
  ChildProcess child_ = Command("cat").in(Stdio::pipe()).out(Stdio::null()).spawn();
};

class WatchCase final : public AwaitedCase {
 public:
  Task<void> prepare() override { watch_ = co_await FileWatch::on(folder_.path()); }
  Task<std::string> operate() override {
    const std::optional<FileEvent> event = co_await watch_->next();
    co_return event && event->change == FileChange::created ? event->path.filename().native() : "?";
  }
  void make_ready() override { std::filesystem::create_directory(folder_ / "made"); }
  std::string expected() const override { return "made"; }
  std::optional<Call> call() const override { return Call::read; }

 private:
  test::TestFolder folder_;
  std::optional<FileWatch> watch_;
};

Task<std::string> read_some(SharedReader& reader) {
  std::array<char, 64> room{};
  const std::size_t size = co_await reader.read(room);
  co_return std::string(room.data(), size);
}

class TerminalCase final : public AwaitedCase {
 public:
  Task<std::string> operate() override { return read_some(reader_); }
  void make_ready() override { terminal_.type("hello\n"); }
  std::string expected() const override { return "hello\n"; }
  std::optional<Call> call() const override { return Call::read; }

 private:
  PseudoTerminal terminal_;
  SharedReader reader_ = SharedReader::of(terminal_.line, "terminal").value();
};

class WindowCase final : public AwaitedCase {
 public:
  Task<std::string> operate() override {
    const std::optional<WindowSize> size = co_await changes_.next();
    co_return size ? std::to_string(size->columns) : "closed";
  }
  void make_ready() override {
    EXPECT_TRUE(terminal_.set_window_size({.columns = 132, .rows = 50}).has_value());
    EXPECT_EQ(::raise(SIGWINCH), 0);
  }
  std::string expected() const override { return "132"; }
  void lose_peer() override { changes_.close(); }
  std::optional<std::string> lost() const override { return "closed"; }

 private:
  PseudoTerminal pseudo_;
  Terminal terminal_ = Terminal::of(pseudo_.line);
  WindowChanges changes_ = terminal_.window_changes();
};

/// A pipe whose open file description other processes have, too.
class SharedPipe {
 public:
  SharedPipe() { EXPECT_EQ(::pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK), 0); }
  SharedPipe(const SharedPipe&) = delete;
  SharedPipe& operator=(const SharedPipe&) = delete;
  ~SharedPipe() {
    ::close(ends_[0]);
    close_writer();
  }
  void close_writer() {
    if (ends_[1] >= 0) ::close(std::exchange(ends_[1], -1));
  }
  [[nodiscard]] int reader() const { return ends_[0]; }
  [[nodiscard]] int writer() const { return ends_[1]; }

 private:
  std::array<int, 2> ends_{};
};

class SharedReadCase final : public AwaitedCase {
 public:
  Task<std::string> operate() override { return read_some(reader_); }
  void make_ready() override { EXPECT_EQ(::write(pipe_.writer(), "hello", 5), 5); }
  std::string expected() const override { return "hello"; }
  void lose_peer() override { pipe_.close_writer(); }
  std::optional<std::string> lost() const override { return ""; }
  std::optional<Call> call() const override { return Call::read; }

 private:
  SharedPipe pipe_;
  SharedReader reader_ = SharedReader::of(pipe_.reader(), "pipe").value();
};

class SharedWriteCase final : public AwaitedCase {
 public:
  SharedWriteCase() {
    const std::vector<char> block(4096, 'x');
    while (::write(pipe_.writer(), block.data(), block.size()) > 0) {
    }
    EXPECT_EQ(errno, EAGAIN);
  }
  Task<std::string> operate() override {
    const std::size_t size = co_await writer_.write("hello");
    co_return std::to_string(size);
  }
  void make_ready() override {
    std::vector<char> room(4096);
    while (::read(pipe_.reader(), room.data(), room.size()) > 0) {
    }
  }
  std::string expected() const override { return "5"; }

 private:
  SharedPipe pipe_;
  SharedWriter writer_ = SharedWriter::of(pipe_.writer(), "pipe").value();
};

// Tasks
// -----------------------------------------------------------------------------------------------

/// A set with a task in its only place, which ends when it is let go.
class JoinSetBase : public AwaitedCase {
 public:
  Task<void> prepare() override {
    // A task of a set that is destroyed may end after it.
    auto work = [](std::shared_ptr<ManualResetEvent> go) -> Task<int> {
      co_await go->wait();
      co_return 7;
    };
    (void)co_await set_.spawn_when_free(work, go_);
  }
  void make_ready() override { go_->set(); }

 protected:
  std::shared_ptr<ManualResetEvent> go_ = std::make_shared<ManualResetEvent>();
  JoinSet<int> set_{1};
};

class JoinSetNext final : public JoinSetBase {
 public:
  Task<std::string> operate() override {
    const std::optional<int> value = co_await set_.next();
    co_return value ? std::to_string(*value) : "none";
  }
  std::string expected() const override { return "7"; }
};

class JoinSetPlace final : public JoinSetBase {
 public:
  Task<std::string> operate() override {
    const OwnedPermit place = co_await set_.place();
    co_return place ? "place" : "none";
  }
  std::string expected() const override { return "place"; }
};

class ReserveCase final : public AwaitedCase {
 public:
  ReserveCase() { EXPECT_EQ(channel_.sender.try_send(1), TrySend::sent); }
  Task<std::string> operate() override {
    auto permit = co_await channel_.sender.reserve();
    co_return permit ? "place" : "closed";
  }
  void make_ready() override { EXPECT_EQ(receiver_->try_receive().value(), 1); }
  std::string expected() const override { return "place"; }
  void lose_peer() override { receiver_.reset(); }
  std::optional<std::string> lost() const override { return "closed"; }

 private:
  Channel<int> channel_ = channel<int>(1);
  std::optional<Receiver<int>> receiver_{std::move(channel_.receiver)};
};

class ReceiveManyCase final : public AwaitedCase {
 public:
  Task<std::string> operate() override {
    std::vector<int> values;
    const std::size_t count = co_await channel_.receiver.receive_many(values, 10);
    std::string text = std::to_string(count) + ":";
    for (const int value : values) text += " " + std::to_string(value);
    co_return text;
  }
  void make_ready() override {
    for (int value = 1; value <= 3; ++value) {
      EXPECT_EQ(sender_->try_send(int(value)), TrySend::sent);
    }
  }
  std::string expected() const override { return "3: 1 2 3"; }
  void lose_peer() override { sender_.reset(); }
  std::optional<std::string> lost() const override { return "0:"; }

 private:
  Channel<int> channel_ = channel<int>(8);
  std::optional<Sender<int>> sender_{std::move(channel_.sender)};
};

class WaitClosedCase final : public AwaitedCase {
 public:
  Task<std::string> operate() override {
    co_await channel_.sender.wait_closed();
    co_return "closed";
  }
  void make_ready() override { receiver_.reset(); }
  std::string expected() const override { return "closed"; }

 private:
  Channel<int> channel_ = channel<int>(1);
  std::optional<Receiver<int>> receiver_{std::move(channel_.receiver)};
};

class OwnedPermitCase final : public AwaitedCase {
 public:
  Task<std::string> operate() override {
    const OwnedPermit permit = co_await acquire_owned(semaphore_);
    co_return permit ? "permit" : "none";
  }
  void make_ready() override { held_.release(); }
  std::string expected() const override { return "permit"; }
  void lose_peer() override { semaphore_->close(); }
  std::optional<std::string> lost() const override { return closed_text(); }

 private:
  std::shared_ptr<Semaphore> semaphore_ = std::make_shared<Semaphore>(1);
  OwnedPermit held_ = try_acquire_owned(semaphore_);
};

class ConcurrencyCase final : public AwaitedCase {
 public:
  Task<std::string> operate() override {
    std::string value = co_await limit_.run([]() -> Task<std::string> { co_return "ran"; });
    co_return value;
  }
  void make_ready() override { held_.release(); }
  std::string expected() const override { return "ran"; }
  void lose_peer() override { limit_.close(); }
  std::optional<std::string> lost() const override { return closed_text(); }

 private:
  ConcurrencyLimit limit_{1};
  OwnedPermit held_ = limit_.try_acquire();
};

class OwnedLockCase final : public AwaitedCase {
 public:
  Task<std::string> operate() override {
    const OwnedMutexGuard guard = co_await lock_owned(mutex_);
    co_return guard ? "locked" : "none";
  }
  void make_ready() override { held_.release(); }
  std::string expected() const override { return "locked"; }

 private:
  std::shared_ptr<Mutex> mutex_ = std::make_shared<Mutex>();
  OwnedMutexGuard held_ = try_lock_owned(mutex_);
};

class ConditionCase final : public AwaitedCase {
 public:
  ~ConditionCase() override { EXPECT_TRUE(static_cast<bool>(mutex_.try_lock())); }
  Task<std::string> operate() override {
    MutexGuard guard = co_await mutex_.lock();
    co_await changed_.wait(guard, [this] { return holds_; });
    co_return guard ? "holds" : "not locked";
  }
  void make_ready() override {
    {
      const MutexGuard guard = mutex_.try_lock();
      EXPECT_TRUE(static_cast<bool>(guard));
      holds_ = true;
    }
    changed_.notify_one();
  }
  std::string expected() const override { return "holds"; }

 private:
  Mutex mutex_;
  ConditionVariable changed_;
  bool holds_ = false;  // guarded by mutex_
};

class TokenCase final : public AwaitedCase {
 public:
  Task<std::string> operate() override {
    co_await source_.token().cancelled();
    co_return "cancelled";
  }
  void make_ready() override { source_.cancel(); }
  std::string expected() const override { return "cancelled"; }

 private:
  CancellationSource source_;
};

}  // namespace

std::vector<AwaitedCaseFactory> wait_cases() {
  return {case_of<SignalCase>("signal"),
          case_of<ChildCase>("child"),
          case_of<WatchCase>("file_watch"),
          case_of<TerminalCase>("terminal"),
          case_of<WindowCase>("window_size"),
          case_of<SharedReadCase>("shared_read"),
          case_of<SharedWriteCase>("shared_write"),
          case_of<JoinSetNext>("join_set_next"),
          case_of<JoinSetPlace>("join_set_place"),
          case_of<ReserveCase>("reserve"),
          case_of<ReceiveManyCase>("receive_many"),
          case_of<WaitClosedCase>("wait_closed"),
          case_of<OwnedPermitCase>("owned_permit"),
          case_of<ConcurrencyCase>("concurrency_limit"),
          case_of<OwnedLockCase>("owned_lock"),
          case_of<ConditionCase>("condition_variable"),
          case_of<TokenCase>("cancellation_token")};
}

}  // namespace weft::testing
