// pipe(), FIFOs, and pipes that were made elsewhere.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <utility>
#include <weft/buffered.hpp>
#include <weft/pipe.hpp>
#include <weft/spawn.hpp>
#include <weft/timeout.hpp>
#include <weft/when_all.hpp>

#include "io_support.hpp"
#include "net_support.hpp"
#include "os/fault.hpp"
#include "support/helpers.hpp"

namespace weft::testing::pipe_test {
namespace {

using test::text_of_error;

class PipeTest : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, PipeTest, ::testing::Values(0, 1, 2), name_of_workers);

/// A directory with a FIFO in it.
class FifoPlace {
 public:
  FifoPlace() {
    EXPECT_NE(::mkdtemp(directory_.data()), nullptr);
    EXPECT_EQ(::mkfifo(path().c_str(), 0600), 0);
  }
  ~FifoPlace() {
    ::unlink(path().c_str());
    ::rmdir(directory_.c_str());
  }
  FifoPlace(const FifoPlace&) = delete;
  FifoPlace& operator=(const FifoPlace&) = delete;
  [[nodiscard]] const std::string& directory() const noexcept { return directory_; }
  [[nodiscard]] std::string path() const { return directory_ + "/fifo"; }

 private:
  std::string directory_ = "/tmp/weft_pipe_test_XXXXXX";
};

bool is_non_blocking(int handle) { return (::fcntl(handle, F_GETFL) & O_NONBLOCK) != 0; }

TEST_P(PipeTest, WhatIsWrittenIsReadAndThenTheEnd) {
  run([]() -> Task<void> {
    auto [reader, writer] = pipe();
    EXPECT_TRUE(is_non_blocking(reader.native_handle()));
    EXPECT_NE(::fcntl(writer.native_handle(), F_GETFD) & FD_CLOEXEC, 0);
    const std::string text = pattern(300'000);
    auto write = [&w = writer, &text]() -> Task<void> {
      co_await w.write_all(text);
      EXPECT_TRUE(w.shutdown().has_value());
      EXPECT_FALSE(static_cast<bool>(w));
    };
    auto [done, got] = co_await when_all(write(), read_all(reader));
    EXPECT_TRUE(got == text);
  });
}

TEST_P(PipeTest, AWaitingReadIsCancelledWithoutLoss) {
  run([]() -> Task<void> {
    auto [reader, writer] = pipe();
    std::array<char, 8> buffer{};
    const auto none = co_await attempt(timeout(reader.read(buffer), std::chrono::milliseconds(1)));
    EXPECT_EQ(none.error(), std::errc::timed_out);
    EXPECT_EQ(reader.try_read(std::as_writable_bytes(std::span(buffer))).error(),
              std::errc::operation_would_block);
    EXPECT_EQ(writer.try_write("abc").value(), 3U);
    const std::size_t size = co_await reader.read(buffer);
    EXPECT_EQ(std::string_view(buffer.data(), size), "abc");
  });
}

TEST_P(PipeTest, WithoutAReaderAWriteFailsAndRaisesNoSignal) {
  run([]() -> Task<void> {
    auto [reader, writer] = pipe();
    const std::string name = writer.subject();
    EXPECT_EQ(name, "pipe " + std::to_string(writer.native_handle()));
    reader.close();
    const std::string error = co_await text_of_error(writer.write_all("x"));
    EXPECT_EQ(error, "write " + name + ": broken pipe");
    EXPECT_EQ(writer.try_write("x").error(), std::errc::broken_pipe);
  });
}

TEST_P(PipeTest, AFullPipeMakesWritersWait) {
  run([]() -> Task<void> {
    auto [reader, writer] = pipe();
    const std::size_t capacity = writer.set_capacity(4096).value();
    EXPECT_EQ(capacity, 4096U);
    EXPECT_EQ(reader.capacity().value(), 4096U);
    const std::string text = pattern(4096);
    EXPECT_EQ(writer.try_write(text).value(), 4096U);
    EXPECT_EQ(writer.try_write("x").error(), std::errc::operation_would_block);
    auto write = [&w = writer]() -> Task<void> { co_await w.write_all("behind"); };
    JoinHandle<void> writing = spawn(write);
    co_await yield_now();
    EXPECT_FALSE(writing.ended());
    std::string got(4096 + 6, ' ');
    co_await reader.read_exact(got);
    EXPECT_TRUE(got == text + "behind");
    co_await std::move(writing);
  });
}

TEST_P(PipeTest, ClosingUnderAnOperationEndsIt) {
  run([]() -> Task<void> {
    auto [reader, writer] = pipe();
    auto read = [&r = reader]() -> Task<std::string> {
      std::array<char, 8> buffer{};
      std::string error = co_await text_of_error(r.read(buffer));
      co_return error;
    };
    JoinHandle<std::string> reading = spawn(read);
    co_await yield_now();
    reader.close();
    const std::string error = co_await std::move(reading);
    EXPECT_TRUE(error.ends_with(": operation canceled")) << error;
    EXPECT_EQ(reader.native_handle(), invalid_handle);
    EXPECT_EQ(reader.capacity().error(), std::errc::operation_canceled);
  });
}

TEST_P(PipeTest, WithoutDescriptorsTheErrorSaysSo) {
  detail::ScopedFaults faults;
  faults.add({.call = detail::Call::pipe2, .errno_value = EMFILE, .times = 2});
  EXPECT_EQ(Pipe::make().error(), std::errc::too_many_files_open);
  try {
    static_cast<void>(pipe());
    ADD_FAILURE() << "no error";
  } catch (const IoError& error) {
    EXPECT_STREQ(error.what(), "pipe: too many open files");
  }
}

TEST_P(PipeTest, AnAdoptedEndBecomesNonBlockingForAllThatShareIt) {
  run([]() -> Task<void> {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    const int shared = ::dup(ends[1]);
    Result<PipeReader> reader = PipeReader::adopt(ends[0]);
    Result<PipeWriter> writer = PipeWriter::adopt(ends[1]);
    EXPECT_TRUE(reader.has_value());
    EXPECT_TRUE(writer.has_value());
    EXPECT_TRUE(is_non_blocking(shared));
    EXPECT_NE(::fcntl(ends[0], F_GETFD) & FD_CLOEXEC, 0);
    co_await writer->write_all("text");
    ::close(shared);
    writer->close();
    const std::string got = co_await read_all(*reader);
    EXPECT_EQ(got, "text");
  });
}

TEST_P(PipeTest, AReopenedEndLeavesTheOtherOneAsItIs) {
  run([]() -> Task<void> {
    std::array<int, 2> ends{};
    EXPECT_EQ(::pipe(ends.data()), 0);
    {
      Result<PipeReader> reader = PipeReader::reopen(ends[0]);
      Result<PipeWriter> writer = PipeWriter::reopen(ends[1]);
      EXPECT_TRUE(reader.has_value());
      EXPECT_TRUE(writer.has_value());
      EXPECT_FALSE(is_non_blocking(ends[0]));
      EXPECT_FALSE(is_non_blocking(ends[1]));
      auto read = [&r = *reader]() -> Task<std::string> {
        std::string text(8, ' ');
        co_await r.read_exact(text);
        co_return text;
      };
      JoinHandle<std::string> reading = spawn(read);
      co_await yield_now();
      EXPECT_EQ(::write(ends[1], "from", 4), 4);
      co_await writer->write_all("both");
      const std::string text = co_await std::move(reading);
      EXPECT_EQ(text, "fromboth");
    }
    EXPECT_EQ(::close(ends[0]), 0) << "it is still the caller's";
    EXPECT_EQ(::close(ends[1]), 0);
  });
}

TEST_P(PipeTest, WhatIsNoPipeOrTheOtherEndIsRefused) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const int file = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  const auto not_a_pipe = make_error_code(IoErrc::not_a_pipe);
  EXPECT_EQ(PipeReader::adopt(ends[1]).error(), not_a_pipe);
  EXPECT_EQ(PipeWriter::adopt(ends[0]).error(), not_a_pipe);
  EXPECT_EQ(PipeWriter::adopt(file).error(), not_a_pipe);
  EXPECT_EQ(PipeReader::reopen(file).error(), not_a_pipe);
  EXPECT_EQ(PipeReader::adopt(-1).error(), std::errc::bad_file_descriptor);
  EXPECT_FALSE(is_non_blocking(ends[0]));
  for (const int handle : {ends[0], ends[1], file}) EXPECT_EQ(::close(handle), 0);
}

TEST_P(PipeTest, AReleasedHandleIsTheCallers) {
  run([]() -> Task<void> {
    auto [reader, writer] = pipe();
    std::array<char, 4> first{};
    // Of two awaitables that begin on this worker, the second one runs when the first one waits.
    auto answer = [&r = reader, &w = writer]() -> Task<void> {
      EXPECT_EQ(r.release().error(), std::errc::device_or_resource_busy);
      co_await w.write_all("busy");
    };
    co_await when_all(reader.read_exact(first), answer());
    const int handle = writer.native_handle();
    EXPECT_EQ(writer.release().value(), handle);
    EXPECT_FALSE(static_cast<bool>(writer));
    EXPECT_EQ(::write(handle, "text", 4), 4);
    Result<PipeWriter> again = PipeWriter::adopt(handle);
    EXPECT_TRUE(again.has_value());
    co_await again->write_all(" and more");
    again->close();
    EXPECT_EQ(again->release().error(), std::errc::operation_canceled);
    const std::string text = co_await read_all(reader);
    EXPECT_EQ(text, "text and more");
    const int left = reader.release().value();
    EXPECT_EQ(::close(left), 0);
  });
}

TEST_P(PipeTest, AFifoIsReadFromItsFirstWriterOn) {
  run([]() -> Task<void> {
    const FifoPlace place;
    EXPECT_EQ(PipeWriter::try_open_fifo(place.path()).error(), make_error_code(IoErrc::no_reader));
    EXPECT_EQ(PipeWriter::try_open_fifo(place.path()).error(),
              std::errc::no_such_device_or_address);
    auto read = [&place]() -> Task<std::string> {
      PipeReader reader = co_await PipeReader::open_fifo(place.path());
      EXPECT_EQ(reader.subject(), place.path());
      std::string text = co_await read_all(reader);
      co_return text;
    };
    JoinHandle<std::string> reading = spawn(read);
    Result<PipeWriter> writer = fail(IoErrc::no_reader);
    auto opened = [&] {
      writer = PipeWriter::try_open_fifo(place.path());
      return writer.has_value();
    };
    co_await test::until(opened);
    EXPECT_FALSE(reading.ended()) << "a FIFO that has no bytes yet has not ended";
    co_await writer->write_all("through a file");
    writer->close();
    const std::string text = co_await std::move(reading);
    EXPECT_EQ(text, "through a file");
  });
}

TEST_P(PipeTest, AWriterThatOnlyComesAndGoesIsTheEnd) {
  run([]() -> Task<void> {
    const FifoPlace place;
    auto read = [&place]() -> Task<std::string> {
      PipeReader reader = co_await PipeReader::open_fifo(place.path());
      std::string text = co_await read_all(reader);
      co_return text;
    };
    JoinHandle<std::string> reading = spawn(read);
    auto came_and_went = [&] { return PipeWriter::try_open_fifo(place.path()).has_value(); };
    co_await test::until(came_and_went);
    const std::string text = co_await std::move(reading);
    EXPECT_EQ(text, "");
  });
}

TEST_P(PipeTest, AHeldFifoHasNoEndAndNeedsNoReader) {
  run([]() -> Task<void> {
    const FifoPlace place;
    const FifoOptions held{.hold_other_end = true};
    PipeWriter early = PipeWriter::open_fifo(place.path(), held);
    co_await early.write_all("early\n");
    PipeReader reader = co_await PipeReader::open_fifo(place.path(), held);
    early.close();
    BufferedReader lines(reader);
    const auto first = co_await lines.read_line();
    EXPECT_EQ(first, "early");
    for (const std::string_view text : {"one", "two"}) {
      PipeWriter writer = PipeWriter::open_fifo(place.path());
      co_await writer.write_all(text);
      co_await writer.write_all("\n");
      writer.close();
      const auto line = co_await lines.read_line();
      EXPECT_EQ(line, text);
    }
    const auto none = co_await attempt(timeout(lines.read_line(), std::chrono::milliseconds(1)));
    EXPECT_EQ(none.error(), std::errc::timed_out);
  });
}

TEST_P(PipeTest, OpeningAFifoIsCancelledAndItsErrorsNameIt) {
  run([]() -> Task<void> {
    const FifoPlace place;
    const auto late = co_await attempt(
        timeout(PipeReader::open_fifo(place.path()), std::chrono::milliseconds(1)));
    EXPECT_EQ(late.error(), std::errc::timed_out);
    const std::string missing = co_await text_of_error(PipeReader::open_fifo("/no/such/fifo"));
    EXPECT_EQ(missing, "open /no/such/fifo: no such file or directory");
    const std::string directory = co_await text_of_error(PipeReader::open_fifo(place.directory()));
    EXPECT_EQ(directory, "open " + place.directory() + ": it is not that end of a pipe or FIFO");
    try {
      static_cast<void>(PipeWriter::open_fifo(place.path()));
      ADD_FAILURE() << "no error";
    } catch (const IoError& error) {
      EXPECT_EQ(error.what(), "open " + place.path() + ": no process has it open for reading");
    }
    detail::ScopedFaults faults;
    faults.add({.call = detail::Call::open_pipe, .errno_value = EMFILE});
    EXPECT_EQ(PipeReader::try_open_fifo(place.path()).error(), std::errc::too_many_files_open);
  });
}

}  // namespace
}  // namespace weft::testing::pipe_test
