// Each operation over readers and writers × each kind of stream × each way to end: completes at
// once, after waiting, is cancelled before, during and when it could go on, loses its peer, gets an
// injected error. After each way the next operation delivers what this one has not.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <weft/buffered.hpp>
#include <weft/buffered_writer.hpp>
#include <weft/duplex.hpp>
#include <weft/io.hpp>
#include <weft/net.hpp>
#include <weft/pipe.hpp>
#include <weft/runtime.hpp>
#include <weft/select.hpp>
#include <weft/spawn.hpp>
#include <weft/when_all.hpp>

#include "os/fault.hpp"
#include "support/open_handles.hpp"
#include "support/runtime_fixture.hpp"

namespace weft::testing::byte_stream_conformance_test {
namespace {

using detail::Call;

// Kinds of streams: a near end, whose operations are tested, and a far end.
// -----------------------------------------------------------------------------------------------

struct UnixStreams {
  UnixStreams() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    near.emplace(StreamSocket::adopt(ends[0]).value());
    far.emplace(StreamSocket::adopt(ends[1]).value());
    EXPECT_TRUE(near->set_send_buffer(4096).has_value());
  }
  static constexpr Call reads = Call::read;
  static constexpr Call writes = Call::send;
  std::optional<StreamSocket> near;
  std::optional<StreamSocket> far;
};

/// A pipe whose reading end is near.
struct PipeIn {
  static constexpr Call reads = Call::read;
  PipeIn() {
    Pipe made = pipe();
    near.emplace(std::move(made.reader));
    far.emplace(std::move(made.writer));
  }
  std::optional<PipeReader> near;
  std::optional<PipeWriter> far;
};

/// A pipe whose writing end is near.
struct PipeOut {
  static constexpr Call writes = Call::writev;
  PipeOut() {
    Pipe made = pipe();
    near.emplace(std::move(made.writer));
    far.emplace(std::move(made.reader));
  }
  std::optional<PipeWriter> near;
  std::optional<PipeReader> far;
};

struct InMemory {
  InMemory() {
    Duplex made = duplex(64);
    near.emplace(std::move(made.a));
    far.emplace(std::move(made.b));
  }
  std::optional<DuplexEnd> near;
  std::optional<DuplexEnd> far;
};

// Operations
// -----------------------------------------------------------------------------------------------

class Case {
 public:
  virtual ~Case() = default;
  /// Begins the operation; its value as text.
  [[nodiscard]] virtual Task<std::string> operate() = 0;
  /// Makes an operation that waits go on.
  virtual void make_ready() = 0;
  /// Closes the far end.
  virtual void lose_peer() = 0;
  /// The value after make_ready().
  [[nodiscard]] virtual std::string expected() const = 0;
  /// What an operation without a peer gives: its value, or the error's text.
  [[nodiscard]] virtual std::string lost() const = 0;
  /// The system call in which an error can be injected.
  [[nodiscard]] virtual std::optional<Call> call() const = 0;
};

template <class Streams>
class Reading : public Case {
 public:
  void make_ready() override { EXPECT_EQ(streams_.far->try_write("hello\n").value(), 6U); }
  void lose_peer() override { streams_.far.reset(); }
  std::string expected() const override { return "hello\n"; }
  std::string lost() const override { return ""; }
  std::optional<Call> call() const override {
    if constexpr (requires { Streams::reads; }) {
      return Streams::reads;
    } else {
      return std::nullopt;
    }
  }

 protected:
  Streams streams_;
};

template <class Streams>
class Read final : public Reading<Streams> {
 public:
  Task<std::string> operate() override {
    std::string text(100, ' ');
    const std::size_t size = co_await this->streams_.near->read(text);
    co_return text.substr(0, size);
  }
};

template <class Streams>
class ReadExact final : public Reading<Streams> {
 public:
  Task<std::string> operate() override {
    std::string text(6, ' ');
    co_await read_exact(*this->streams_.near, text);
    co_return text;
  }
  std::string lost() const override { return "unexpected end of stream"; }
};

template <class Streams>
class ReadLine final : public Reading<Streams> {
 public:
  Task<std::string> operate() override {
    LineOptions kept;
    kept.keep_delimiter();
    auto line = co_await reader_.read_line(kept);
    co_return line.value_or("");
  }

