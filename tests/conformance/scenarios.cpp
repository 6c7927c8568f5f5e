#include "conformance/scenarios.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <optional>
#include <weft/process.hpp>

#include "process/signal_table.hpp"

namespace weft::testing {
namespace {

std::unique_ptr<Source> source_of(detail::Fd& fd) { return std::make_unique<Source>(fd.release()); }

/// A TCP connection. `source_` is the local end.
class Connection : public Scenario {
 protected:
  Connection() : Connection(make_tcp_pair()) {}
  explicit Connection(Ends ends) : source_(source_of(ends.first)), peer_(std::move(ends.second)) {}

  bool lose_peer() override {
    reset(peer_);
    return true;
  }

  std::unique_ptr<Source> source_;
  detail::Fd peer_;
};

// Reading
// -----------------------------------------------------------------------------------------------

class ReadScenario : public Connection {
 public:
  std::unique_ptr<TestOperation> make_operation() override {
    return std::make_unique<ReadOperation>(*source_);
  }
  void make_ready() override { put(peer_, "hello"); }
  void check(const TestOperation& operation) override {
    EXPECT_EQ(static_cast<const ReadOperation&>(operation).text(), "hello");
  }
  bool is_loss(std::int64_t result) const override { return result == -ECONNRESET; }
  detail::Call call() const override { return detail::Call::read; }
};

class PeekScenario final : public ReadScenario {
 public:
  std::unique_ptr<TestOperation> make_operation() override {
    auto operation = std::make_unique<ReadOperation>(*source_);
    operation->kind = OperationKind::peek;
    return operation;
  }
  void check(const TestOperation& operation) override {
    ReadScenario::check(operation);
    char left = ' ';
    EXPECT_EQ(::recv(source_->handle(), &left, 1, MSG_PEEK), 1) << "it took the bytes";
    EXPECT_EQ(left, 'h');
  }
  detail::Call call() const override { return detail::Call::peek; }
};

class PipeReadScenario final : public ReadScenario {
 public:
  PipeReadScenario() {
    Ends pipe = make_pipe();
    source_ = source_of(pipe.first);
    peer_ = std::move(pipe.second);
  }
  bool lose_peer() override {
    peer_.reset();
    return true;
  }
  bool is_loss(std::int64_t result) const override { return result == 0; }
};

class SlicesOperation final : public TestOperation {
 public:
  SlicesOperation(OperationKind what, Source& on, std::size_t first, std::size_t second)
      : TestOperation(what, on), first_(first), second_(second) {
    slices_ = {IoSlice{first_.data(), first}, IoSlice{second_.data(), second}};
    io.slices = {slices_.data(), slices_.size()};
  }
  [[nodiscard]] std::string text(std::size_t size) const {
    std::string all;
    for (const auto& slice : slices_) {
      all.append(reinterpret_cast<const char*>(slice.data), slice.size);
    }
    return all.substr(0, size);
  }

 private:
  std::vector<std::byte> first_;
  std::vector<std::byte> second_;
  std::array<IoSlice, 2> slices_;
};

class ReadvScenario final : public Connection {
 public:
  std::unique_ptr<TestOperation> make_operation() override {
    return std::make_unique<SlicesOperation>(OperationKind::readv, *source_, 2, 64);
  }
  void make_ready() override { put(peer_, "hello"); }
  void check(const TestOperation& operation) override {
    ASSERT_EQ(operation.result, 5);
    EXPECT_EQ(static_cast<const SlicesOperation&>(operation).text(5), "hello");
  }
  bool is_loss(std::int64_t result) const override { return result == -ECONNRESET; }
  detail::Call call() const override { return detail::Call::readv; }
};

class MessageOperation final : public TestOperation {
 public:
  MessageOperation(OperationKind what, Source& on, std::string text)
      : TestOperation(what, on), text_(std::move(text)) {
    slice_ = {text_.data(), text_.size()};
    header_.msg_iov = &slice_;
    header_.msg_iovlen = 1;
    io.message = &header_;
  }
  [[nodiscard]] std::string text() const {
    return text_.substr(0, result > 0 ? static_cast<std::size_t>(result) : 0);
  }

