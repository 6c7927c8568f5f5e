// An operation does not move: the driver points to it.
// expect: deleted
#include <weft/extend/operation.hpp>

class Mine : public weft::Operation {
 public:
  Mine() noexcept : Operation(weft::OperationKind::poll, nullptr, [](Operation&) noexcept {}) {}
};

int main() {
  Mine operation;
#ifdef WEFT_MUST_FAIL
  Mine moved = std::move(operation);
#else
  Mine& same = operation;
  (void)same;
#endif
}
