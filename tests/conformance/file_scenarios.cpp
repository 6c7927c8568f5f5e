// The scenarios of files: the operation waits for the lane, and is ready when that is open.
#include <array>

#include "conformance/file_support.hpp"
#include "conformance/gated_lane.hpp"
#include "conformance/scenarios.hpp"

namespace weft::testing {
namespace {

class OnLane : public Scenario {
 public:
  OnLane() { GatedLane::instance().shut(); }
  ~OnLane() override { GatedLane::instance().stop(); }
  void make_ready() override { GatedLane::instance().open(); }
  [[nodiscard]] bool tries_at_start() const override { return false; }
};

class OnFile : public OnLane {
 protected:
  explicit OnFile(std::string_view contents = {}) : file_(make_file(contents)) {}
  FilePointer file_;
};

/// More than is read in place.
const std::string& long_text() {
  static const std::string text(100'000, 't');
  return text;
}

class ReadAtScenario final : public OnFile {
 public:
  ReadAtScenario() : OnFile(long_text()) {}
  std::unique_ptr<TestOperation> make_operation() override {
    return std::make_unique<FileOperation>(OperationKind::read_at, file_.get(),
                                           std::string(200'000, ' '), 1);
  }
  void check(const TestOperation& operation) override {
    EXPECT_EQ(static_cast<const FileOperation&>(operation).text(), long_text().substr(1));
  }
  detail::Call call() const override { return detail::Call::read_file; }
};

class ReadAtCursorScenario final : public OnFile {
 public:
  ReadAtCursorScenario() : OnFile(long_text() + long_text()) {}
  std::unique_ptr<TestOperation> make_operation() override {
    return std::make_unique<FileOperation>(OperationKind::read_at, file_.get(),
                                           std::string(long_text().size(), ' '));
  }
  void check(const TestOperation& operation) override {
    EXPECT_EQ(static_cast<const FileOperation&>(operation).text(), long_text());
  }
  detail::Call call() const override { return detail::Call::read_file; }
};

class WriteAtScenario : public OnFile {
 public:
  std::unique_ptr<TestOperation> make_operation() override {
    return std::make_unique<FileOperation>(OperationKind::write_at, file_.get(), "hello", 0);
  }
  void check(const TestOperation& operation) override {
    EXPECT_EQ(operation.result, 5);
    EXPECT_EQ(contents_of(*file_), "hello");
  }
  detail::Call call() const override { return detail::Call::write_file; }
};

class WriteAtCursorScenario final : public WriteAtScenario {
 public:
  std::unique_ptr<TestOperation> make_operation() override {
    return std::make_unique<FileOperation>(OperationKind::write_at, file_.get(), "hello");
  }
};

class SyncScenario final : public OnFile {
 public:
  std::unique_ptr<TestOperation> make_operation() override {
    return std::make_unique<FileOperation>(OperationKind::sync, file_.get());
  }
  void check(const TestOperation& operation) override { EXPECT_EQ(operation.result, 0); }
  detail::Call call() const override { return detail::Call::fsync; }
};

class OpenScenario final : public OnLane {
 public:
  std::unique_ptr<TestOperation> make_operation() override {
    auto operation = std::make_unique<FileOperation>(OperationKind::open, nullptr);
    operation->call.arguments.path = "/proc/self/cmdline";
    operation->call.arguments.flags = O_RDONLY;
    return operation;
  }
  void check(const TestOperation& operation) override {
    ASSERT_GE(operation.result, 0);
    const detail::Fd opened(static_cast<int>(operation.result));
    EXPECT_NE(::fcntl(opened.get(), F_GETFD) & FD_CLOEXEC, 0);
  }
  detail::Call call() const override { return detail::Call::openat; }
};

/// Closes a handle of its own; a cancelled one is closed by its owner.
class CloseOperation final : public FileOperation {
 public:
  CloseOperation() : FileOperation(OperationKind::close, nullptr) {
    call.arguments.handle = must(::dup(0), "dup");
  }
  ~CloseOperation() override {
    if (result == -ECANCELED) ::close(call.arguments.handle);
  }
};

class CloseScenario final : public OnLane {
 public:
  std::unique_ptr<TestOperation> make_operation() override {
    return std::make_unique<CloseOperation>();
  }
  void check(const TestOperation& operation) override {
    EXPECT_EQ(operation.result, 0);
    const int handle = static_cast<const CloseOperation&>(operation).call.arguments.handle;
    EXPECT_EQ(::fcntl(handle, F_GETFD), -1);
  }
  detail::Call call() const override { return detail::Call::close; }
  bool repeats() const override { return false; }
};

}  // namespace

std::vector<ScenarioFactory> file_scenarios() {
  return {scenario<OpenScenario>("file_open"),        scenario<CloseScenario>("file_close"),
          scenario<ReadAtScenario>("file_read_at"),   scenario<ReadAtCursorScenario>("file_read"),
          scenario<WriteAtScenario>("file_write_at"), scenario<WriteAtCursorScenario>("file_write"),
          scenario<SyncScenario>("file_sync")};
}

}  // namespace weft::testing
