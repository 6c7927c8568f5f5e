// Spawner: one call of Command::spawn(). Checks what the Command says, opens the streams, lays out
// what the child reads (ChildPlan), and starts the child. Lives on the stack of the calling thread.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <weft/process.hpp>

#include "os/fd.hpp"
#include "process/child_program.hpp"
#include "process/child_state.hpp"
#include "process/spawn_spec.hpp"

namespace weft::inline v0_1::detail {

class Spawner {
 public:
  /// `piped`: standard streams that are not set are what output() needs.
  Spawner(const SpawnSpec& spec, bool piped);
  ~Spawner();
  Spawner(const Spawner&) = delete;
  Spawner& operator=(const Spawner&) = delete;
  /// Throws as Command::spawn().
  [[nodiscard]] ChildProcess spawn();

  [[nodiscard]] static const SpawnSpec& spec_of(const Command& command) noexcept {
    return *command.spec_;
  }
  [[nodiscard]] static ChildState& state_of(const ChildProcess& child) noexcept {
    return child.state();
  }

 private:
  void check() const;
  void check_streams() const;
  void lay_out_texts();
  [[nodiscard]] std::vector<std::string> environment() const;
  void find_candidates(const std::vector<std::string>& environment);
  void open_streams();
  [[nodiscard]] std::optional<int> open_stream(int number);
  void open_pipe(int number);
  [[nodiscard]] int lend(GivenStream& stream);
  [[nodiscard]] int open_file(const std::string& path, int flags);
  void lay_out_rest();
  void start(ChildState& state);
  [[nodiscard]] int start_once(std::span<std::byte> stack, Fd& pidfd, int& id);
  [[nodiscard]] std::string subject() const;
  [[noreturn]] void fail_at(SpawnStep step, int error, std::string_view subject) const;
  [[nodiscard]] ChildProcess adopt(std::shared_ptr<ChildState> state);

  const SpawnSpec& spec_;
  const bool piped_;
  ChildPlan plan_;

  // What the plan points to
  std::vector<std::string> environment_;
  std::vector<std::string> candidates_;
  std::vector<const char*> candidate_texts_;
  std::vector<char*> argument_texts_;
  std::vector<char*> environment_texts_;
  std::vector<HandleMove> moves_;  // before the child changes a copy of them
  std::vector<ResourceLimit> limits_;

  std::vector<Fd> opened_;          // for the child
  std::array<Fd, 3> ours_;          // our ends of its pipes
  std::vector<GivenStream*> lent_;  // that the child gets
  bool is_started_ = false;
};

}  // namespace weft::inline v0_1::detail
