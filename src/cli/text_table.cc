// SPDX-License-Identifier: Apache-2.0
// Each column is as wide as its widest cell; nothing stands behind the last one of a line.
#include "cli/text_table.h"

#include <algorithm>
#include <cstddef>

#include "base/utf8.h"

namespace kinglet {

std::string TextTable(const std::vector<std::vector<std::string>>& rows, std::string_view sides) {
  std::vector<std::size_t> widths(sides.size());
  for (const auto& cells : rows) {
    for (std::size_t i = 0; i < sides.size(); ++i) {
      widths[i] = std::max(widths[i], CountUtf8(cells[i]));
    }
  }
  std::string text;
  for (const auto& cells : rows) {
    std::string line;
    for (std::size_t i = 0; i < sides.size(); ++i) {
      const std::string space(widths[i] - CountUtf8(cells[i]), ' ');
      if (i > 0) line += "  ";
      line += sides[i] == '>' ? space + cells[i] : cells[i] + space;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
  }
  return text;
}

}  // namespace kinglet
