// SPDX-License-Identifier: Apache-2.0
// The header is searched by column, as a sheet may leave out most of them.
#include "knowledge/formats/table_rows.h"

#include <algorithm>
#include <utility>

#include "knowledge/cleaner.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxNameBytes = 200;

}  // namespace

std::vector<TableCell> CellsOf(std::span<const std::string> texts) {
  std::vector<TableCell> cells;
  for (const std::string& text : texts) cells.push_back({cells.size(), text});
  return cells;
}

void TableRows::SetHeader(std::vector<TableCell> cells) {
  header_ = std::move(cells);
  for (TableCell& cell : header_) {
    cell.text = OneLine(cell.text);
    TruncateUtf8(cell.text, kMaxNameBytes);
  }
}

void TableRows::AddRow(const std::vector<TableCell>& cells) {
  std::string line;
  for (const TableCell& cell : cells) {
    if (cell.text.empty()) continue;
    if (!line.empty()) line += has_header() ? "; " : " | ";
    const std::string_view name = NameOf(cell.column);
    line += name;
    if (!name.empty()) line += ": ";
    line += cell.text;
  }
  builder_.AddTableRow(line);
}

std::string_view TableRows::NameOf(std::size_t column) const {
  const auto found = std::ranges::lower_bound(header_, column, {}, &TableCell::column);
  return found != header_.end() && found->column == column ? std::string_view(found->text) : "";
}

}  // namespace kinglet
