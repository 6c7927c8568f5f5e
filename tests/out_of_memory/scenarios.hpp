// What is run again and again, with another allocation failing each time.
#pragma once

#include <weft/task.hpp>

#include <span>

namespace weft::test {

/// A scenario with a runtime of its own, which fails to begin, or does not.
struct StartScenario {
  const char* name;
  void (*run)();
};

/// A scenario on a runtime that is there.
struct TaskScenario {
  const char* name;
  Task<void> (*run)();
  /// Its errors need not say that there was no memory: one side sees that the other has failed, or
  /// glibc takes a file that it cannot open for one that is not there.
  bool any_error = false;
};

[[nodiscard]] std::span<const StartScenario> start_scenarios();
[[nodiscard]] std::span<const TaskScenario> task_scenarios();

}  // namespace weft::test
