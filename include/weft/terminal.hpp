// Standard streams and terminals: standard_input(), standard_output() and standard_error() as
// readers and writers of tasks, any other handle that processes share, and Terminal: raw mode that
// ends with the program, window sizes.
//
//   weft::BufferedReader in(weft::standard_input());
//   weft::SharedWriter out = weft::standard_output();
//   while (auto line = co_await in.read_line()) co_await out.write_all(*line + "\n");
//
//   weft::Terminal terminal = weft::Terminal::open();          // that of the process: /dev/tty
//   weft::TerminalMode mode = terminal.raw();                  // until `mode` ends
//
// A standard stream is a file, a pipe, a terminal or a socket, and the parent process and others
// use the same *open file description*. Non-blocking mode belongs to that, so these readers and
// writers never set it: a shell whose terminal was left non-blocking fails with EAGAIN. How they
// wait instead:
//
//   the handle is                 how it is read and written
//   a pipe, a FIFO, a terminal    opened again (/proc/self/fd, /dev/tty), as an open file
//                                 description of its own, which is non-blocking
//   a file, /dev/null             on the threads for files, at the cursor that all share
//   a socket; what the system     when the handle is ready: without waiting where the system knows
//   does not open again           how, else on a thread for files
//
// So a program that reads nothing occupies no thread, and a read that is cancelled has taken
// nothing. In the last case alone, if another process takes the bytes between the system's word
// that there are some and the read, the read waits on its thread for the next ones, and so does a
// cancel of it.
//
// Job control. A process in the background that reads its terminal is stopped by SIGTTIN, as shells
// have it, and goes on in the foreground. Where the signal is ignored, and in a group without a
// parent to bring it back, the read fails with errc::io_error, and the text says "in the
// background".
#pragma once

#include <weft/io.hpp>
#include <weft/native_handle.hpp>
#include <weft/result.hpp>
#include <weft/signal.hpp>
#include <weft/task.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace weft::inline v0_1 {

namespace detail {

class SharedEnd;
class TerminalState;

/// What readers and writers of shared handles have in common.
class SharedUser {
 public:
  /// Ends the operations that wait, with errc::operation_canceled. The caller's handle stays open.
  /// Any thread.
  void close() noexcept;
  /// Returns whether it is open: false after a move or a close().
  [[nodiscard]] explicit operator bool() const noexcept;
  /// Returns whether the handle is a terminal's.
  [[nodiscard]] bool is_terminal() const noexcept;
  /// What errors call it: "standard input".
  [[nodiscard]] std::string subject() const;

 protected:
  explicit SharedUser(std::shared_ptr<SharedEnd> end) noexcept : end_(std::move(end)) {}
  SharedUser(SharedUser&&) noexcept = default;
  SharedUser& operator=(SharedUser&& other) noexcept;
  ~SharedUser() { close(); }

  [[nodiscard]] Task<void> ready(std::uint32_t interests);
  /// Aborts with a message if this was moved from.
  [[nodiscard]] const std::shared_ptr<SharedEnd>& end() const noexcept;

 private:
  std::shared_ptr<SharedEnd> end_;
};

}  // namespace detail

/// Reads a handle that other processes may share, and leaves it as it is; see the top of this
/// header. A ByteReader. Move-only. Bytes are taken by the first that reads them: have one reader
/// of a handle, and keep it, above all beneath a BufferedReader, and do not read with <cstdio> or
/// <iostream> beside it.
///
/// Thread-safe: read() by any number of tasks, one after the other; close().
class SharedReader : public detail::SharedUser {
 public:
  /// Reads `handle`, which stays the caller's and must stay open. `name` stands in errors; without
  /// one it is "handle 5". Errors: errc::bad_file_descriptor if it is closed or not open for
  /// reading; too_many_files_open.
  [[nodiscard]] static Result<SharedReader> of(NativeHandle handle, std::string name = {});

  /// Waits for at least one byte and returns the number of bytes read; 0 at the end, which at a
  /// terminal is Ctrl-D. A terminal gives a line at a time, unless its mode is changed. Errors: the
  /// system's; errc::is_a_directory. Cancel: nothing was read, or what was read is delivered.
  [[nodiscard]] Task<std::size_t> read(std::span<std::byte> buffer);
  template <detail::ByteBuffer B>
  [[nodiscard]] Task<std::size_t> read(B&& buffer) {
    return read(
        std::as_writable_bytes(std::span(std::ranges::data(buffer), std::ranges::size(buffer))));
  }
  /// Waits until read() would not wait. A file never waits.
  [[nodiscard]] Task<void> readable();

