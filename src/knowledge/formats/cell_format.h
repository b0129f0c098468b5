// SPDX-License-Identifier: Apache-2.0
// The number in a cell of a workbook as the text that it stands for (ECMA-376 part 1, 18.8.30-31
// and 18.17.4).
#pragma once

#include <string>
#include <string_view>

namespace kinglet {

enum class CellFormat { kNumber, kPercent, kDate, kTime, kDateTime, kDuration };

// Of a number that every program knows without a definition.
CellFormat BuiltInCellFormat(int id);

// Of a code like "dd.mm.yyyy": what stands in it outside quotes, escapes and brackets. All codes
// for numbers that are no dates are one: digits and currency come from the cell's neighbours.
CellFormat ParseCellFormat(std::string_view code);

// Days are counted from the end of 1899, or from 1904. "2024-03-05", "14:30", "2024-03-05
// 14:30:07", "26:15:00", "12.5%", "0.3". What is no number stays as it is.
std::string FormatCell(std::string_view value, CellFormat format, bool since_1904);

}  // namespace kinglet
