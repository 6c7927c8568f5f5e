// ThreadPark: a Park without a reactor, for tests of the executor alone.
#pragma once

#include <weft/atomic.hpp>

#include "exec/park.hpp"

namespace weft::test {

class ThreadPark final : public detail::Park {
 public:
  void park() noexcept override { parker_.park(); }
  bool poll() noexcept override { return true; }
  void unpark() noexcept override { parker_.unpark(); }

 private:
  ThreadParker parker_;
};

}  // namespace weft::test