 private:
  BufferedReader<decltype(*std::declval<Streams&>().near)> reader_{*this->streams_.near};
};

template <class Streams>
class CopyPart final : public Reading<Streams> {
 public:
  Task<std::string> operate() override {
    Duplex memory = duplex(64);
    (void)co_await copy(take(*this->streams_.near, 6), memory.a);
    std::string text(64, ' ');
    const auto size = memory.b.try_read(std::as_writable_bytes(std::span(text)));
    co_return text.substr(0, size.value_or(0));
  }
};

template <class Streams>
class PeekSome final : public Reading<Streams> {
 public:
  Task<std::string> operate() override {
    std::string text(100, ' ');
    const std::size_t size = co_await this->streams_.near->peek(text);
    co_return text.substr(0, size);
  }
  std::optional<Call> call() const override { return Call::peek; }
};

/// On a stream that is full.
template <class Streams>
class Writing : public Case {
 public:
  Writing() {
    const std::string block(16, 'x');
    for (;;) {
      const Result<std::size_t> size = streams_.near->try_write(block);
      if (!size) break;
      filled_ += *size;
    }
  }
  void make_ready() override {
    std::vector<std::byte> room(filled_);
    for (std::size_t left = filled_; left > 0;) {
      left -= streams_.far->try_read(std::span(room).first(left)).value();
    }
  }
  void lose_peer() override { streams_.far.reset(); }
  std::string expected() const override { return "5"; }
  std::string lost() const override {
    return std::make_error_code(std::errc::broken_pipe).message();
  }
  std::optional<Call> call() const override {
    if constexpr (requires { Streams::writes; }) {
      return Streams::writes;
    } else {
      return std::nullopt;
    }
  }

 protected:
  Streams streams_;

 private:
  std::size_t filled_ = 0;
};

template <class Streams>
class Write final : public Writing<Streams> {
 public:
  Task<std::string> operate() override {
    const std::size_t size = co_await this->streams_.near->write("hello");
    co_return std::to_string(size);
  }
};

template <class Streams>
class WriteAll final : public Writing<Streams> {
 public:
  Task<std::string> operate() override {
    co_await write_all(*this->streams_.near, "hello");
    co_return "5";
  }
};

template <class Streams>
class Flush final : public Writing<Streams> {
 public:
  Task<std::string> operate() override {
    if (writer_.unflushed().empty()) co_await writer_.write_all("hello");
    const std::size_t size = writer_.unflushed().size();
    co_await writer_.flush();
    co_return std::to_string(size);
  }

 private:
  BufferedWriter<decltype(*std::declval<Streams&>().near)> writer_{*this->streams_.near};
};

/// In memory alone.
class PeerEnded final : public Case {
 public:
  Task<std::string> operate() override {
    co_await streams_.near->peer_ended();
    co_return "told";
  }
  void make_ready() override { EXPECT_TRUE(streams_.far->shutdown().has_value()); }
  void lose_peer() override { streams_.far.reset(); }
  std::string expected() const override { return "told"; }
  std::string lost() const override { return "told"; }
  std::optional<Call> call() const override { return std::nullopt; }

 private:
  InMemory streams_;
};

class PeerClosed final : public Case {
 public:
  Task<std::string> operate() override {
    co_await streams_.near->peer_closed();
    co_return "told";
  }
  void make_ready() override { streams_.far->close(); }
  void lose_peer() override { streams_.far.reset(); }
  std::string expected() const override { return "told"; }
  std::string lost() const override { return "told"; }
  std::optional<Call> call() const override { return std::nullopt; }

 private:
  InMemory streams_;
};

struct Factory {
  std::string name;
  std::function<std::unique_ptr<Case>()> make;
};

template <class Kind>
Factory case_of(std::string name) {
  return {std::move(name), [] { return std::make_unique<Kind>(); }};
}

std::vector<Factory> all_cases() {
  return {case_of<Read<UnixStreams>>("read_socket"),
          case_of<Read<PipeIn>>("read_pipe"),
          case_of<Read<InMemory>>("read_duplex"),
          case_of<ReadExact<UnixStreams>>("read_exact_socket"),
          case_of<ReadExact<PipeIn>>("read_exact_pipe"),
          case_of<ReadExact<InMemory>>("read_exact_duplex"),
          case_of<ReadLine<UnixStreams>>("read_line_socket"),
          case_of<ReadLine<PipeIn>>("read_line_pipe"),
          case_of<ReadLine<InMemory>>("read_line_duplex"),
          case_of<CopyPart<UnixStreams>>("copy_take_socket"),
          case_of<CopyPart<PipeIn>>("copy_take_pipe"),
          case_of<CopyPart<InMemory>>("copy_take_duplex"),
          case_of<PeekSome<UnixStreams>>("peek_socket"),
          case_of<Write<UnixStreams>>("write_socket"),
          case_of<Write<PipeOut>>("write_pipe"),
          case_of<Write<InMemory>>("write_duplex"),
          case_of<WriteAll<UnixStreams>>("write_all_socket"),
          case_of<WriteAll<PipeOut>>("write_all_pipe"),
          case_of<WriteAll<InMemory>>("write_all_duplex"),
          case_of<Flush<UnixStreams>>("flush_socket"),
          case_of<Flush<PipeOut>>("flush_pipe"),
          case_of<Flush<InMemory>>("flush_duplex"),
          case_of<PeerEnded>("peer_ended_duplex"),
          case_of<PeerClosed>("peer_closed_duplex")};
}

class EveryByteOperation : public ::testing::TestWithParam<Factory> {
 protected:
  void SetUp() override { handles_ = open_handles(); }
  void TearDown() override { EXPECT_EQ(open_handles(), handles_); }

