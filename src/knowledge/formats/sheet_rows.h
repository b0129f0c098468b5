// SPDX-License-Identifier: Apache-2.0
// The sheets of a workbook: each is a section, its rows are lines under the names that its first
// full row gives.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "knowledge/document.h"
#include "knowledge/formats/table_rows.h"

namespace kinglet {

class SheetRows {
 public:
  explicit SheetRows(DocumentBuilder& builder) : builder_(builder), rows_(builder) {}

  void BeginSheet(std::string_view name);

  // In any order of columns; a row keeps one text of each. kLimitExceeded: a few bytes of a file
  // can mean a text many times over, so the sum of all texts has a limit.
  Result<void> AddCell(std::size_t column, std::string_view text, bool is_number);

  // The header is the first row of two cells or more, unless all of them are numbers. Rows of one
  // cell before it are the sheet's title and notes.
  void EndRow();

 private:
  DocumentBuilder& builder_;
  TableRows rows_;
  bool headed_ = false;           // its header has been, or there is none
  std::vector<TableCell> cells_;  // of this row
  bool all_numbers_ = true;
  std::size_t text_bytes_ = 0;  // of all cells of all sheets
};

}  // namespace kinglet
