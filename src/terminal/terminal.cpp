// Terminal, TerminalMode and WindowChanges.
#include <weft/terminal.hpp>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <csignal>
#include <weft/stream.hpp>

#include <array>
#include <cerrno>
#include <utility>

#include "base/check.hpp"
#include "os/fd.hpp"
#include "os/syscalls.hpp"
#include "terminal/mode_table.hpp"
#include "terminal/shared_end.hpp"

namespace weft::inline v0_1::detail {

/// What the copies of a Terminal share.
class TerminalState {
 public:
  TerminalState(Fd opened, std::string called) noexcept
      : handle(std::move(opened)), name(std::move(called)) {}

  const Fd handle;
  const std::string name;
};

namespace {

std::string name_of(NativeHandle handle) {
  std::array<char, 128> room{};
  return ::ttyname_r(handle, room.data(), room.size()) == 0 ? room.data() : "terminal";
}

Result<WindowSize> size_of(NativeHandle handle) noexcept {
  winsize size{};
  if (::ioctl(handle, TIOCGWINSZ, &size) != 0) return fail(os_error(errno));
  return WindowSize{size.ws_col, size.ws_row, size.ws_xpixel, size.ws_ypixel};
}

const TerminalState& state_of(const std::shared_ptr<TerminalState>& state) noexcept {
  WEFT_CHECK(state != nullptr, "the terminal was moved from: use the one it was moved to");
  return *state;
}

int place_of(const std::shared_ptr<TerminalState>& state, ModeTable::Mode mode) {
  const TerminalState& terminal = state_of(state);
  const Result<int> place = ModeTable::add(terminal.handle.get(), mode);
  if (!place) throw IoError(place.error(), "change the mode", terminal.name);
  return *place;
}

std::shared_ptr<SharedEnd> shared_end_of(const std::shared_ptr<TerminalState>& state,
                                         SharedEnd::Use use) {
  const TerminalState& terminal = state_of(state);
  Result<std::shared_ptr<SharedEnd>> end =
      SharedEnd::make(terminal.handle.get(), use, terminal.name, state);
  if (!end) throw IoError(end.error(), "open", terminal.name);
  return std::move(*end);
}

}  // namespace
}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

static_assert(Stream<WindowChanges>);

// TerminalMode

TerminalMode::TerminalMode(TerminalMode&& other) noexcept
    : place_(std::exchange(other.place_, -1)) {}

TerminalMode& TerminalMode::operator=(TerminalMode&& other) noexcept {
  if (this == &other) return *this;
  static_cast<void>(restore());
  place_ = std::exchange(other.place_, -1);
  return *this;
}

TerminalMode::~TerminalMode() { static_cast<void>(restore()); }

Result<void> TerminalMode::restore() noexcept {
  const int place = std::exchange(place_, -1);
  if (place < 0) return {};
  return detail::ModeTable::remove(place);
}

// WindowChanges

WindowChanges::WindowChanges(std::shared_ptr<detail::TerminalState> terminal)
    : terminal_(std::move(terminal)), signals_({SIGWINCH, SIGCONT}) {
  const Result<WindowSize> size = detail::size_of(terminal_->handle.get());
  if (!size) throw IoError(size.error(), "window size", terminal_->name);
  last_ = *size;
}

Task<std::optional<WindowSize>> WindowChanges::next() {
  for (;;) {
    const Result<WindowSize> size = detail::size_of(terminal_->handle.get());
    if (!size) throw IoError(size.error(), "window size", terminal_->name);
    if (signals_ && *size != last_) {
      last_ = *size;
      co_return last_;
    }
    // A signal since the look is kept by the listener.
    const std::optional<int> signal = co_await signals_.next();
    if (!signal) co_return std::nullopt;
  }
}

// Terminal

Terminal Terminal::open() {
  const std::int64_t opened = detail::Syscalls::open_pipe("/dev/tty", O_RDWR);
  if (opened < 0) throw IoError(os_error(static_cast<int>(-opened)), "open", "/dev/tty");
  detail::Fd handle(static_cast<int>(opened));
  return Terminal(std::make_shared<detail::TerminalState>(std::move(handle), "/dev/tty"));
}

Terminal Terminal::of(NativeHandle handle) {
  if (::isatty(handle) != 1) {
    throw IoError(os_error(errno), "open", "handle " + std::to_string(handle));
  }
  detail::Fd copy(::fcntl(handle, F_DUPFD_CLOEXEC, 3));
  std::string name = detail::name_of(handle);
  if (!copy) throw IoError(os_error(errno), "open", name);
  return Terminal(std::make_shared<detail::TerminalState>(std::move(copy), std::move(name)));
}

TerminalMode Terminal::raw() {
  return TerminalMode(detail::place_of(state_, detail::ModeTable::Mode::raw));
}
TerminalMode Terminal::cbreak() {
  return TerminalMode(detail::place_of(state_, detail::ModeTable::Mode::cbreak));
}
TerminalMode Terminal::no_echo() {
  return TerminalMode(detail::place_of(state_, detail::ModeTable::Mode::no_echo));
}

Result<WindowSize> Terminal::window_size() const noexcept {
  return detail::size_of(native_handle());
}

Result<void> Terminal::set_window_size(WindowSize size) noexcept {
  const winsize wanted{.ws_row = size.rows,
                       .ws_col = size.columns,
                       .ws_xpixel = size.width_pixels,
                       .ws_ypixel = size.height_pixels};
  if (::ioctl(native_handle(), TIOCSWINSZ, &wanted) != 0) return fail(os_error(errno));
  return {};
}

WindowChanges Terminal::window_changes() const {
  static_cast<void>(detail::state_of(state_));
  return WindowChanges(state_);
}

Result<bool> Terminal::in_foreground() const noexcept {
  const pid_t foreground = ::tcgetpgrp(native_handle());
  if (foreground < 0) return fail(os_error(errno));
  return foreground == ::getpgrp();
}

SharedReader Terminal::reader() const {
  return SharedReader(detail::shared_end_of(state_, detail::SharedEnd::Use::reads));
}
SharedWriter Terminal::writer() const {
  return SharedWriter(detail::shared_end_of(state_, detail::SharedEnd::Use::writes));
}

const std::string& Terminal::name() const noexcept { return detail::state_of(state_).name; }

NativeHandle Terminal::native_handle() const noexcept {
  return detail::state_of(state_).handle.get();
}

}  // namespace weft::inline v0_1
