#include "table.hpp"

#include <algorithm>

namespace weft::tool {

namespace {

void append_row(std::string& out, const std::vector<std::string>& row,
                const std::vector<std::size_t>& widths) {
  for (std::size_t column = 0; column < row.size(); ++column) {
    const std::string padding(widths[column] - row[column].size(), ' ');
    if (column > 0) out += "  " + padding;
    out += row[column];
    if (column == 0 && row.size() > 1) out += padding;
  }
  out += '\n';
}

}  // namespace

std::string Table::text() const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t column = 0; column < row.size(); ++column) {
      widths[column] = std::max(widths[column], row[column].size());
    }
  }
  std::string out;
  for (const auto& row : rows_) {
    append_row(out, row, widths);
    if (&row != &rows_.front()) continue;
    std::size_t total = 0;
    for (const std::size_t width : widths) total += width + 2;
    out.append(total - 2, '-') += '\n';
  }
  return out;
}

}  // namespace weft::tool
