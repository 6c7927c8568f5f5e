// Scenarios: for each kind of operation, a source on which it has to wait, and a way to make it
// ready. The conformance suite runs each of them through each way to end.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "conformance/driver_fixture.hpp"
#include "os/fault.hpp"

namespace weft::testing {

class Scenario {
 public:
  virtual ~Scenario() = default;

  /// A new operation of the kind, on the scenario's source.
  [[nodiscard]] virtual std::unique_ptr<TestOperation> make_operation() = 0;
  /// Makes the operation ready. Called once.
  virtual void make_ready() = 0;
  /// Checks the result of a successful operation.
  virtual void check(const TestOperation& operation) = 0;
  /// Resets the connection from the peer's side, or closes it. Returns false if the kind has no
  /// such thing.
  virtual bool lose_peer() { return false; }
  /// Returns whether `result` is allowed then.
  [[nodiscard]] virtual bool is_loss(std::int64_t result) const { return result < 0; }
  /// The system call that implements the operation.
  [[nodiscard]] virtual detail::Call call() const = 0;
  /// Whether start() makes that call; else it is made once the operation is ready.
  [[nodiscard]] virtual bool tries_at_start() const { return true; }
  /// Whether an interrupted call is made again.
  [[nodiscard]] virtual bool repeats() const { return true; }
};

struct ScenarioFactory {
  std::string name;
  std::function<std::unique_ptr<Scenario>()> make;
};

template <class Kind>
[[nodiscard]] ScenarioFactory scenario(std::string name) {
  return {std::move(name), [] { return std::make_unique<Kind>(); }};
}

[[nodiscard]] std::vector<ScenarioFactory> all_scenarios();
/// Those of message sockets, which are part of all.
[[nodiscard]] std::vector<ScenarioFactory> message_scenarios();
/// Those of files, which are among them.
[[nodiscard]] std::vector<ScenarioFactory> file_scenarios();

}  // namespace weft::testing
