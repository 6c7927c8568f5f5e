#include <weft/detail/ready_set.hpp>
#include <weft/extend/frame_pool.hpp>

#include <memory>
#include <new>

namespace weft::inline v0_1::detail {

/// Queue and nodes in one block; the nodes follow this object.
class ReadySet::Block final : public CountedBlock {
 public:
  static Block& make(std::size_t children) {
    return *::new (allocate_frame(bytes_for(children))) Block(children);
  }
  [[nodiscard]] ReadyNode* nodes() noexcept {
    // SAFETY: the constructor made `children_` nodes right behind this object, and the alignment of
    // ReadyNode is not stricter.
    return std::launder(reinterpret_cast<ReadyNode*>(this + 1));
  }
  [[nodiscard]] std::size_t children() const noexcept { return children_; }

  ReadyQueue queue;

 private:
  explicit Block(std::size_t children) noexcept
      : CountedBlock(&Block::on_last_release), children_(children) {
    static_assert(alignof(ReadyNode) <= alignof(Block));
    auto* const first = reinterpret_cast<ReadyNode*>(this + 1);
    for (std::size_t i = 0; i < children; ++i) ::new (first + i) ReadyNode(queue, *this);
  }
  ~Block() { std::destroy_n(nodes(), children_); }

  static std::size_t bytes_for(std::size_t children) noexcept {
    return sizeof(Block) + children * sizeof(ReadyNode);
  }
  static void on_last_release(CountedBlock& self) noexcept {
    auto& block = static_cast<Block&>(self);
    const std::size_t bytes = bytes_for(block.children_);
    block.~Block();
    deallocate_frame(&block, bytes);
  }

  std::size_t children_;
};

ReadySet::~ReadySet() {
  if (block_ == nullptr) return;
  block_->queue.close();
  block_->release();
}

void ReadySet::begin_poll(Context& cx, std::size_t children) {
  if (block_ == nullptr) {
    block_ = &Block::make(children);
    for (std::size_t i = 0; i < children; ++i) block_->nodes()[i].wake();
  }
  block_->queue.begin_poll(cx);
}

ReadyNode* ReadySet::pop() noexcept { return block_->queue.pop(); }

void ReadySet::done_with(ReadyNode& node) noexcept { block_->queue.done_with(node); }

std::size_t ReadySet::index_of(const ReadyNode& node) const noexcept {
  return static_cast<std::size_t>(&node - block_->nodes());
}

}  // namespace weft::inline v0_1::detail