 private:
  std::string text_;
  iovec slice_{};
  msghdr header_{};
};

class ReceiveMessageScenario final : public Connection {
 public:
  ReceiveMessageScenario() : Connection(make_socket_pair(SOCK_DGRAM)) {}
  std::unique_ptr<TestOperation> make_operation() override {
    return std::make_unique<MessageOperation>(OperationKind::receive_message, *source_,
                                              std::string(64, ' '));
  }
  void make_ready() override { put(peer_, "hello"); }
  void check(const TestOperation& operation) override {
    EXPECT_EQ(static_cast<const MessageOperation&>(operation).text(), "hello");
  }
  bool lose_peer() override { return false; }  // datagrams have no end
  detail::Call call() const override { return detail::Call::recvmsg; }
};

// Writing
// -----------------------------------------------------------------------------------------------

/// A connection whose send buffer is full.
class FullConnection : public Connection {
 public:
  FullConnection() : Connection(make_tcp_pair()) { fill_up(); }
  explicit FullConnection(Ends ends) : Connection(std::move(ends)) { fill_up(); }
  void make_ready() override {
    // All written bytes are consumed, so there is as much room as at the beginning.
    std::size_t left = filled_;
    while (left > 0) left -= take(peer_).size();
  }
  void check(const TestOperation& operation) override { EXPECT_EQ(operation.result, 5); }
  bool is_loss(std::int64_t result) const override {
    return result == -ECONNRESET || result == -EPIPE;
  }

 private:
  void fill_up() {
    const detail::Fd ours(source_->handle());
    filled_ = fill(ours);
    static_cast<void>(const_cast<detail::Fd&>(ours).release());
  }
  std::size_t filled_ = 0;
};

class WriteScenario : public FullConnection {
 public:
  using FullConnection::FullConnection;
  std::unique_ptr<TestOperation> make_operation() override {
    return std::make_unique<WriteOperation>(*source_, "hello");
  }
  detail::Call call() const override { return detail::Call::send; }
};

class PipeWriteScenario final : public WriteScenario {
 public:
  PipeWriteScenario() : WriteScenario(reversed(make_pipe())) {}
  bool lose_peer() override {
    peer_.reset();
    return true;
  }
  detail::Call call() const override { return detail::Call::writev; }

 private:
  static Ends reversed(Ends pipe) { return {std::move(pipe.second), std::move(pipe.first)}; }
};

class WritevScenario final : public FullConnection {
 public:
  std::unique_ptr<TestOperation> make_operation() override {
    return std::make_unique<SlicesOperation>(OperationKind::writev, *source_, 2, 3);
  }
  detail::Call call() const override { return detail::Call::sendmsg; }
};

class SendMessageScenario final : public FullConnection {
 public:
  std::unique_ptr<TestOperation> make_operation() override {
    return std::make_unique<MessageOperation>(OperationKind::send_message, *source_, "hello");
  }
  detail::Call call() const override { return detail::Call::sendmsg; }
};

// Connections, polling
// ----------------------------------------------------------------------------------

class AcceptScenario final : public Scenario {
 public:
  AcceptScenario() {
    detail::Fd listener = make_listener();
    to_ = address_of(listener);
    source_ = source_of(listener);
  }
  std::unique_ptr<TestOperation> make_operation() override {
    return std::make_unique<AcceptOperation>(*source_);
  }
  void make_ready() override {
    client_ = detail::Fd(must(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), "socket"));
    must(::connect(client_.get(), generic(to_), sizeof to_), "connect");
  }
  void check(const TestOperation& operation) override {
    ASSERT_GE(operation.result, 0);
    const detail::Fd accepted(static_cast<int>(operation.result));
    EXPECT_NE(::fcntl(accepted.get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(accepted.get(), F_GETFD) & FD_CLOEXEC, 0);
    put(client_, "hi");
    while (take(accepted) != "hi") {
    }
  }
  detail::Call call() const override { return detail::Call::accept4; }

 private:
  sockaddr_in to_{};
  std::unique_ptr<Source> source_;
  detail::Fd client_;
};

class PollReadableScenario final : public ReadScenario {
 public:
  std::unique_ptr<TestOperation> make_operation() override {
    return std::make_unique<PollOperation>(*source_, interest::readable);
  }
  void check(const TestOperation& operation) override {
    EXPECT_EQ(operation.result, interest::readable);
  }
  bool is_loss(std::int64_t result) const override {
    return result == (interest::readable | interest::writable);
  }
  detail::Call call() const override { return detail::Call::poll_now; }
};

class PollWritableScenario final : public FullConnection {
 public:
  std::unique_ptr<TestOperation> make_operation() override {
    return std::make_unique<PollOperation>(*source_, interest::writable);
  }
  void check(const TestOperation& operation) override {
    EXPECT_EQ(operation.result, interest::writable);
  }
  bool is_loss(std::int64_t result) const override {
    return result == (interest::readable | interest::writable);
  }
  detail::Call call() const override { return detail::Call::poll_now; }
};

class PollBothScenario final : public FullConnection {
 public:
  std::unique_ptr<TestOperation> make_operation() override {
    return std::make_unique<PollOperation>(*source_, interest::readable | interest::writable);
  }
  void make_ready() override { put(peer_, "x"); }
  void check(const TestOperation& operation) override {
    EXPECT_EQ(operation.result, interest::readable);
  }
  bool is_loss(std::int64_t result) const override {
    return result == (interest::readable | interest::writable);
  }
  detail::Call call() const override { return detail::Call::poll_now; }
};

/// What SignalListener::next() waits for: its bell.
class SignalScenario final : public Scenario {
 public:
  std::unique_ptr<TestOperation> make_operation() override {
    return std::make_unique<PollOperation>(*inbox_->bell(), interest::readable);
  }
  void make_ready() override { ::raise(SIGUSR1); }
  void check(const TestOperation& operation) override {
    EXPECT_EQ(operation.result, interest::readable);
    EXPECT_EQ(inbox_->take(), SIGUSR1);
  }
  detail::Call call() const override { return detail::Call::poll_now; }

