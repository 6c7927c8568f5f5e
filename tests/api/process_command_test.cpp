// What a Command says of a child, the child gets, and no more; and each way in which it cannot be
// started has its own error.
#include <weft/process.hpp>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

#include "api/process_support.hpp"
#include "conformance/handles.hpp"
#include "os/fault.hpp"
#include "support/process_state.hpp"

namespace weft::test::process_command_test {
namespace {

using namespace std::chrono_literals;
using testing::Ends;

/// A folder that goes with its contents.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "weft-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }
  std::string add(const std::string& name, const std::string& text, mode_t mode = 0644) const {
    std::ofstream(path(name)) << text;
    ::chmod(path(name).c_str(), mode);
    return path(name);
  }
  [[nodiscard]] std::string text(const std::string& name) const {
    std::ifstream file(path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::string path_;
};

class CommandTest : public ProcessTest {
 protected:
  std::string out_of(const Command& command) { return run(command.output()).out; }
};
WEFT_ON_ALL_RUNTIMES(CommandTest);

TEST_P(CommandTest, GivesArguments) {
  Command command("printf");
  command.args({"%s|%s|%s", "a b", ""}).arg("$HOME");
  EXPECT_EQ(out_of(command), "a b||$HOME");
  EXPECT_EQ(out_of(shell("echo $0").name("renamed")), "renamed\n");
}

TEST_P(CommandTest, GivesAnEnvironment) {
  ::setenv("WEFT_TEST_KEPT", "kept", 1);
  ::setenv("WEFT_TEST_GONE", "gone", 1);
  Command command("/bin/sh");
  command.arg("-c").arg("echo $WEFT_TEST_KEPT,$WEFT_TEST_GONE,$WEFT_TEST_NEW");
  EXPECT_EQ(out_of(command), "kept,gone,\n");
  command.env("WEFT_TEST_NEW", "x=1").env_remove("WEFT_TEST_GONE");
  EXPECT_EQ(out_of(command), "kept,,x=1\n");
  Command clear("/usr/bin/env");
  clear.env("BEFORE", "1").env_clear().env("ONLY", "this").env("ONLY", "that");
  EXPECT_EQ(out_of(clear), "ONLY=that\n");
  ::unsetenv("WEFT_TEST_KEPT");
  ::unsetenv("WEFT_TEST_GONE");
}

TEST_P(CommandTest, LooksUpThePathOfTheChild) {
  const Folder first;
  const Folder second;
  first.add("weft-test-tool", "#!/bin/sh\necho first\n", 0644);  // no program
  second.add("weft-test-tool", "#!/bin/sh\necho second\n", 0755);
  Command command("weft-test-tool");
  command.env("PATH", "/nowhere:" + first.path() + ":" + second.path());
  EXPECT_EQ(out_of(command), "second\n");
  command.env("PATH", ":/nowhere").directory(second.path());  // an empty entry: the directory
  EXPECT_EQ(out_of(command), "second\n");
  Command system("true");
  system.env_clear();
  EXPECT_TRUE(run(system.status()).success());
}

TEST_P(CommandTest, EntersADirectory) {
  const Folder folder;
  folder.add("tool", "#!/bin/sh\npwd\n", 0755);
  Command command("./tool");
  command.directory(folder.path());
  EXPECT_EQ(out_of(command), std::filesystem::canonical(folder.path()).string() + "\n");
}

TEST_P(CommandTest, GivesFilesAndNothing) {
  const Folder folder;
  folder.add("in", "from a file");
  run([&]() -> Task<void> {
    Command command("cat");
    command.in(Stdio::read_file(folder.path("in"))).out(Stdio::write_file(folder.path("out")));
    ExitStatus status = co_await command.status();
    EXPECT_TRUE(status.success());
    command.out(Stdio::append_file(folder.path("out")));
    status = co_await command.status();
    EXPECT_TRUE(status.success());
    command.in(Stdio::null()).out(Stdio::null());
    status = co_await command.status();
    EXPECT_TRUE(status.success());
  });
  EXPECT_EQ(folder.text("out"), "from a filefrom a file");
}

TEST_P(CommandTest, GivesOpenHandles) {
  const Ends pipe = testing::make_pipe();
  Command command = shell("echo to a handle; echo further >&7");
  command.out(Stdio::handle(pipe.second.get())).give(pipe.second.get(), 7);
  EXPECT_TRUE(run(command.status()).success());
  EXPECT_EQ(testing::take(pipe.first), "to a handle\nfurther\n");
}

TEST_P(CommandTest, JoinsTheOutputs) {
  Command command = shell("echo one; echo two >&2");
  command.err(Stdio::same_as_output());
  const Output output = run(command.output());
  EXPECT_EQ(output.out, "one\ntwo\n");
  EXPECT_EQ(output.err, "");
  Command inherited = shell("exit 0");
  inherited.err(Stdio::same_as_output());
  EXPECT_TRUE(run(inherited.status()).success());
}

TEST_P(CommandTest, JoinsChildrenInAPipeline) {
  run([]() -> Task<void> {
    Command list = shell("echo b; echo a");
    list.out(Stdio::pipe());
    ChildProcess first = list.spawn();
    Command sort("sort");
    sort.in(Stdio::from(std::move(*first.out)));
    const Output output = co_await sort.output();
    EXPECT_EQ(output.out, "a\nb\n");
    const ExitStatus status = co_await first.wait();
    EXPECT_TRUE(status.success());
    try {
      static_cast<void>(sort.spawn());
      ADD_FAILURE() << "given twice";
    } catch (const SpawnError& error) {
      EXPECT_EQ(error.step(), SpawnStep::handles);
    }
    // The other way: into the input of a child that runs.
    Command count("cat");
    count.in(Stdio::pipe()).out(Stdio::pipe());
    ChildProcess reader = count.spawn();
    Command writer = shell("echo from the writer");
    writer.out(Stdio::to(std::move(*reader.in)));
    const ExitStatus written = co_await writer.status();
    EXPECT_TRUE(written.success());
    const std::string text = co_await text_of(*reader.out);
    EXPECT_EQ(text, "from the writer\n");
    co_await reader.wait();
  });
}

// Handles that stand in each other's places.
TEST_P(CommandTest, ExchangesHandles) {
  const Ends one = testing::make_pipe();
  const Ends two = testing::make_pipe();
  const int low = ::fcntl(one.second.get(), F_DUPFD_CLOEXEC, 40);
  const int high = ::fcntl(two.second.get(), F_DUPFD_CLOEXEC, 41);
  const std::string folder = "/proc/self/fd/";
  Command command = shell("echo first >" + folder + std::to_string(high) + "; echo second >" +
                          folder + std::to_string(low));
  command.give(low, high).give(high, low);
  EXPECT_TRUE(run(command.status()).success());
  EXPECT_EQ(testing::take(one.first), "first\n");
  EXPECT_EQ(testing::take(two.first), "second\n");
  ::close(low);
  ::close(high);
}

/// The numbers of a child's open handles.
Command lister() {
  // The listing's own handle is one of them.
  return shell("exec 2>/dev/null; for i in /proc/self/fd/*; do echo ${i##*/}; done");
}

TEST_P(CommandTest, KeepsAllOtherHandlesFromTheChild) {
  // A handle that is not close-on-exec, as foreign code opens them.
  const int foreign = ::fcntl(STDIN_FILENO, F_DUPFD, 50);
  const std::string with_one_call = out_of(lister());
  EXPECT_EQ(with_one_call.substr(0, 6), "0\n1\n2\n");
  EXPECT_EQ(with_one_call.find("\n" + std::to_string(foreign) + "\n"), std::string::npos)
      << with_one_call;
  detail::ScopedFaults faults;
  faults.add({.call = detail::Call::child_close_range,
              .errno_value = ENOSYS,
              .times = detail::Fault::always});
  EXPECT_EQ(out_of(lister()), with_one_call);
  ::close(foreign);
}

TEST_P(CommandTest, KeepsTheHandlesOfConcurrentSpawnsApart) {
  run([]() -> Task<void> {
    auto many = []() -> Task<void> {
      for (int i = 0; i < 25; ++i) {
        Command command = lister();
        command.in(Stdio::pipe());
        const Output output = co_await command.output();
        // Three streams, and what the shell opens for the listing.
        const auto lines = std::count(output.out.begin(), output.out.end(), '\n');
        EXPECT_LE(lines, 4) << output.out;
      }
    };
    std::vector<JoinHandle<void>> tasks;
    for (int i = 0; i < 8; ++i) tasks.push_back(spawn(many));
    for (JoinHandle<void>& each : tasks) co_await std::move(each);
  });
}

TEST_P(CommandTest, SetsMaskLimitsGroupAndSession) {
  EXPECT_EQ(out_of(shell("umask").umask(027)), "0027\n");
  EXPECT_EQ(out_of(shell("ulimit -n; ulimit -Hn").limit(Resource::open_files, 50, 60)), "50\n60\n");
  EXPECT_EQ(out_of(shell("ulimit -c").limit(Resource::core_bytes, 0)), "0\n");
  const char* const ids = "echo $$; cut -d' ' -f5,6 /proc/$$/stat";
  const std::string group = out_of(shell(ids).new_group());
  const std::string pid = group.substr(0, group.find('\n'));
  EXPECT_EQ(group.substr(pid.size() + 1, pid.size()), pid);
  const std::string session = out_of(shell(ids).new_session());
  const std::string leader = session.substr(0, session.find('\n'));
  EXPECT_EQ(session, leader + "\n" + leader + " " + leader + "\n");
}

TEST_P(CommandTest, SetsIds) {
  if (::geteuid() != 0) GTEST_SKIP() << "only the superuser may";
  Command command = shell("id -u; id -g; id -G");
  command.uid(65534).gid(65533);
  EXPECT_EQ(out_of(command), "65534\n65533\n65533\n");  // the groups of this process are gone
  command.groups({65533, 4711});
  EXPECT_EQ(out_of(command), "65534\n65533\n65533 4711\n");
}

// The mask of this thread, its handlers, and an ignored SIGPIPE are not the child's.
TEST_P(CommandTest, StartsWithSignalsAsAtTheProgramsStart) {
  const std::string plain = out_of(shell("grep -E 'Sig(Blk|Ign|Cgt)' /proc/self/status"));
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  struct sigaction pipe{};
  struct sigaction ignore{};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, &pipe);
  SignalListener handled(SIGUSR1);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  std::string output;
  {
    ChildProcess child = [] {
      Command command = shell("grep -E 'Sig(Blk|Ign|Cgt)' /proc/self/status");
      command.out(Stdio::pipe());
      return command.spawn();
    }();
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    output = run(text_of(*child.out));
    static_cast<void>(run(child.wait()));
  }
  ::sigaction(SIGPIPE, &pipe, nullptr);
  EXPECT_EQ(output, plain);
  EXPECT_NE(plain, "");
}

TEST_P(CommandTest, IsAValue) {
  Command first("echo");
  first.arg("a");
  Command second = first;
  second.arg("b");
  EXPECT_EQ(out_of(first), "a\n");
  EXPECT_EQ(out_of(second), "a b\n");
  first = second;
  Command third = std::move(second);
  EXPECT_EQ(out_of(first), "a b\n");
  EXPECT_EQ(out_of(third), "a b\n");
}

// Output

TEST_P(CommandTest, OutputOfBothStreamsIsReadAtOnceAndBounded) {
  const std::size_t limit = 1000;
  Command command = shell(
      "head -c 67108864 /dev/zero | tr '\\0' e >&2 & head -c 67108864 /dev/zero | tr '\\0' o; "
      "wait");
  const Output output = run(command.output(limit));
  EXPECT_TRUE(output.status.success());
  EXPECT_EQ(output.out, std::string(limit, 'o'));
  EXPECT_EQ(output.err, std::string(limit, 'e'));
  EXPECT_TRUE(output.out_truncated);
  EXPECT_TRUE(output.err_truncated);
  EXPECT_FALSE(output.pipes_held);
}

TEST_P(CommandTest, OutputWithinTheLimitIsWhole) {
  const Output output = run(shell("printf 12345; printf 123456 >&2; exit 4").output(5));
  EXPECT_EQ(output.status.code(), 4);
  EXPECT_EQ(output.out, "12345");
  EXPECT_FALSE(output.out_truncated);
  EXPECT_EQ(output.err, "12345");
  EXPECT_TRUE(output.err_truncated);
}

TEST_P(CommandTest, OutputDoesNotWaitForAGrandchild) {
  const Folder folder;
  OutputOptions options;
  options.grace = 20ms;
  const Output output =
      run(shell("echo $$; sleep 1000 & echo $! > " + folder.path("id")).output(options));
  EXPECT_TRUE(output.status.success());
  EXPECT_TRUE(output.pipes_held);
  EXPECT_NE(output.out, "");
  ::kill(std::stoi(folder.text("id")), SIGKILL);
}

TEST_P(CommandTest, OutputIsKilledByATimeout) {
  run([]() -> Task<void> {
    Command command("cat");
    command.arg("/dev/zero").new_group();
    const Result<Output> late = co_await attempt(timeout(command.output(10), 20ms));
    EXPECT_EQ(late.error(), std::errc::timed_out);
  });
}

// Errors

/// The error of a spawn().
std::string message_of(const Command& command, SpawnStep step, std::errc code) {
  try {
    static_cast<void>(command.spawn());
    return "started";
  } catch (const SpawnError& error) {
    EXPECT_EQ(error.step(), step) << error.what();
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
}

TEST_P(CommandTest, ThatCannotBeStartedSaysWhy) {
  const Folder folder;
  const std::string text = folder.add("text", "no program", 0644);
  const std::string garbage = folder.add("garbage", "\x7f garbage", 0755);
  using enum SpawnStep;
  using std::errc;
  EXPECT_EQ(
      message_of(Command("weft-no-such-program"), exec, errc::no_such_file_or_directory),
      "spawn weft-no-such-program: exec weft-no-such-program (in PATH): no such file or directory");
  EXPECT_EQ(message_of(Command("/no/such"), exec, errc::no_such_file_or_directory),
            "spawn /no/such: exec /no/such: no such file or directory");
  EXPECT_EQ(message_of(Command(text), exec, errc::permission_denied),
            "spawn " + text + ": exec " + text + ": permission denied");
  message_of(Command(garbage), exec, errc::executable_format_error);
  EXPECT_EQ(
      message_of(Command("true").directory("/no/such"), directory, errc::no_such_file_or_directory),
      "spawn true: chdir /no/such: no such file or directory");
  EXPECT_EQ(message_of(Command("true").in(Stdio::read_file("/no/such")), open,
                       errc::no_such_file_or_directory),
            "spawn true: open /no/such: no such file or directory");
  EXPECT_EQ(
      message_of(Command("true").out(Stdio::handle(4711)), handles, errc::bad_file_descriptor),
      "spawn true: give handles handle 4711: bad file descriptor");
  message_of(Command("true").limit(Resource::open_files, 60, 50), limit, errc::invalid_argument);
  if (::geteuid() != 0) {
    message_of(Command("true").uid(0), uid, errc::operation_not_permitted);
    message_of(Command("true").groups({0}), groups, errc::operation_not_permitted);
  }
}

TEST_P(CommandTest, ThatIsMalformedIsRefused) {
  const auto refused = [](const Command& command) {
    try {
      static_cast<void>(command.spawn());
      return std::string();
    } catch (const std::invalid_argument& error) {
      return std::string(error.what());
    }
  };
  using std::string_literals::operator""s;
  EXPECT_EQ(refused(Command("")), "weft::Command: the program has no name");
  EXPECT_EQ(refused(Command("a\0b"s)), "weft::Command: the program contains a NUL byte");
  EXPECT_EQ(refused(Command("true").arg("a\0b"s)), "weft::Command: argument 1 contains a NUL byte");
  EXPECT_EQ(refused(Command("true").env("A=B", "")),
            "weft::Command: 'A=B' is not the name of a variable");
  EXPECT_EQ(refused(Command("true").env("A", "\0"s)),
            "weft::Command: the variable A contains a NUL byte");
  EXPECT_NE(refused(Command("true").directory("\0"s)), "");
  EXPECT_NE(refused(Command("true").uid(0xffffffff)), "");
  EXPECT_NE(refused(Command("true").gid(0xffffffff)), "");
  EXPECT_NE(refused(Command("true").give(0, 2)), "");
  EXPECT_NE(refused(Command("true").give(0, 9).give(1, 9)), "");
  EXPECT_NE(refused(Command("true").out(Stdio::same_as_output())), "");
  EXPECT_THROW(Command("true").env("", "x"), std::invalid_argument);
}

// Each system call of a spawn, with each error that it may have: an error that names the step, and
// nothing left of the child.
TEST_P(CommandTest, EachFailureOfTheSystemNamesItsStep) {
  struct Case {
    detail::Call call;
    SpawnStep step;
    int handle = detail::Fault::any_handle;
  };
  std::vector<Case> cases{{detail::Call::child_pipe, SpawnStep::pipe},
                          {detail::Call::child_open, SpawnStep::open},
                          {detail::Call::map_pages, SpawnStep::clone},
                          {detail::Call::child_clone, SpawnStep::clone},
                          {detail::Call::child_clone_pidfd, SpawnStep::clone}};
  for (const SpawnStep step :
       {SpawnStep::group, SpawnStep::handles, SpawnStep::limit, SpawnStep::groups, SpawnStep::gid,
        SpawnStep::uid, SpawnStep::directory, SpawnStep::exec}) {
    cases.push_back({detail::Call::child_step, step, static_cast<int>(step)});
  }
  Command command("true");
  command.in(Stdio::null()).out(Stdio::pipe()).err(Stdio::pipe()).directory("/").new_group();
  command.limit(Resource::core_bytes, 0).uid(::getuid()).gid(::getgid());
  for (const Case& each : cases) {
    for (const int error : {EMFILE, EAGAIN, ENOMEM, EPERM}) {
      detail::ScopedFaults faults;
      faults.add({.call = each.call, .errno_value = error, .handle = each.handle});
      try {
        static_cast<void>(command.spawn());
        ADD_FAILURE() << "started: step " << static_cast<int>(each.step);
      } catch (const SpawnError& refused) {
        EXPECT_EQ(refused.step(), each.step) << refused.what();
        EXPECT_EQ(refused.code().value(), error) << refused.what();
      }
      EXPECT_TRUE(no_child_is_left());
    }
  }
  EXPECT_TRUE(run(command.status()).success());
}

TEST_P(CommandTest, WithoutAPidfdFromCloneOneIsOpened) {
  detail::ScopedFaults faults;
  faults.add({.call = detail::Call::child_clone_pidfd,
              .errno_value = ENOSYS,
              .times = detail::Fault::always});
  EXPECT_EQ(run(shell("exit 6").status()).code(), 6);
  EXPECT_GT(faults.calls(detail::Call::child_pidfd_open), 0U);
  // Neither the one nor the other: before, and after, the child has begun.
  for (const std::uint64_t skip : {0U, 1U}) {
    faults.add({.call = detail::Call::child_pidfd_open, .errno_value = EMFILE, .skip = skip});
    message_of(Command("true"), SpawnStep::clone, std::errc::too_many_files_open);
    EXPECT_TRUE(no_child_is_left());
  }
}

TEST_P(CommandTest, ThatIsBeingWrittenIsTriedAgain) {
  detail::ScopedFaults faults;
  faults.add({.call = detail::Call::child_step,
              .errno_value = ETXTBSY,
              .handle = static_cast<int>(SpawnStep::exec),
              .times = 3});
  EXPECT_TRUE(run(Command("true").status()).success());
  EXPECT_EQ(faults.calls(detail::Call::child_clone), 4U);
  const Folder folder;
  std::filesystem::copy_file("/bin/true", folder.path("busy"));
  const detail::Fd writer(::open(folder.path("busy").c_str(), O_WRONLY | O_CLOEXEC));
  message_of(Command(folder.path("busy")), SpawnStep::exec, std::errc::text_file_busy);
}

TEST_P(CommandTest, FailuresOfWaitsAndSignalsAreErrors) {
  run([]() -> Task<void> {
    ChildProcess child = waiting_child().spawn();
    detail::ScopedFaults faults;
    faults.add({.call = detail::Call::child_signal, .errno_value = EPERM});
    EXPECT_EQ(child.kill().error(), std::errc::operation_not_permitted);
    faults.add({.call = detail::Call::child_wait, .errno_value = EINTR, .times = 3});
    EXPECT_EQ(child.try_wait().value(), std::nullopt);
    EXPECT_EQ(faults.struck(), 4U);
    faults.add({.call = detail::Call::poll_now, .errno_value = EIO});
    const Result<ExitStatus> failed = co_await attempt(child.wait());
    EXPECT_EQ(failed.error(), std::errc::io_error);
    EXPECT_TRUE(child.kill());
    const ExitStatus status = co_await child.wait();
    EXPECT_EQ(status.signal(), SIGKILL);
  });
}

/// Looks for some seconds.
bool no_more_threads_than(std::size_t count) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (ProcessState::now().threads > count) {
    if (std::chrono::steady_clock::now() >= give_up) return false;
    std::this_thread::yield();
  }
  return true;
}

// Without a thread, or without a handle for it, dropped children are looked after later.
TEST_P(CommandTest, DroppedChildrenAreReapedWithoutAThreadToo) {
  static_cast<void>(runtime());  // has its threads
  const std::size_t threads = ProcessState::now().threads;
  for (const detail::Call call : {detail::Call::start_thread, detail::Call::epoll_create}) {
    EXPECT_TRUE(no_more_threads_than(threads)) << "the thread that looks after children has ended";
    PipeWriter in = [&] {
      detail::ScopedFaults faults;
      faults.add({.call = call, .errno_value = EAGAIN});
      ChildProcess child = waiting_child().spawn();
      PipeWriter its_in = std::move(*child.in);
      {
        ChildProcess dropped = std::move(child);
      }
      EXPECT_EQ(faults.struck(), 1U);
      return its_in;
    }();
    in.close();
    EXPECT_TRUE(run(Command("true").status()).success());  // looks after it
    EXPECT_TRUE(no_child_stays());
  }
}

}  // namespace
}  // namespace weft::test::process_command_test
