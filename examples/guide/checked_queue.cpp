// The ring of spsc_ring.hpp under the model checker: in all interleavings, and with what a weak
// memory shows. With "broken" as its argument: with an order that is too weak.
//
// Built with weft::model instead of weft::weft: see CMakeLists.txt.
#include <cstdio>
#include <cstring>
#include <weft/model.hpp>

#include "spsc_ring.hpp"

namespace model = weft::model;

namespace {

// [body]
template <std::memory_order Publish>
void one_producer_one_consumer(model::Execution& execution) {
  SpscRing<int, 2, Publish> ring;
  execution.thread([&] {
    for (int next = 1; next <= 3;) {
      if (ring.push(next)) {
        ++next;
      } else {
        weft::spin_hint();  // "let the others go on": there is nothing to do until they have
      }
    }
  });
  execution.thread([&] {
    for (int next = 1; next <= 3;) {
      if (const std::optional<int> value = ring.pop()) {
        model::require(*value == next, "what was pushed first comes out first");
        ++next;
      } else {
        weft::spin_hint();
      }
    }
  });
  execution.join_all();
}
// [/body]

// [explore]
model::Report check(void (*body)(model::Execution&)) {
  return model::explore({.strategy = model::Strategy::kBounded,
                         .iterations = 1'000'000,
                         .preemption_bound = 2,
                         .memory = model::Memory::kWeak,
                         .stale_bound = 2},
                        body);
}
// [/explore]

}  // namespace

int main(int argc, char** argv) {
  const bool broken = argc > 1 && std::strcmp(argv[1], "broken") == 0;
  const model::Report report = check(broken ? one_producer_one_consumer<std::memory_order_relaxed>
                                            : one_producer_one_consumer<std::memory_order_release>);
  if (report.failed) {
    std::printf("%s", report.text.c_str());
    return broken ? 0 : 1;
  }
  std::printf("holds: %llu executions, %s\n", static_cast<unsigned long long>(report.executions),
              report.exhausted ? "all there are within the bounds" : "stopped at the limit");
  return broken ? 1 : 0;
}
