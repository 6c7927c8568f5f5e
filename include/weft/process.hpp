// Child processes: Command describes one, spawn() starts it, and ChildProcess waits for it, signals
// it and talks to it through pipes.
//
//   weft::Command list("ls");
//   list.arg("-l").directory("/tmp");
//   weft::Output output = co_await list.output();        // both streams, and how it ended
//
//   weft::Command sort("sort");
//   sort.in(weft::Stdio::pipe()).out(weft::Stdio::pipe());
//   weft::ChildProcess child = sort.spawn();
//   co_await child.in->write_all("b\na\n");
//   child.in.reset();                                    // the end of its input
//   std::size_t size = co_await child.out->read(buffer);
//   weft::ExitStatus status = co_await child.wait();
//
// A child gets what its Command gives it and nothing else: three standard streams, further handles
// that are named, and its environment; all other handles of this process are closed. It begins with
// the signal mask that this process had at its start, with SIGPIPE as the system has it, and with
// no handlers; signals that are ignored stay ignored.
//
// How: clone(2) with CLONE_VM, CLONE_VFORK and CLONE_PIDFD, so no memory is copied and no number
// can come to mean another process; waiting by waitid(2) on the pidfd alone. There is no handler
// for SIGCHLD, and children of other code are left alone. If SIGCHLD is ignored the system forgets
// how children end; wait() then fails with errc::no_child_process. Linux 5.4 or newer.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <weft/native_handle.hpp>
#include <weft/pipe.hpp>
#include <weft/result.hpp>
#include <weft/task.hpp>
#include <weft/time.hpp>

namespace weft::inline v0_1 {

namespace detail {
class ChildState;
class Spawner;
struct SpawnSpec;
struct StdioTarget;
}  // namespace detail

/// How a process ended: by an exit code, or by a signal.
class ExitStatus {
 public:
  /// Exit code 0.
  constexpr ExitStatus() noexcept = default;
  [[nodiscard]] static constexpr ExitStatus of_code(int code) noexcept {
    return ExitStatus(code, 0, false);
  }
  [[nodiscard]] static constexpr ExitStatus of_signal(int number, bool core_dumped) noexcept {
    return ExitStatus(0, number, core_dumped);
  }

  /// Returns whether it exited with code 0.
  [[nodiscard]] constexpr bool success() const noexcept { return code_ == 0 && signal_ == 0; }
  /// Returns the exit code, 0 to 255; nothing if a signal has ended it.
  [[nodiscard]] constexpr std::optional<int> code() const noexcept {
    return signal_ == 0 ? std::optional<int>(code_) : std::nullopt;
  }
  /// Returns the number of the signal that ended it; nothing if it exited.
  [[nodiscard]] constexpr std::optional<int> signal() const noexcept {
    return signal_ != 0 ? std::optional<int>(signal_) : std::nullopt;
  }
  /// Returns whether the system wrote a core file, or passed one to its collector.
  [[nodiscard]] constexpr bool core_dumped() const noexcept { return core_dumped_; }
  /// Returns "exit code 3", "killed by SIGKILL" or "killed by SIGABRT (core dumped)". Throws
  /// std::bad_alloc.
  [[nodiscard]] std::string to_string() const;

  friend constexpr bool operator==(const ExitStatus&, const ExitStatus&) noexcept = default;

 private:
  constexpr ExitStatus(int code, int number, bool core_dumped) noexcept
      : code_(code), signal_(number), core_dumped_(core_dumped) {}

  int code_ = 0;
  int signal_ = 0;
  bool core_dumped_ = false;
};

/// What spawn() was doing when it failed.
enum class SpawnStep : std::uint8_t {
  pipe,       ///< making a pipe
  open,       ///< opening a file for a standard stream
  clone,      ///< starting the process: clone(2), or pidfd_open(2) where that takes its place
  session,    ///< setsid(2)
  group,      ///< setpgid(2)
  handles,    ///< giving the child its handles, and no others
  limit,      ///< setrlimit(2)
  groups,     ///< setgroups(2)
  gid,        ///< setresgid(2)
  uid,        ///< setresuid(2)
  directory,  ///< chdir(2)
  exec,       ///< execve(2)
};

/// A failed spawn(): "spawn make: chdir /nowhere: no such file or directory".
class SpawnError : public IoError {
 public:
  /// `subject` is what the step acted on: a path, an id; it may be empty.
  SpawnError(std::error_code code, SpawnStep step, std::string_view program,
             std::string_view subject = {});
  [[nodiscard]] SpawnStep step() const noexcept { return step_; }

