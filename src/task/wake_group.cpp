#include <weft/frame_pool.hpp>
#include <weft/wake_group.hpp>

#include <memory>
#include <new>

namespace weft {

/// Queue and nodes in one block: the nodes stand behind it.
class WakeGroup::Block final : public CountedBlock {
 public:
  static Block& make(std::size_t children) {
    return *::new (allocate_frame(bytes_for(children))) Block(children);
  }
  [[nodiscard]] WakeNode* nodes() noexcept {
    // SAFETY: the constructor made `children_` of them right behind this object, and WakeNode is
    // not aligned more strictly.
    return std::launder(reinterpret_cast<WakeNode*>(this + 1));
  }
  [[nodiscard]] std::size_t children() const noexcept { return children_; }

  WakeQueue queue;

 private:
  explicit Block(std::size_t children) noexcept
      : CountedBlock(&Block::on_last_release), children_(children) {
    static_assert(alignof(WakeNode) <= alignof(Block));
    auto* const first = reinterpret_cast<WakeNode*>(this + 1);
    for (std::size_t i = 0; i < children; ++i) ::new (first + i) WakeNode(queue, *this);
  }
  ~Block() { std::destroy_n(nodes(), children_); }

  static std::size_t bytes_for(std::size_t children) noexcept {
    return sizeof(Block) + children * sizeof(WakeNode);
  }
  static void on_last_release(CountedBlock& self) noexcept {
    auto& block = static_cast<Block&>(self);
    const std::size_t bytes = bytes_for(block.children_);
    block.~Block();
    deallocate_frame(&block, bytes);
  }

  std::size_t children_;
};

WakeGroup::~WakeGroup() {
  if (block_ == nullptr) return;
  block_->queue.close();
  block_->release();
}

void WakeGroup::begin_poll(Context& cx, std::size_t children) {
  if (block_ == nullptr) {
    block_ = &Block::make(children);
    for (std::size_t i = 0; i < children; ++i) block_->nodes()[i].wake();
  }
  block_->queue.begin_poll(cx);
}

WakeNode* WakeGroup::pop() noexcept { return block_->queue.pop(); }

void WakeGroup::done_with(WakeNode& node) noexcept { block_->queue.done_with(node); }

std::size_t WakeGroup::index_of(const WakeNode& node) const noexcept {
  return static_cast<std::size_t>(&node - block_->nodes());
}

}  // namespace weft
