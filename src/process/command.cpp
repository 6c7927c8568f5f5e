// Command, Stdio and SpawnError: what a program says about a child. Starting it: spawner.cpp.
#include <sys/resource.h>

#include <array>
#include <stdexcept>
#include <string>
#include <utility>
#include <weft/process.hpp>

#include "base/check.hpp"
#include "process/spawn_spec.hpp"
#include "process/spawner.hpp"

namespace weft::inline v0_1::detail {

namespace {

struct ResourceEntry {
  int number;
  const char* name;
};

constexpr std::array<ResourceEntry, 9> resource_entries{{
    {RLIMIT_CPU, "cpu_seconds"},
    {RLIMIT_FSIZE, "file_bytes"},
    {RLIMIT_DATA, "data_bytes"},
    {RLIMIT_STACK, "stack_bytes"},
    {RLIMIT_CORE, "core_bytes"},
    {RLIMIT_NOFILE, "open_files"},
    {RLIMIT_AS, "address_space_bytes"},
    {RLIMIT_NPROC, "processes"},
    {RLIMIT_MEMLOCK, "locked_bytes"},
}};

const ResourceEntry& entry_of(Resource resource) noexcept {
  return resource_entries[static_cast<std::size_t>(resource)];
}

constexpr std::array<const char*, spawn_steps> step_verbs{
    "pipe",      "open",      "clone",     "setsid",    "setpgid", "give handles",
    "setrlimit", "setgroups", "setresgid", "setresuid", "chdir",   "exec",
};

SpawnSpec& spec_in(const std::unique_ptr<SpawnSpec>& spec) noexcept {
  WEFT_CHECK(spec != nullptr, "the command was moved from: use the one it was moved to");
  return *spec;
}

std::shared_ptr<StdioTarget> target_of(StdioTarget::Kind kind) {
  return std::make_shared<StdioTarget>(kind);
}

}  // namespace

std::string resource_name(Resource resource) { return entry_of(resource).name; }

ResourceLimit SpawnSpec::for_system(const Limit& limit) noexcept {
  static_assert(Command::unlimited == RLIM_INFINITY);
  return {entry_of(limit.resource).number, rlimit{limit.soft, limit.hard}};
}

}  // namespace weft::inline v0_1::detail