 private:
  SpawnStep step_;
};

/// Where a standard stream of a child comes from or goes to. A value: copies mean the same pipe,
/// file or handle.
class Stdio {
 public:
  /// This process's own stream.
  [[nodiscard]] static Stdio inherit();
  /// Nothing: reads end at once, and what is written is dropped (/dev/null).
  [[nodiscard]] static Stdio null();
  /// A new pipe to this process: ChildProcess::in, out or err.
  [[nodiscard]] static Stdio pipe();
  /// An open handle of the caller, which stays the caller's and must be open until spawn() has
  /// returned.
  [[nodiscard]] static Stdio handle(NativeHandle handle);
  /// A file, opened by spawn(): for reading; created, or emptied, and written; created and written
  /// at its end. New files have mode 0666 less this process's umask. A path is relative to this
  /// process's directory. Opening a FIFO may block.
  [[nodiscard]] static Stdio read_file(std::string path);
  [[nodiscard]] static Stdio write_file(std::string path);
  [[nodiscard]] static Stdio append_file(std::string path);
  /// For standard input: another child's output. For an output: another child's input. The stream
  /// moves in, and belongs to the one child whose spawn() succeeds first.
  [[nodiscard]] static Stdio from(PipeReader reader);
  [[nodiscard]] static Stdio to(PipeWriter writer);
  /// For standard error: where standard output goes.
  [[nodiscard]] static Stdio same_as_output();

 private:
  friend class detail::Spawner;
  explicit Stdio(std::shared_ptr<const detail::StdioTarget> target) noexcept
      : target_(std::move(target)) {}
  std::shared_ptr<const detail::StdioTarget> target_;
};

/// What a child may use of a resource: the limits of getrlimit(2).
enum class Resource : std::uint8_t {
  cpu_seconds,
  file_bytes,
  data_bytes,
  stack_bytes,
  core_bytes,
  open_files,
  address_space_bytes,
  processes,  ///< of the user, threads included
  locked_bytes,
};

struct OutputOptions {
  /// `limit_bytes`: what is kept of each stream. What a child writes beyond it is read and dropped,
  /// so that the child goes on, and told by Output.
  explicit(false) OutputOptions(std::size_t limit_bytes = 16 * 1024 * 1024) noexcept
      : limit(limit_bytes) {}

  std::size_t limit;
  /// How long the pipes are read after the child's end while a process that it has left behind
  /// holds them open.
  Nanoseconds grace = std::chrono::milliseconds(100);
};

/// What a child has written, and how it ended.
struct Output {
  Output() {}

  ExitStatus status = {};
  std::string out = {};
  std::string err = {};
  bool out_truncated = false;  ///< there was more than the limit
  bool err_truncated = false;
  /// Another process held the pipes longer than the grace time: there may be more to come.
  bool pipes_held = false;
};

/// A started child process. Move-only; empty after a move, and then only destruction and assignment
/// are allowed.
///
/// Destroyed, or assigned to, without a wait(): the child goes on, or is killed if kill_on_drop()
/// says so. Its end is then awaited in the background, so that no zombie stays: by a thread of its
/// own, which exists while there are such children, whether or not a runtime does. Waits under way
/// end with errc::operation_canceled. In the child of a fork() it does nothing.
///
/// Thread-safe: wait(), try_wait(), pid() and the functions that send signals. The streams are as
/// any stream: one reads or writes them at a time.
class ChildProcess {
 public:
  ChildProcess(ChildProcess&& other) noexcept = default;
  ChildProcess& operator=(ChildProcess&& other) noexcept;
  ~ChildProcess();

  /// The other ends of the pipes that the Command asked for. To end the child's input: in.reset(),
  /// or in->close(). wait() closes none of them.
  std::optional<PipeWriter> in;
  std::optional<PipeReader> out;
  std::optional<PipeReader> err;

  [[nodiscard]] int pid() const noexcept;

  /// Waits for the child's end, and returns how it ended; returns when it has ended, although other
  /// processes may hold its pipes. Any number of times, by any number of tasks. Errors:
  /// errc::no_child_process if the system does not know how it ended, because SIGCHLD is ignored,
  /// or because other code has waited for it. Cancel: stops waiting; the child goes on.
  [[nodiscard]] Task<ExitStatus> wait();
  /// Returns how it ended, or nothing while it runs. Never waits. Errors: as wait().
  [[nodiscard]] Result<std::optional<ExitStatus>> try_wait() noexcept;

