#include "process/spawner.hpp"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <new>
#include <string_view>
#include <utility>

#include "base/fork.hpp"
#include "os/fault.hpp"
#include "os/pages.hpp"
#include "os/syscalls.hpp"
#include "process/reaper.hpp"

namespace weft::inline v0_1::detail {

namespace {

constexpr std::size_t child_stack_bytes = 64 * 1024;
constexpr int first_nap_ms = 1;  // while a program is being written; then twice as long
constexpr int longest_nap_ms = 32;

/// The signal mask of the process before it could change it: children begin with it.
sigset_t current_mask() noexcept {
  sigset_t mask;
  ::pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return mask;
}
const sigset_t mask_at_start = current_mask();

class SignalsBlocked {
 public:
  SignalsBlocked() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

class ChildStack {
 public:
  ChildStack() : pages_(Pages::reserve(child_stack_bytes)) {}
  ~ChildStack() {
    if (pages_) Pages::release(span());
  }
  ChildStack(const ChildStack&) = delete;
  ChildStack& operator=(const ChildStack&) = delete;
  [[nodiscard]] int error() const noexcept { return pages_ ? 0 : pages_.error().value(); }
  [[nodiscard]] std::span<std::byte> span() noexcept { return {*pages_, child_stack_bytes}; }

 private:
  Result<std::byte*> pages_;
};

/// Waits for that long. For a thread that starts a child, which waits in any case.
void nap(int length_ms) noexcept {
  constexpr std::int64_t ns_per_ms = 1'000'000;
  static_cast<void>(Syscalls::ppoll(nullptr, 0, length_ms * ns_per_ms));
}

}  // namespace

Spawner::Spawner(const SpawnSpec& spec, bool piped) : spec_(spec), piped_(piped) {
  lent_.reserve(spec.streams.size());
}

Spawner::~Spawner() {
  for (GivenStream* stream : lent_) stream->end(is_started_);
}

ChildProcess Spawner::spawn() {
  Reaper::sweep();
  if (!ForkCount::begin()) throw std::bad_alloc();
  check();
  lay_out_texts();
  open_streams();
  lay_out_rest();
  auto state =
      std::make_shared<ChildState>(spec_.program, spec_.leads != ChildPlan::Leads::nothing);
  start(*state);
  return adopt(std::move(state));
}

void Spawner::open_streams() {
  std::optional<int> output;
  for (int number = 0; number < 3; ++number) {
    const auto& target = spec_.streams[static_cast<std::size_t>(number)];
    std::optional<int> from;
    if (target && target->target_->kind == StdioTarget::Kind::same_as_output) {
      from = output.value_or(STDOUT_FILENO);
    } else {
      from = open_stream(number);
    }
    if (from) moves_.push_back({*from, number});
    if (number == STDOUT_FILENO) output = from;
  }
  moves_.insert(moves_.end(), spec_.given.begin(), spec_.given.end());
}

/// Returns the handle that becomes the child's stream; nothing: it is inherited.
std::optional<int> Spawner::open_stream(int number) {
  using Kind = StdioTarget::Kind;
  const auto& set = spec_.streams[static_cast<std::size_t>(number)];
  const Kind unset = !piped_ ? Kind::inherit : number == STDIN_FILENO ? Kind::null : Kind::pipe;
  switch (set ? set->target_->kind : unset) {
    case Kind::null:
      return open_file("/dev/null", number == STDIN_FILENO ? O_RDONLY : O_WRONLY);
    case Kind::pipe:
      open_pipe(number);
      return opened_.back().get();
    case Kind::handle:
      return set->target_->handle;
    case Kind::read_file:
      return open_file(set->target_->path, O_RDONLY);
    case Kind::write_file:
      return open_file(set->target_->path, O_WRONLY | O_CREAT | O_TRUNC);
    case Kind::append_file:
      return open_file(set->target_->path, O_WRONLY | O_CREAT | O_APPEND);
    case Kind::stream:
      return lend(*set->target_->stream);
    default:
      return std::nullopt;
  }
}

int Spawner::lend(GivenStream& stream) {
  const NativeHandle handle = stream.begin();
  if (handle == invalid_handle) fail_at(SpawnStep::handles, EBADF, "a stream that was given away");
  lent_.push_back(&stream);
  const int flags = ::fcntl(handle, F_GETFL);
  // The child's program does not expect a handle that does not block.
  if (flags < 0 || ::fcntl(handle, F_SETFL, flags & ~O_NONBLOCK) < 0) {
    fail_at(SpawnStep::handles, errno, "handle " + std::to_string(handle));
  }
  return handle;
}

void Spawner::open_pipe(int number) {
  int ends[2] = {Fd::none, Fd::none};
  const std::int64_t made = Syscalls::child_pipe(ends);
  if (made < 0) fail_at(SpawnStep::pipe, static_cast<int>(-made), "");
  const bool is_input = number == STDIN_FILENO;
  Fd reader(ends[0]);
  Fd writer(ends[1]);
  ours_[static_cast<std::size_t>(number)] = std::move(is_input ? writer : reader);
  opened_.push_back(std::move(is_input ? reader : writer));
}

int Spawner::open_file(const std::string& path, int flags) {
  if (path.find('\0') != std::string::npos) {
    throw std::invalid_argument("weft::Command: a file's path contains a NUL byte");
  }
  const std::int64_t handle = Syscalls::child_open(path.c_str(), flags);
  if (handle < 0) fail_at(SpawnStep::open, static_cast<int>(-handle), path);
  Fd file(static_cast<int>(handle));  // before opened_ allocates
  opened_.push_back(std::move(file));
  return opened_.back().get();
}

void Spawner::lay_out_rest() {
  for (const HandleMove& move : moves_) plan_.first_free = std::max(plan_.first_free, move.to + 1);
  for (const SpawnSpec::Limit& limit : spec_.limits)
    limits_.push_back(SpawnSpec::for_system(limit));
  plan_.limits = limits_.data();
  plan_.limit_count = limits_.size();
  if (spec_.directory) plan_.directory = spec_.directory->c_str();
  plan_.sets_uid = spec_.uid.has_value();
  plan_.uid = spec_.uid.value_or(0);
  plan_.sets_gid = spec_.gid.has_value();
  plan_.gid = spec_.gid.value_or(0);
  plan_.sets_groups = spec_.groups || spec_.uid || spec_.gid;
  plan_.may_keep_groups = !spec_.groups;
  if (spec_.groups) {
    plan_.groups = spec_.groups->data();
    plan_.group_count = spec_.groups->size();
  }
  plan_.sets_umask = spec_.umask.has_value();
  plan_.umask = spec_.umask.value_or(0);
  plan_.leads = spec_.leads;
  plan_.mask = mask_at_start;
}

/// Starts the child; again while its program is being written.
void Spawner::start(ChildState& state) {
  ChildStack stack;
  if (stack.error() != 0) fail_at(SpawnStep::clone, stack.error(), "stack");
  Fd pidfd;
  int id = 0;
  int error = start_once(stack.span(), pidfd, id);
  for (int pause_ms = first_nap_ms; error == ETXTBSY && pause_ms <= longest_nap_ms; pause_ms *= 2) {
    nap(pause_ms);
    error = start_once(stack.span(), pidfd, id);
  }
  if (error != 0) fail_at(plan_.step, error, subject());
  is_started_ = true;
  try {
    state.started(id, pidfd);
  } catch (...) {
    static_cast<void>(Syscalls::child_signal(pidfd.get(), SIGKILL));
    siginfo_t info{};
    static_cast<void>(Syscalls::child_wait(pidfd.get(), info, 0));
    throw;
  }
}

/// Returns 0 or an errno value; then there is no child any more.
int Spawner::start_once(std::span<std::byte> stack, Fd& pidfd, int& id) {
  std::vector<HandleMove> moves = moves_;
  plan_.moves = moves.data();
  plan_.move_count = moves.size();
  plan_.has_close_range = Syscalls::child_has_close_range();
  for (std::size_t step = static_cast<std::size_t>(SpawnStep::session); step < spawn_steps;
       ++step) {
    plan_.planned_errors[step] =
        Syscalls::planned_failure(Call::child_step, static_cast<int>(step));
  }
  plan_.step = SpawnStep::clone;
  plan_.error = 0;
  int handle = Fd::none;
  std::int64_t started = 0;
  {
    const SignalsBlocked blocked;
    started = Syscalls::child_clone(&run_child, stack.data() + stack.size(), &plan_, handle);
  }
  if (started < 0) {
    plan_.step = SpawnStep::clone;
    return static_cast<int>(-started);
  }
  pidfd.reset(handle);
  id = static_cast<int>(started);
  if (plan_.error == 0) return 0;
  siginfo_t info{};
  static_cast<void>(Syscalls::child_wait(handle, info, 0));  // it has ended
  pidfd.reset();
  return plan_.error;
}

std::string Spawner::subject() const {
  switch (plan_.step) {
    case SpawnStep::handles:
      return "handle " + std::to_string(plan_.subject);
    case SpawnStep::limit:
      return resource_name(spec_.limits[static_cast<std::size_t>(plan_.subject)].resource);
    case SpawnStep::gid:
      return std::to_string(plan_.gid);
    case SpawnStep::uid:
      return std::to_string(plan_.uid);
    case SpawnStep::directory:
      return *spec_.directory;
    case SpawnStep::exec:
      if (candidates_.size() > 1 && plan_.error == ENOENT) return spec_.program + " (in PATH)";
      return candidates_[static_cast<std::size_t>(plan_.subject)];
    default:
      return {};
  }
}

void Spawner::fail_at(SpawnStep step, int error, std::string_view subject) const {
  throw SpawnError(os_error(error), step, spec_.program, subject);
}

/// The child runs: if the last steps fail, it is killed.
ChildProcess Spawner::adopt(std::shared_ptr<ChildState> state) {
  ChildProcess child(std::move(state));
  child.state().kills_on_drop.store(true, std::memory_order_relaxed);
  const auto taken = [&](auto adopted, Fd& end) {
    if (!adopted) fail_at(SpawnStep::pipe, adopted.error().value(), "");
    static_cast<void>(end.release());
    return std::move(*adopted);
  };
  if (ours_[0]) child.in.emplace(taken(PipeWriter::adopt(ours_[0].get()), ours_[0]));
  if (ours_[1]) child.out.emplace(taken(PipeReader::adopt(ours_[1].get()), ours_[1]));
  if (ours_[2]) child.err.emplace(taken(PipeReader::adopt(ours_[2].get()), ours_[2]));
  child.kill_on_drop(spec_.kills_on_drop);
  return child;
}

}  // namespace weft::inline v0_1::detail
