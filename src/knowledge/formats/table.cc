// SPDX-License-Identifier: Apache-2.0
// Each cell carries the name of its column: a row that is found alone still says what it means.
#include "knowledge/formats/table.h"

namespace kinglet {

std::string TableRowText(std::span<const std::string> header, std::span<const std::string> cells) {
  std::string line;
  for (std::size_t column = 0; column < cells.size(); ++column) {
    if (cells[column].empty()) continue;
    if (!line.empty()) line += header.empty() ? " | " : "; ";
    if (column < header.size() && !header[column].empty()) {
      line += header[column];
      line += ": ";
    }
    line += cells[column];
  }
  return line;
}

}  // namespace kinglet