 private:
  std::shared_ptr<detail::SignalInbox> inbox_ = detail::SignalInbox::make(
      detail::signal_bit(SIGUSR1), detail::SignalInbox::Kind::every_signal);
};

/// What ChildProcess::wait() waits for: a pidfd.
class ChildEndScenario final : public Scenario {
 public:
  ChildEndScenario() {
    Command command("/bin/cat");
    child_.emplace(command.in(Stdio::pipe()).spawn());
    // The scenario's own, for the raw operation.
    source_ = std::make_unique<Source>(
        must(static_cast<int>(::syscall(SYS_pidfd_open, child_->pid(), 0)), "pidfd_open"));
  }
  ~ChildEndScenario() override {
    child_->in.reset();
    static_cast<void>(::waitpid(child_->pid(), nullptr, 0));
  }
  std::unique_ptr<TestOperation> make_operation() override {
    return std::make_unique<PollOperation>(*source_, interest::readable);
  }
  void make_ready() override {
    child_->in.reset();
    siginfo_t info{};
    must(::waitid(P_PID, static_cast<id_t>(child_->pid()), &info, WEXITED | WNOWAIT), "waitid");
  }
  void check(const TestOperation& operation) override {
    EXPECT_NE(operation.result & interest::readable, 0);
    EXPECT_EQ(child_->try_wait().value(), ExitStatus());
  }
  detail::Call call() const override { return detail::Call::poll_now; }

 private:
  std::optional<ChildProcess> child_;
  std::unique_ptr<Source> source_;
};

}  // namespace

std::vector<ScenarioFactory> all_scenarios() {
  std::vector<ScenarioFactory> all{scenario<ReadScenario>("read"),
                                   scenario<PeekScenario>("peek"),
                                   scenario<PipeReadScenario>("read_pipe"),
                                   scenario<ReadvScenario>("readv"),
                                   scenario<ReceiveMessageScenario>("receive_message"),
                                   scenario<WriteScenario>("write"),
                                   scenario<PipeWriteScenario>("write_pipe"),
                                   scenario<WritevScenario>("writev"),
                                   scenario<SendMessageScenario>("send_message"),
                                   scenario<AcceptScenario>("accept"),
                                   scenario<PollReadableScenario>("poll_readable"),
                                   scenario<PollWritableScenario>("poll_writable"),
                                   scenario<PollBothScenario>("poll_both"),
                                   scenario<SignalScenario>("signal"),
                                   scenario<ChildEndScenario>("child_end")};
  for (ScenarioFactory& each : message_scenarios()) all.push_back(std::move(each));
  for (ScenarioFactory& one : file_scenarios()) all.push_back(std::move(one));
  return all;
}

}  // namespace weft::testing
