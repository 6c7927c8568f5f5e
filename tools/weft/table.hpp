// A plain-text table: the first column to the left, the others to the right, widths as the cells
// need.
#pragma once

#include <string>
#include <vector>

namespace weft::tool {

class Table {
 public:
  explicit Table(std::vector<std::string> head) { add_row(std::move(head)); }
  /// A row may be shorter than the head: the rest is blank.
  void add_row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  /// Returns all rows, the head underlined, each line ended by a newline.
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace weft::tool
