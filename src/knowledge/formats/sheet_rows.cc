// SPDX-License-Identifier: Apache-2.0
// Cells are collected row by row; nothing but the header outlives its row.
#include "knowledge/formats/sheet_rows.h"

#include <algorithm>
#include <utility>

#include "knowledge/cleaner.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxTextBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxColumns = 1 << 14;  // as many as Excel and LibreOffice have

}  // namespace

void SheetRows::BeginSheet(std::string_view name) {
  builder_.AddHeading(1, name);
  rows_.SetHeader({});
  headed_ = false;
}

Result<void> SheetRows::AddCell(std::size_t column, std::string_view text, bool is_number) {
  if (column >= kMaxColumns) return {};
  text_bytes_ += text.size() + 1;
  if (text_bytes_ > kMaxTextBytes) {
    return Error(StatusCode::kLimitExceeded, "its cells hold more than {} bytes of text",
                 kMaxTextBytes);
  }
  std::string line = OneLine(text);
  if (line.empty()) return {};
  cells_.push_back({column, std::move(line)});
  all_numbers_ = all_numbers_ && is_number;
  return {};
}

void SheetRows::EndRow() {
  std::ranges::sort(cells_, {}, &TableCell::column);
  const auto repeated = std::ranges::unique(cells_, {}, &TableCell::column);
  cells_.erase(repeated.begin(), repeated.end());
  const bool is_header = !headed_ && cells_.size() > 1 && !all_numbers_;
  headed_ = headed_ || cells_.size() > 1;
  if (is_header) {
    rows_.SetHeader(std::move(cells_));
  } else {
    rows_.AddRow(cells_);
  }
  cells_.clear();
  all_numbers_ = true;
}

}  // namespace kinglet