  /// Sends SIGKILL, or a signal of <csignal>. Errors: errc::no_such_process once its end was
  /// noticed by a wait; errc::operation_not_permitted, invalid_argument.
  Result<void> kill() noexcept;
  Result<void> signal(int number) noexcept;
  /// Sends the signal to each process of the child's group, also when the child itself has ended
  /// (until this object is destroyed). Errors: errc::invalid_argument if the Command made no group
  /// or session; errc::no_such_process if the group is empty.
  Result<void> kill_group() noexcept;
  Result<void> signal_group(int number) noexcept;
  /// Sends SIGTERM, waits for at most `grace`, sends SIGKILL, and returns how it ended. All of its
  /// group gets the signals if the Command made one. Errors: as wait(). Cancel: stops waiting.
  [[nodiscard]] Task<ExitStatus> terminate(Duration grace);

  /// Whether the end of this object kills the child (its group, if the Command made one).
  void kill_on_drop(bool on = true) noexcept;

 private:
  friend class detail::Spawner;
  explicit ChildProcess(std::shared_ptr<detail::ChildState> state) noexcept
      : state_(std::move(state)) {}
  [[nodiscard]] detail::ChildState& state() const noexcept;
  void drop() noexcept;

  std::shared_ptr<detail::ChildState> state_;
};

/// Describes a child process. A value; the functions that set something return the same object.
///
/// Set by one thread at a time. Everything is checked and opened by spawn(), which may be called
/// any number of times.
class Command {
 public:
  /// `program`: with a '/', a path, relative to the child's directory; else a name, looked up in
  /// the PATH of the child's environment as execvp(3) does, in /bin and /usr/bin if there is none.
  /// A file that is no program is refused (errc::executable_format_error): no shell is tried.
  explicit Command(std::string program);
  Command(const Command& other);
  Command(Command&& other) noexcept;
  Command& operator=(const Command& other);
  Command& operator=(Command&& other) noexcept;
  ~Command();

  /// Adds an argument. The first one, the program's own name, is there already.
  Command& arg(std::string argument);
  Command& args(std::initializer_list<std::string_view> arguments);
  Command& args(const std::vector<std::string>& arguments);
  /// Replaces the program's own name (argv[0]).
  Command& name(std::string name);

  /// Changes a copy of this process's environment, as it is when spawn() is called; in the order of
  /// these calls.
  Command& env(std::string name, std::string value);
  Command& env_remove(std::string name);
  Command& env_clear();

  /// The child's working directory.
  Command& directory(std::string path);
  /// The ids of the child. With a new uid or gid, supplementary groups are dropped as well if this
  /// process may do so, unless groups() sets them. The directory is entered, and the program
  /// started, with the new ids.
  Command& uid(std::uint32_t id);
  Command& gid(std::uint32_t id);
  Command& groups(std::vector<std::uint32_t> ids);
  /// Puts the child at the head of a process group, or a session, of its own: the terminal's
  /// signals do not reach it, and ChildProcess::kill_group() reaches what it starts.
  Command& new_group();
  Command& new_session();
  /// Limits a resource. Throws nothing; spawn() fails if the hard limit is to be raised without
  /// permission.
  Command& limit(Resource resource, std::uint64_t soft, std::uint64_t hard);
  Command& limit(Resource resource, std::uint64_t both) { return limit(resource, both, both); }
  static constexpr std::uint64_t unlimited = ~std::uint64_t{0};
  Command& umask(std::uint32_t mask);

  /// The standard streams. Not set: inherited; for output(): no input, and pipes.
  Command& in(Stdio from);
  Command& out(Stdio to);
  Command& err(Stdio to);
  /// Gives the child a further handle as `number`, above 2. The handle stays the caller's and must
  /// be open until spawn() has returned.
  Command& give(NativeHandle handle, int number);

  /// Sets ChildProcess::kill_on_drop() of each child.
  Command& kill_on_drop(bool on = true);

  /// Starts the program, and returns when it has taken the place of this one in the child, or could
  /// not; that takes about a millisecond, during which this thread waits. A program that another
  /// process is writing (errc::text_file_busy) is tried again, for 63 ms at most. Throws
  /// SpawnError, which names the step; std::invalid_argument for what no system call would take: a
  /// NUL in a text, an '=' in a variable's name, a number that is given twice; std::bad_alloc.
  /// Then there is no child.
  [[nodiscard]] ChildProcess spawn() const;
  /// Starts it, waits, and returns how it ended. Throws as spawn() and wait(). Cancel: kills the
  /// child (its group, if it has one of its own) and waits for its end.
  [[nodiscard]] Task<ExitStatus> status() const;
  /// Starts it, reads both outputs at once, and returns them when the child has ended. Throws as
  /// spawn(), wait() and a stream's read(). Cancel: as status().
  [[nodiscard]] Task<Output> output(OutputOptions options = OutputOptions()) const;

 private:
  friend class detail::Spawner;
  std::unique_ptr<detail::SpawnSpec> spec_;
};

}  // namespace weft::inline v0_1
