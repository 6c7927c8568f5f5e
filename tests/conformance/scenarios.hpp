// Scenarios: for each kind of operation, a source on which it has to wait, and what makes it ready.
// The conformance suite runs each of them through each way to end.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "conformance/driver_fixture.hpp"
#include "os/fault.hpp"

namespace weft::testing {

class Scenario {
 public:
  virtual ~Scenario() = default;

  /// A new operation of the kind, on the scenario's source.
  [[nodiscard]] virtual std::unique_ptr<TestOperation> make_operation() = 0;
  /// Makes the operation able to go on. Called once.
  virtual void make_ready() = 0;
  /// Checks what a successful operation brought.
  virtual void check(const TestOperation& operation) = 0;
  /// Makes the peer vanish with a reset, or closes it; false if there is no such thing.
  virtual bool lose_peer() { return false; }
  /// Whether `result` is what may come then.
  [[nodiscard]] virtual bool is_loss(std::int64_t result) const { return result < 0; }
  /// The system call that the operation is made of.
  [[nodiscard]] virtual detail::Call call() const = 0;
};

struct ScenarioFactory {
  std::string name;
  std::function<std::unique_ptr<Scenario>()> make;
};

[[nodiscard]] std::vector<ScenarioFactory> all_scenarios();

}  // namespace weft::testing