namespace weft::inline v0_1 {

using detail::StdioTarget;

SpawnError::SpawnError(std::error_code code, SpawnStep step, std::string_view program,
                       std::string_view subject)
    : IoError(code,
              "spawn " + std::string(program) + ": " +
                  detail::step_verbs[static_cast<std::size_t>(step)],
              subject),
      step_(step) {}

Stdio Stdio::inherit() { return Stdio(detail::target_of(StdioTarget::Kind::inherit)); }
Stdio Stdio::null() { return Stdio(detail::target_of(StdioTarget::Kind::null)); }
Stdio Stdio::pipe() { return Stdio(detail::target_of(StdioTarget::Kind::pipe)); }
Stdio Stdio::same_as_output() {
  return Stdio(detail::target_of(StdioTarget::Kind::same_as_output));
}
Stdio Stdio::handle(NativeHandle handle) {
  auto target = detail::target_of(StdioTarget::Kind::handle);
  target->handle = handle;
  return Stdio(std::move(target));
}
Stdio Stdio::read_file(std::string path) {
  auto target = detail::target_of(StdioTarget::Kind::read_file);
  target->path = std::move(path);
  return Stdio(std::move(target));
}
Stdio Stdio::write_file(std::string path) {
  auto target = detail::target_of(StdioTarget::Kind::write_file);
  target->path = std::move(path);
  return Stdio(std::move(target));
}
Stdio Stdio::append_file(std::string path) {
  auto target = detail::target_of(StdioTarget::Kind::append_file);
  target->path = std::move(path);
  return Stdio(std::move(target));
}
Stdio Stdio::from(PipeReader reader) {
  auto target = detail::target_of(StdioTarget::Kind::stream);
  target->stream = std::make_shared<detail::GivenStream>(std::move(reader));
  return Stdio(std::move(target));
}
Stdio Stdio::to(PipeWriter writer) {
  auto target = detail::target_of(StdioTarget::Kind::stream);
  target->stream = std::make_shared<detail::GivenStream>(std::move(writer));
  return Stdio(std::move(target));
}

Command::Command(std::string program)
    : spec_(std::make_unique<detail::SpawnSpec>(std::move(program))) {}
Command::Command(const Command& other)
    : spec_(std::make_unique<detail::SpawnSpec>(detail::spec_in(other.spec_))) {}
Command::Command(Command&& other) noexcept = default;
Command& Command::operator=(const Command& other) {
  if (this != &other) *this = Command(other);
  return *this;
}
Command& Command::operator=(Command&& other) noexcept = default;
Command::~Command() = default;

Command& Command::arg(std::string argument) {
  detail::spec_in(spec_).arguments.push_back(std::move(argument));
  return *this;
}
Command& Command::args(std::initializer_list<std::string_view> arguments) {
  for (const std::string_view each : arguments) arg(std::string(each));
  return *this;
}
Command& Command::args(const std::vector<std::string>& arguments) {
  for (const std::string& each : arguments) arg(each);
  return *this;
}
Command& Command::name(std::string name) {
  detail::spec_in(spec_).arguments.front() = std::move(name);
  return *this;
}

Command& Command::env(std::string name, std::string value) {
  if (name.empty()) throw std::invalid_argument("weft::Command: a variable has no name");
  detail::spec_in(spec_).environment.emplace_back(std::move(name), std::move(value));
  return *this;
}
Command& Command::env_remove(std::string name) {
  if (name.empty()) throw std::invalid_argument("weft::Command: a variable has no name");
  detail::spec_in(spec_).environment.emplace_back(std::move(name), std::nullopt);
  return *this;
}
Command& Command::env_clear() {
  detail::spec_in(spec_).environment.emplace_back(std::string(), std::nullopt);
  return *this;
}

Command& Command::directory(std::string path) {
  detail::spec_in(spec_).directory = std::move(path);
  return *this;
}
Command& Command::uid(std::uint32_t id) {
  detail::spec_in(spec_).uid = id;
  return *this;
}
Command& Command::gid(std::uint32_t id) {
  detail::spec_in(spec_).gid = id;
  return *this;
}
Command& Command::groups(std::vector<std::uint32_t> ids) {
  detail::spec_in(spec_).groups = std::move(ids);
  return *this;
}
Command& Command::new_group() {
  detail::spec_in(spec_).leads = detail::ChildPlan::Leads::group;
  return *this;
}
Command& Command::new_session() {
  detail::spec_in(spec_).leads = detail::ChildPlan::Leads::session;
  return *this;
}
Command& Command::limit(Resource resource, std::uint64_t soft, std::uint64_t hard) {
  detail::spec_in(spec_).limits.push_back({resource, soft, hard});
  return *this;
}
Command& Command::umask(std::uint32_t mask) {
  detail::spec_in(spec_).umask = mask;
  return *this;
}

Command& Command::in(Stdio from) {
  detail::spec_in(spec_).streams[0] = std::move(from);
  return *this;
}
Command& Command::out(Stdio to) {
  detail::spec_in(spec_).streams[1] = std::move(to);
  return *this;
}
Command& Command::err(Stdio to) {
  detail::spec_in(spec_).streams[2] = std::move(to);
  return *this;
}
Command& Command::give(NativeHandle handle, int number) {
  detail::spec_in(spec_).given.push_back({handle, number});
  return *this;
}
Command& Command::kill_on_drop(bool on) {
  detail::spec_in(spec_).kills_on_drop = on;
  return *this;
}

ChildProcess Command::spawn() const {
  return detail::Spawner(detail::spec_in(spec_), false).spawn();
}

}  // namespace weft::inline v0_1