  /// Runs `work(case)`, a coroutine, on a runtime of this thread.
  template <class W>
  void run(W work) {
    Runtime runtime(test::options_for(0));
    const std::unique_ptr<Case> one = GetParam().make();
    runtime.block_on(work(*one));
  }

 private:
  std::size_t handles_ = 0;
};

/// The value, or the reason of the error.
Task<std::string> text_of(Task<std::string> operation) {
  auto result = co_await attempt(std::move(operation));
  co_return result ? *result : result.error().code().message();
}

/// Expects that the next operation delivers what an operation that was cancelled has not.
Task<void> expect_nothing_lost(Case& one) {
  const std::string value = co_await one.operate();
  EXPECT_EQ(value, one.expected());
}

TEST_P(EveryByteOperation, CompletesAtOnce) {
  run([](Case& one) -> Task<void> {
    one.make_ready();
    const std::string value = co_await one.operate();
    EXPECT_EQ(value, one.expected());
  });
}

TEST_P(EveryByteOperation, CompletesAfterWaiting) {
  run([](Case& one) -> Task<void> {
    auto meanwhile = [&one]() -> Task<void> {
      one.make_ready();
      co_return;
    };
    auto both = co_await when_all(one.operate(), meanwhile());
    EXPECT_EQ(std::get<0>(both), one.expected());
  });
}

TEST_P(EveryByteOperation, CancelledBeforeItBegins) {
  run([](Case& one) -> Task<void> {
    one.make_ready();
    auto operate = [&one]() -> Task<std::string> {
      co_await yield_now();
      std::string value = co_await one.operate();
      co_return value;
    };
    JoinHandle<std::string> running = spawn(operate);
    running.cancel();
    const Outcome<std::string> outcome = co_await std::move(running).outcome();
    EXPECT_TRUE(outcome.cancelled());
    co_await expect_nothing_lost(one);
  });
}

TEST_P(EveryByteOperation, CancelledWhileItWaits) {
  run([](Case& one) -> Task<void> {
    auto meanwhile = []() -> Task<void> { co_return; };
    const auto first = co_await select(one.operate(), meanwhile());
    EXPECT_FALSE(first.has<0>());
    one.make_ready();
    co_await expect_nothing_lost(one);
  });
}

TEST_P(EveryByteOperation, CancelledWhenItCouldGoOn) {
  run([](Case& one) -> Task<void> {
    auto meanwhile = [&one]() -> Task<void> {
      one.make_ready();
      co_return;
    };
    auto first = co_await select(one.operate(), meanwhile());
    if (first.has<0>()) {
      const std::string value = first.take<0>();
      EXPECT_EQ(value, one.expected());
    } else {
      co_await expect_nothing_lost(one);
    }
  });
}

TEST_P(EveryByteOperation, EndsWhenThePeerIsLost) {
  run([](Case& one) -> Task<void> {
    auto meanwhile = [&one]() -> Task<void> {
      one.lose_peer();
      co_return;
    };
    auto both = co_await when_all(text_of(one.operate()), meanwhile());
    EXPECT_EQ(std::get<0>(both), one.lost());
    const std::string again = co_await text_of(one.operate());
    EXPECT_EQ(again, one.lost());
  });
}

TEST_P(EveryByteOperation, AnInjectedErrorIsThrownAndLosesNothing) {
  run([](Case& one) -> Task<void> {
    if (!one.call()) co_return;  // it makes no system calls
    one.make_ready();
    {
      detail::ScopedFaults faults;
      faults.add({.call = *one.call(), .errno_value = EIO});
      const std::string error = co_await text_of(one.operate());
      EXPECT_EQ(error, std::make_error_code(std::errc::io_error).message());
      EXPECT_EQ(faults.struck(), 1U);
    }
    co_await expect_nothing_lost(one);
  });
}

INSTANTIATE_TEST_SUITE_P(Streams, EveryByteOperation, ::testing::ValuesIn(all_cases()),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace weft::testing::byte_stream_conformance_test
