// Shared handles, terminals and their modes, with pseudo-terminals of the test. What is left behind
// by programs, signals and shells is in tests/e2e/test_terminal.py.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <string>
#include <utility>
#include <weft/buffered.hpp>
#include <weft/duplex.hpp>
#include <weft/on_complete.hpp>
#include <weft/terminal.hpp>
#include <weft/timeout.hpp>

#include "io_support.hpp"
#include "net_support.hpp"
#include "os/fault.hpp"
#include "support/pseudo_terminal.hpp"

namespace weft::testing::terminal_test {
namespace {

using detail::Call;
using test::text_of_error;

class TerminalTest : public Net {};
INSTANTIATE_TEST_SUITE_P(Runtimes, TerminalTest, ::testing::Values(0, 1, 2), name_of_workers);

bool is_non_blocking(int handle) { return (::fcntl(handle, F_GETFL) & O_NONBLOCK) != 0; }

struct Ends {
  explicit Ends(int type) {
    if (type == 0) {
      EXPECT_EQ(::pipe2(handles.data(), O_CLOEXEC), 0);
    } else {
      EXPECT_EQ(::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, handles.data()), 0);
    }
  }
  ~Ends() {
    for (const int handle : handles) ::close(handle);
  }
  Ends(const Ends&) = delete;
  Ends& operator=(const Ends&) = delete;
  std::array<int, 2> handles{};
};

Task<std::string> read_some(SharedReader& reader) {
  std::array<char, 64> room{};
  const std::size_t size = co_await reader.read(room);
  co_return std::string(room.data(), size);
}

/// Reads with a wait, a cancel that loses nothing, a write, and the flags as before.
Task<void> to_and_fro(int in, int out) {
  const int in_before = ::fcntl(in, F_GETFL);
  const int out_before = ::fcntl(out, F_GETFL);
  SharedReader reader = SharedReader::of(in, "there").value();
  SharedWriter writer = SharedWriter::of(out, "here").value();
  const auto none = co_await attempt(timeout(read_some(reader), std::chrono::milliseconds(1)));
  EXPECT_EQ(none.error(), std::errc::timed_out);
  co_await writer.writable();
  co_await writer.write_all("first");
  co_await reader.readable();
  const std::string first = co_await read_some(reader);
  EXPECT_EQ(first, "first");
  const std::string text = pattern(300'000);
  auto write = [&]() -> Task<void> { co_await writer.write_all(text); };
  auto read = [&]() -> Task<std::string> {
    std::string got(text.size(), ' ');
    co_await read_exact(reader, got);
    co_return got;
  };
  auto both = co_await when_all(write(), read());
  EXPECT_TRUE(std::get<1>(both) == text);
  EXPECT_EQ(::fcntl(in, F_GETFL), in_before);
  EXPECT_EQ(::fcntl(out, F_GETFL), out_before);
  EXPECT_EQ(reader.subject(), "there");
  EXPECT_FALSE(reader.is_terminal());
}

TEST_P(TerminalTest, PipesAndSocketsStayAsTheyAre) {
  for (const int type : {0, int{SOCK_STREAM}, SOCK_STREAM | SOCK_NONBLOCK}) {
    const Ends ends(type);
    run([&]() -> Task<void> { return to_and_fro(ends.handles[0], ends.handles[1]); });
  }
}

TEST_P(TerminalTest, APipeThatCannotBeOpenedAgainIsReadWhenItIsReady) {
  const Ends ends(0);
  for (const bool without_nowait : {false, true}) {
    detail::ScopedFaults faults;
    faults.add({.call = Call::open_pipe, .errno_value = EACCES, .times = detail::Fault::always});
    if (without_nowait) {
      faults.add(
          {.call = Call::read_in_place, .errno_value = EOPNOTSUPP, .times = detail::Fault::always});
    }
    run([&]() -> Task<void> { return to_and_fro(ends.handles[0], ends.handles[1]); });
    EXPECT_GE(faults.calls(Call::open_pipe), 2U);
  }
}

TEST_P(TerminalTest, WithoutAReaderItIsAnErrorAndNoSignal) {
  run([]() -> Task<void> {
    for (const int type : {0, int{SOCK_STREAM}}) {
      for (const bool before : {true, false}) {
        Ends ends(type);
        if (before) ::close(std::exchange(ends.handles[0], -1));
        SharedWriter writer = SharedWriter::of(ends.handles[1], "out").value();
        if (!before) ::close(std::exchange(ends.handles[0], -1));
        const std::string error = co_await text_of_error(writer.write_all("x"));
        EXPECT_EQ(error, "write out: broken pipe");
      }
    }
  });
}

TEST_P(TerminalTest, APipeWithoutWritersIsReadyToEnd) {
  run([]() -> Task<void> {
    Ends ends(0);
    ::close(std::exchange(ends.handles[1], -1));
    SharedReader reader = SharedReader::of(ends.handles[0]).value();
    EXPECT_EQ(reader.subject(), "handle " + std::to_string(ends.handles[0]));
    co_await reader.readable();
    const std::string end = co_await read_some(reader);
    EXPECT_EQ(end, "");
  });
}

TEST_P(TerminalTest, ClosingEndsAReadAndLeavesTheHandle) {
  const PseudoTerminal terminal;
  const Ends pipe_ends(0);
  const Ends sockets(SOCK_STREAM);
  for (const int handle : {terminal.line, pipe_ends.handles[0], sockets.handles[0]}) {
    run([handle]() -> Task<void> {
      SharedReader reader = SharedReader::of(handle, "in").value();
      auto reads = [&]() -> Task<std::string> {
        const std::string error = co_await text_of_error(read_some(reader));
        co_return error;
      };
      JoinHandle<std::string> reading = spawn(reads);
      co_await yield_now();
      reader.close();
      EXPECT_FALSE(static_cast<bool>(reader));
      const std::string error = co_await std::move(reading);
      EXPECT_EQ(error, "read in: operation canceled");
      EXPECT_GE(::fcntl(handle, F_GETFD), 0);
    });
  }
}

TEST_P(TerminalTest, WhatIsNotOpenForItIsRefused) {
  const Ends ends(0);
  EXPECT_EQ(SharedReader::of(ends.handles[1]).error(), std::errc::bad_file_descriptor);
  EXPECT_EQ(SharedWriter::of(ends.handles[0]).error(), std::errc::bad_file_descriptor);
  EXPECT_EQ(SharedWriter::of(-1).error(), std::errc::bad_file_descriptor);
  const int path = ::open("/", O_PATH | O_CLOEXEC);
  EXPECT_EQ(SharedReader::of(path).error(), std::errc::bad_file_descriptor);
  ::close(path);
  try {
    static_cast<void>(Terminal::of(ends.handles[0]));
    ADD_FAILURE() << "a pipe is a terminal";
  } catch (const IoError& error) {
    EXPECT_EQ(error.code(), std::errc::inappropriate_io_control_operation);
  }
}

TEST_P(TerminalTest, AFileGoesOnAtItsCursor) {
  std::string path = "/tmp/weft_terminal_test_XXXXXX";
  const int file = ::mkstemp(path.data());
  ::unlink(path.c_str());
  run([file]() -> Task<void> {
    SharedWriter writer = SharedWriter::of(file).value();
    co_await writer.write_all(std::string("one two"));
    EXPECT_EQ(::lseek(file, 0, SEEK_CUR), 7);
    EXPECT_EQ(::lseek(file, 4, SEEK_SET), 4);
    SharedReader reader = SharedReader::of(file).value();
    co_await reader.readable();
    const std::string rest = co_await read_some(reader);
    EXPECT_EQ(rest, "two");
    const std::string end = co_await read_some(reader);
    EXPECT_EQ(end, "");
    EXPECT_TRUE(writer.shutdown().has_value());
    EXPECT_EQ(writer.shutdown().error(), std::errc::operation_canceled);
    const std::string error = co_await text_of_error(writer.write_all("x"));
    EXPECT_TRUE(error.ends_with("operation canceled")) << error;
  });
  EXPECT_FALSE(is_non_blocking(file));
  ::close(file);
}

TEST_P(TerminalTest, ShutdownEndsAPipeForItsReader) {
  run([]() -> Task<void> {
    const Ends ends(0);
    SharedWriter writer = SharedWriter::of(ends.handles[1]).value();
    SharedReader reader = SharedReader::of(ends.handles[0]).value();
    co_await writer.write_all("last");
    EXPECT_TRUE(writer.shutdown().has_value());
    BufferedReader buffered(std::move(reader));
    const std::string all = co_await buffered.read_to_end(100);
    EXPECT_EQ(all, "last");
    EXPECT_EQ(::write(ends.handles[1], "x", 1), 1) << "the number is open, and nobody's pipe";
  });
}

TEST_P(TerminalTest, TwoMadeOneStream) {
  run([]() -> Task<void> {
    const Ends in(0);
    const Ends out(0);
    auto [ours, theirs] = duplex(64);
    auto user = join(SharedReader::of(in.handles[0], "in").value(),
                     SharedWriter::of(out.handles[1], "out").value());
    static_assert(ByteStream<decltype(user)>);
    EXPECT_EQ(user.subject(), "in and out");
    auto relay = [&]() -> Task<void> {
      const CopiedBytes moved = co_await copy_bidirectional(user, ours);
      EXPECT_EQ(moved.a_to_b, 4U);
      EXPECT_EQ(moved.b_to_a, 5U);
    };
    JoinHandle<void> relaying = spawn(relay);
    co_await theirs.write_all("hello");
    EXPECT_TRUE(theirs.shutdown().has_value());
    SharedReader reader = SharedReader::of(out.handles[0]).value();
    const std::string hello = co_await read_all(reader);
    EXPECT_EQ(hello, "hello");
    EXPECT_EQ(::write(in.handles[1], "back", 4), 4);
    SharedWriter closer = SharedWriter::of(in.handles[1]).value();
    EXPECT_TRUE(closer.shutdown().has_value());
    const std::string back = co_await read_all(theirs);
    EXPECT_EQ(back, "back");
    co_await std::move(relaying);
  });
}

TEST_P(TerminalTest, ATerminalGivesLines) {
  const PseudoTerminal terminal;
  run([&]() -> Task<void> {
    SharedReader reader = SharedReader::of(terminal.line, "in").value();
    EXPECT_TRUE(reader.is_terminal());
    JoinHandle<std::string> reading = spawn(read_some(reader));
    co_await yield_now();
    EXPECT_FALSE(is_non_blocking(terminal.line));
    terminal.type("half");
    terminal.type(" a line\nnext");
    const std::string line = co_await std::move(reading);
    EXPECT_EQ(line, "half a line\n");
    EXPECT_EQ(Terminal::of(terminal.line).name(), terminal.path);
  });
}

TEST_P(TerminalTest, WaysOfReading) {
  const PseudoTerminal terminal;
  Runtime runtime;
  SharedReader reader = SharedReader::of(terminal.line, "in").value();
  terminal.type("thread\n");
  EXPECT_EQ(runtime.block_on([&]() -> Task<std::string> { return read_some(reader); }), "thread\n");
  terminal.type("fiber\n");
  EXPECT_EQ(runtime.block_on(fiber([&] { return await(read_some(reader)); })), "fiber\n");
  terminal.type("future\n");
  auto future = [&]() -> Task<std::string> {
    std::string text = co_await as_future(read_some(reader));
    co_return text;
  };
  EXPECT_EQ(runtime.block_on(future), "future\n");
}

// Modes

TEST(TerminalModeTest, RawUntilItEnds) {
  const PseudoTerminal pseudo;
  const termios before = pseudo.mode();
  Terminal terminal = Terminal::of(pseudo.line);
  {
    const TerminalMode raw = terminal.raw();
    EXPECT_FALSE(pseudo.has(ICANON | ECHO | ISIG));
    EXPECT_EQ(pseudo.mode().c_oflag & OPOST, 0U);
  }
  {
    const TerminalMode cbreak = terminal.cbreak();
    EXPECT_FALSE(pseudo.has(ICANON | ECHO));
    EXPECT_TRUE(pseudo.has(ISIG));
  }
  try {
    const TerminalMode quiet = terminal.no_echo();
    EXPECT_FALSE(pseudo.has(ECHO));
    EXPECT_TRUE(pseudo.has(ICANON));
    throw 1;
  } catch (int) {
  }
  const termios after = pseudo.mode();
  EXPECT_EQ(after.c_lflag, before.c_lflag);
  EXPECT_EQ(after.c_iflag, before.c_iflag);
  EXPECT_EQ(after.c_oflag, before.c_oflag);
}

TEST(TerminalModeTest, EndsInAnyOrder) {
  const PseudoTerminal pseudo;
  Terminal terminal = Terminal::of(pseudo.line);
  // In reverse order
  {
    const TerminalMode raw = terminal.raw();
    {
      const TerminalMode quiet = terminal.cbreak();
      EXPECT_FALSE(pseudo.has(ICANON));
    }
    EXPECT_FALSE(pseudo.has(ISIG | ICANON));
  }
  EXPECT_TRUE(pseudo.has(ICANON));
  // The first one first: the second one holds, and then all is as it was.
  TerminalMode first = terminal.raw();
  TerminalMode second = terminal.no_echo();
  TerminalMode third = terminal.cbreak();
  EXPECT_TRUE(first.restore().has_value());
  EXPECT_FALSE(static_cast<bool>(first));
  EXPECT_TRUE(second.restore().has_value());
  EXPECT_FALSE(pseudo.has(ICANON));
  third = terminal.raw();  // ends the third after the fourth was made
  EXPECT_FALSE(pseudo.has(ICANON));
  EXPECT_TRUE(third.restore().has_value());
  EXPECT_TRUE(pseudo.has(ICANON));
  EXPECT_TRUE(pseudo.has(ECHO));
}

TEST(TerminalModeTest, OutlivesTheTerminalThatMadeIt) {
  const PseudoTerminal pseudo;
  TerminalMode mode = [&] { return Terminal::of(pseudo.line).raw(); }();
  EXPECT_TRUE(mode.restore().has_value());
  EXPECT_TRUE(pseudo.has(ICANON));
}

TEST(TerminalModeTest, SixteenAtATimeAndTwoTerminals) {
  const PseudoTerminal pseudo;
  const PseudoTerminal other;
  Terminal terminal = Terminal::of(pseudo.line);
  std::vector<TerminalMode> modes;
  for (int i = 0; i < 15; ++i) modes.push_back(terminal.raw());
  modes.push_back(Terminal::of(other.line).raw());
  try {
    static_cast<void>(terminal.raw());
    ADD_FAILURE() << "no error";
  } catch (const IoError& error) {
    EXPECT_EQ(error.code(), std::errc::resource_unavailable_try_again);
    EXPECT_TRUE(std::string(error.what()).starts_with("change the mode " + pseudo.path));
  }
  modes.pop_back();
  EXPECT_TRUE(other.has(ICANON));
  EXPECT_FALSE(pseudo.has(ICANON));
  modes.clear();
  EXPECT_TRUE(pseudo.has(ICANON));
}

TEST(TerminalModeTest, TheActionsOfSignalsComeBack) {
  const PseudoTerminal pseudo;
  struct sigaction now{};
  {
    const TerminalMode raw = Terminal::of(pseudo.line).raw();
    ::sigaction(SIGUSR2, nullptr, &now);
    EXPECT_NE(now.sa_handler, SIG_DFL);
  }
  ::sigaction(SIGUSR2, nullptr, &now);
  EXPECT_EQ(now.sa_handler, SIG_DFL);
}

TEST(TerminalModeDeathTest, ASignalRestoresBeforeItKills) {
  const PseudoTerminal pseudo;
  EXPECT_EXIT(
      {
        const TerminalMode raw = Terminal::of(pseudo.line).raw();
        if (pseudo.has(ICANON)) std::_Exit(1);
        ::raise(SIGUSR2);
      },
      ::testing::KilledBySignal(SIGUSR2), "");
  EXPECT_TRUE(pseudo.has(ICANON));
}

TEST_P(TerminalTest, SizesAsTheyChange) {
  const PseudoTerminal pseudo;
  run([&]() -> Task<void> {
    Terminal terminal = Terminal::of(pseudo.line);
    EXPECT_TRUE(terminal.set_window_size({.columns = 80, .rows = 24}).has_value());
    EXPECT_EQ(terminal.window_size().value(), (WindowSize{.columns = 80, .rows = 24}));
    WindowChanges changes = terminal.window_changes();
    EXPECT_TRUE(terminal.set_window_size({.columns = 90, .rows = 30}).has_value());
    auto size = co_await changes.next();  // it need not wait for the signal
    EXPECT_EQ(size, (WindowSize{.columns = 90, .rows = 30}));
    ::raise(SIGWINCH);  // which the terminal sends, where it controls the process
    auto next = [&]() -> Task<std::optional<WindowSize>> {
      std::optional<WindowSize> changed = co_await changes.next();
      co_return changed;
    };
    JoinHandle<std::optional<WindowSize>> waiting = spawn(next);
    co_await yield_now();
    EXPECT_FALSE(waiting.ended()) << "the size is the same";
    EXPECT_TRUE(terminal.set_window_size({.columns = 91, .rows = 30}).has_value());
    ::raise(SIGWINCH);
    size = co_await std::move(waiting);
    EXPECT_EQ(size->columns, 91);
    EXPECT_FALSE(terminal.in_foreground().has_value()) << "it does not control this process";
    changes.close();
    size = co_await changes.next();
    EXPECT_FALSE(size.has_value());
  });
}

TEST_P(TerminalTest, AReaderOfATerminalKeepsIt) {
  const PseudoTerminal pseudo;
  run([&]() -> Task<void> {
    for (const bool again : {true, false}) {
      detail::ScopedFaults faults;
      if (!again) {
        faults.add({.call = Call::open_pipe, .errno_value = EACCES, .times = 8});
      }
      SharedReader reader = Terminal::of(pseudo.line).reader();
      SharedWriter writer = Terminal::of(pseudo.line).writer();
      const auto none = co_await attempt(timeout(read_some(reader), std::chrono::milliseconds(1)));
      EXPECT_EQ(none.error(), std::errc::timed_out);
      pseudo.type("typed\n");
      const std::string line = co_await read_some(reader);
      EXPECT_EQ(line, "typed\n");
      co_await writer.write_all("written");
      EXPECT_FALSE(is_non_blocking(pseudo.line));
    }
  });
}

TEST_P(TerminalTest, AFifoIsMade) {
  std::string directory = "/tmp/weft_terminal_test_XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  const std::string path = directory + "/fifo";
  make_fifo(path, 0600);
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode, static_cast<mode_t>(S_IFIFO | 0600));
  EXPECT_EQ(try_make_fifo(path).error(), std::errc::file_exists);
  try {
    make_fifo(path);
    ADD_FAILURE() << "no error";
  } catch (const IoError& error) {
    EXPECT_EQ(error.what(), "make fifo " + path + ": file exists");
  }
  ::unlink(path.c_str());
  ::rmdir(directory.c_str());
}

}  // namespace
}  // namespace weft::testing::terminal_test
