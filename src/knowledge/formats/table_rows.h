// SPDX-License-Identifier: Apache-2.0
// A table as lines, alike in all formats: "Name: value; Name: value" under a header, "value |
// value" without one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "knowledge/document.h"

namespace kinglet {

struct TableCell {
  std::size_t column = 0;
  std::string text;
};

// One a column, from the first on.
std::vector<TableCell> CellsOf(std::span<const std::string> texts);

class TableRows {
 public:
  explicit TableRows(DocumentBuilder& builder) : builder_(builder) {}

  bool has_header() const { return !header_.empty(); }
  // In order of columns. Names that are long stand shortened before their values: they come again
  // with each row.
  void SetHeader(std::vector<TableCell> cells);
  // In order of columns; empty cells may be left out.
  void AddRow(const std::vector<TableCell>& cells);

 private:
  std::string_view NameOf(std::size_t column) const;

  DocumentBuilder& builder_;
  std::vector<TableCell> header_;
};

}  // namespace kinglet
