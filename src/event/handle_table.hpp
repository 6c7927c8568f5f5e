// HandleTable: one record for each small integer handle, found by two loads. It grows by pages, so
// a record never moves and growing never copies. Memory: pages up to the highest handle seen, kept
// until the destructor (the system assigns the lowest free number, so that is the greatest number
// of handles ever open). Not thread-safe.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <new>
#include <vector>

namespace weft::inline v0_1::detail {

template <class Record>
class HandleTable {
 public:
  /// Returns the record of `handle`; null if none was made. A negative handle has none.
  [[nodiscard]] Record* find(int handle) const noexcept {
    const auto index = static_cast<std::size_t>(static_cast<unsigned>(handle));
    const std::size_t page = index / records_a_page;
    if (page >= pages_.size() || pages_[page] == nullptr) return nullptr;
    return &(*pages_[page])[index % records_a_page];
  }

  /// Returns the record of `handle`, value-initialized if it is new; null if there is no memory.
  /// Precondition: handle >= 0.
  [[nodiscard]] Record* find_or_make(int handle) noexcept {
    if (Record* const found = find(handle)) return found;
    if (handle < 0) return nullptr;
    const std::size_t page = static_cast<std::size_t>(handle) / records_a_page;
    try {
      if (page >= pages_.size()) pages_.resize(page + 1);
      pages_[page] = std::make_unique<Page>();
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
    return find(handle);
  }

  /// Calls `function(handle, record)` for every record.
  template <class Function>
  void for_each(Function function) const {
    for (std::size_t page = 0; page < pages_.size(); ++page) {
      if (pages_[page] == nullptr) continue;
      for (std::size_t i = 0; i < records_a_page; ++i) {
        function(static_cast<int>(page * records_a_page + i), (*pages_[page])[i]);
      }
    }
  }

 private:
  static constexpr std::size_t records_a_page = 128;
  using Page = std::array<Record, records_a_page>;

  std::vector<std::unique_ptr<Page>> pages_;
};

}  // namespace weft::inline v0_1::detail
