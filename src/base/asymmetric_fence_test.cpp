// heavy_fence() where the system begins to refuse the command. (That light and heavy fences order
// is tested by the models of their users.)
#include "base/asymmetric_fence.hpp"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>

namespace weft::asymmetric_fence_test {
namespace {

/// Does what a program does that restricts itself after it has started.
bool forbid_membarrier() {
  std::array<sock_filter, 4> program{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog filter{static_cast<unsigned short>(program.size()), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

constexpr int never_free = 3;
constexpr int no_filter = 4;

[[noreturn]] void fences_that_are_refused() {
  const auto free = [] { return detail::light_fences_are_free.load(std::memory_order_relaxed); };
  detail::prepare_light_fences();
  if (!free()) std::_Exit(never_free);
  if (!forbid_membarrier()) std::_Exit(no_filter);
  if (!free()) std::_Exit(1);
  detail::heavy_fence();
  if (free()) std::_Exit(1);
  detail::prepare_light_fences();
  std::_Exit(free() ? 1 : 0);
}

bool as_it_should_or_not_to_be_tried(int status) {
  if (!WIFEXITED(status)) return false;
  const int code = WEXITSTATUS(status);
  return code == 0 || code == never_free || code == no_filter;
}

TEST(AsymmetricFenceDeathTest, LightOnesAreDearOnceTheHeavyOneIsRefused) {
  EXPECT_EXIT(fences_that_are_refused(), as_it_should_or_not_to_be_tried, "");
}

}  // namespace
}  // namespace weft::asymmetric_fence_test