 private:
  friend class Terminal;
  explicit SharedReader(std::shared_ptr<detail::SharedEnd> end) noexcept
      : SharedUser(std::move(end)) {}
};

/// Writes to a handle that other processes may share, and leaves it as it is; see the top of this
/// header. A ByteWriter; unbuffered. Move-only. Output of <cstdio> has a buffer of its own: flush
/// that before writing here.
///
/// Thread-safe: writes by any number of tasks, one after the other, whose bytes are not mixed
/// within one write(); close().
class SharedWriter : public detail::SharedUser {
 public:
  /// Writes to `handle`, as SharedReader::of().
  [[nodiscard]] static Result<SharedWriter> of(NativeHandle handle, std::string name = {});

  /// Waits until at least one byte of `data` was taken and returns the number. Errors:
  /// errc::broken_pipe if nothing reads the pipe any more, without a signal (SIGPIPE);
  /// no_space_on_device and others of files. Cancel: nothing was written, or the number is
  /// delivered.
  [[nodiscard]] Task<std::size_t> write(std::span<const std::byte> data);
  [[nodiscard]] Task<std::size_t> write(std::string_view text) { return write(bytes_of(text)); }
  /// Writes all of `data`. Cancel: a part may have been written.
  [[nodiscard]] Task<void> write_all(std::span<const std::byte> data);
  [[nodiscard]] Task<void> write_all(std::string_view text) { return write_all(bytes_of(text)); }
  /// Does the same with a temporary string, vector or array, which moves into the operation.
  template <detail::OwningTemporary B>
  [[nodiscard]] Task<void> write_all(B&& data) {
    return detail::write_owned<SharedWriter, B>(*this, std::move(data));
  }
  /// Waits until write() would not wait.
  [[nodiscard]] Task<void> writable();

  /// Ends the writing, so that what reads the other end reads the end: a relay to standard output
  /// needs it. Closes this writer; if the handle is a pipe's, puts /dev/null in the place of the
  /// caller's handle (dup2(2)), since that would keep the pipe open; a socket is shut down. The
  /// handles of other processes, and copies made by dup(2), are their own. Errors:
  /// errc::operation_canceled after close().
  Result<void> shutdown() noexcept;

 private:
  friend class Terminal;
  explicit SharedWriter(std::shared_ptr<detail::SharedEnd> end) noexcept
      : SharedUser(std::move(end)) {}
};

/// Readers and writers of the handles 0, 1 and 2. Throw IoError: errc::bad_file_descriptor if the
/// handle is closed, also if it was closed when the program began and has since become the number
/// of another file ("open standard input (closed when the program began): bad file descriptor");
/// std::bad_alloc.
[[nodiscard]] SharedReader standard_input();
[[nodiscard]] SharedWriter standard_output();
[[nodiscard]] SharedWriter standard_error();

/// Returns whether `handle` is a terminal's.
[[nodiscard]] bool is_terminal(NativeHandle handle) noexcept;

/// The size of a terminal's window. Zeros: the terminal does not know it.
struct WindowSize {
  std::uint16_t columns = 0;
  std::uint16_t rows = 0;
  std::uint16_t width_pixels = 0;
  std::uint16_t height_pixels = 0;
  bool operator==(const WindowSize&) const noexcept = default;
};

/// Gives the sizes of a terminal's window as they change; a Stream. Made by
/// Terminal::window_changes(). Move-only. One task at a time.
class WindowChanges {
 public:
  /// Waits until the size is another one than last time (the first time: than when this was made),
  /// and returns it; of several changes meanwhile, the last. Returns nothing after close(). Errors:
  /// the system's, errc::io_error of a terminal that is gone. Cancel: no change is lost.
  [[nodiscard]] Task<std::optional<WindowSize>> next();
  /// Ends the stream. Any thread.
  void close() noexcept { signals_.close(); }

 private:
  friend class Terminal;
  explicit WindowChanges(std::shared_ptr<detail::TerminalState> terminal);

