// The operations over readers and writers, with each kind of stream.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <cstddef>
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

#include "conformance/awaited_case.hpp"

namespace weft::testing {
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

template <class Streams>
class Reading : public AwaitedCase {
 public:
  void make_ready() override { EXPECT_EQ(streams_.far->try_write("hello\n").value(), 6U); }
  void lose_peer() override { streams_.far.reset(); }
  std::string expected() const override { return "hello\n"; }
  std::optional<std::string> lost() const override { return ""; }
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
  std::optional<std::string> lost() const override { return "unexpected end of stream"; }
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
class Writing : public AwaitedCase {
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
  std::optional<std::string> lost() const override {
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
class PeerEnded final : public AwaitedCase {
 public:
  Task<std::string> operate() override {
    co_await streams_.near->peer_ended();
    co_return "told";
  }
  void make_ready() override { EXPECT_TRUE(streams_.far->shutdown().has_value()); }
  void lose_peer() override { streams_.far.reset(); }
  std::string expected() const override { return "told"; }
  std::optional<std::string> lost() const override { return "told"; }

 private:
  InMemory streams_;
};

class PeerClosed final : public AwaitedCase {
 public:
  Task<std::string> operate() override {
    co_await streams_.near->peer_closed();
    co_return "told";
  }
  void make_ready() override { streams_.far->close(); }
  void lose_peer() override { streams_.far.reset(); }
  std::string expected() const override { return "told"; }
  std::optional<std::string> lost() const override { return "told"; }

 private:
  InMemory streams_;
};

}  // namespace

std::vector<AwaitedCaseFactory> byte_stream_cases() {
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

}  // namespace weft::testing
