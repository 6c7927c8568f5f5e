#include "model/flow.hpp"

#include <cxxabi.h>
#include <sys/mman.h>

#include <new>
#include <utility>

#ifdef WEFT_FIBER_ASAN
#include <sanitizer/lsan_interface.h>
#endif

namespace weft::inline v0_1::model {
namespace {

std::span<std::byte> map_stack(std::size_t bytes, std::size_t guard) {
  void* const pages = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (pages == MAP_FAILED) throw std::bad_alloc();
  if (::mprotect(pages, guard, PROT_NONE) != 0) {
    ::munmap(pages, bytes);
    throw std::bad_alloc();
  }
  return {static_cast<std::byte*>(pages), bytes};
}

HandledExceptions& exceptions_of_thread() noexcept {
  // SAFETY: the ABI defines the layout, see HandledExceptions.
  return *reinterpret_cast<HandledExceptions*>(abi::__cxa_get_globals());
}

}  // namespace

ModelFlow::ModelFlow(Entry entry, void* owner)
    : mapped_(map_stack(guard_bytes + stack_bytes, guard_bytes)), entry_(entry), owner_(owner) {
  const std::span<std::byte> stack = mapped_.subspan(guard_bytes);
  new (&context_) detail::FlowContext(stack, &ModelFlow::begin);
  std::uint32_t uses = 0;
  know_stack(sanitizer_, stack, sanitizer_slot_, uses);
}

ModelFlow::~ModelFlow() {
  detail::destroy_sanitizer_flow(sanitizer_slot_);
  if (!mapped_.empty()) ::munmap(mapped_.data(), mapped_.size());
}

void ModelFlow::begin(void* argument) noexcept {
  auto& self = *static_cast<ModelFlow*>(argument);
  after_switch(self.sanitizer_, self.before_->sanitizer_);
  self.entry_(self);
  __builtin_unreachable();
}

void ModelFlow::switch_to(ModelFlow& next, bool ends) noexcept {
  exceptions_ = std::exchange(exceptions_of_thread(), next.exceptions_);
  next.before_ = this;
  before_switch(sanitizer_, next.sanitizer_, ends);
  static_cast<void>(context_.suspend_and_go_on(next.context_, &next));
  after_switch(sanitizer_, before_->sanitizer_);
}

void ModelFlow::keep_for_good() noexcept {
#ifdef WEFT_FIBER_ASAN
  const std::span<std::byte> stack = mapped_.subspan(mapped_.empty() ? 0 : guard_bytes);
  if (!stack.empty()) __lsan_register_root_region(stack.data(), stack.size());
#endif
}

}  // namespace weft::inline v0_1::model