  std::shared_ptr<detail::TerminalState> terminal_;
  SignalListener signals_;
  WindowSize last_;
};

/// A changed mode of a terminal; its end brings back what was there before. Move-only.
///
/// The mode comes back on every end of the program that a program can see: by the destructor, also
/// of an exception; by std::exit() and the end of main(); by the signals that end it (SIGTERM,
/// SIGHUP, SIGINT, SIGQUIT, SIGSEGV, SIGABRT, so also by std::terminate() …), where their action is
/// the default, before they act; and while SIGTSTP has stopped the process, which then goes on in
/// the changed mode. It stays after SIGKILL, SIGSTOP, _exit() and exec, and after a stack overflow
/// of a thread without an alternate signal stack, as the main thread. While the process is in the
/// background of the terminal the mode is another program's, and is left alone. A child made by
/// fork() leaves it alone, too.
///
/// Several modes of one terminal may be on at a time: the one made last holds. Thread-safe between
/// objects.
class TerminalMode {
 public:
  TerminalMode(TerminalMode&& other) noexcept;
  TerminalMode& operator=(TerminalMode&& other) noexcept;
  ~TerminalMode();

  /// Brings back the mode that was there before; later calls and the destructor then do nothing.
  /// Errors: the system's, as of a terminal that is gone.
  Result<void> restore() noexcept;
  /// Returns whether it is on.
  [[nodiscard]] explicit operator bool() const noexcept { return place_ >= 0; }

 private:
  friend class Terminal;
  explicit TerminalMode(int place) noexcept : place_(place) {}

  int place_;  // in the table of the process; below 0: none
};

/// A terminal: its modes, its window, and whether this process is in its foreground. Copies share
/// it. Thread-safe.
class Terminal {
 public:
  /// The terminal that controls this process (/dev/tty), whatever the standard streams are. Throws
  /// IoError: errc::no_such_device_or_address if there is none, as in a service.
  [[nodiscard]] static Terminal open();
  /// The terminal of a handle, which stays the caller's. Throws IoError:
  /// errc::inappropriate_io_control_operation if it is not a terminal's.
  [[nodiscard]] static Terminal of(NativeHandle handle);

  /// Raw: each byte as it is typed, without echo, line editing, signals by Ctrl-C and Ctrl-Z, and
  /// translation of input and output (cfmakeraw(3)): a new line is then "\r\n". In the background
  /// the process is stopped by SIGTTOU. Throws IoError, IoErrc and errc of the system, and
  /// errc::resource_unavailable_try_again if 16 modes are on.
  [[nodiscard]] TerminalMode raw();
  /// Each byte as it is typed, without echo; signals and translation stay.
  [[nodiscard]] TerminalMode cbreak();
  /// Lines without echo: for passwords.
  [[nodiscard]] TerminalMode no_echo();

  /// Errors: the system's.
  [[nodiscard]] Result<WindowSize> window_size() const noexcept;
  /// For the owner of a pseudo-terminal: processes in its foreground get SIGWINCH.
  Result<void> set_window_size(WindowSize size) noexcept;
  /// The sizes from now on, by SIGWINCH, which the system sends to the foreground of the terminal
  /// that controls the process, and by SIGCONT. Throws IoError, as SignalListener.
  [[nodiscard]] WindowChanges window_changes() const;
  /// Returns whether this process is in the foreground. Errors:
  /// errc::inappropriate_io_control_operation if this is not the terminal that controls it.
  [[nodiscard]] Result<bool> in_foreground() const noexcept;

  /// A reader and a writer of it: for a dialogue with the user where the standard streams are
  /// redirected. Throws IoError.
  [[nodiscard]] SharedReader reader() const;
  [[nodiscard]] SharedWriter writer() const;
  /// Its path, "/dev/pts/3", or "terminal".
  [[nodiscard]] const std::string& name() const noexcept;
  /// Returns the system's handle, which this object owns.
  [[nodiscard]] NativeHandle native_handle() const noexcept;

 private:
  explicit Terminal(std::shared_ptr<detail::TerminalState> state) noexcept
      : state_(std::move(state)) {}

  std::shared_ptr<detail::TerminalState> state_;
};

}  // namespace weft::inline v0_1
