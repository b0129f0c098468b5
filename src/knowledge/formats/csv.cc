// SPDX-License-Identifier: Apache-2.0
// RFC 4180 and what programs write besides: other delimiters, rows of any length, tables without
// a header. One pass, one row in memory.
#include "knowledge/formats/csv.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "knowledge/cleaner.h"
#include "knowledge/formats/table_rows.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxColumns = 16'384;  // as many as a spreadsheet has
constexpr std::size_t kMaxFieldBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxNameBytes = 200;  // of a column: it is written again in each row

constexpr std::size_t kSampledBytes = 64 << 10;
constexpr std::size_t kSampledRows = 50;

using Row = std::vector<std::string>;

// Reads row after row. A quote means something only where a field begins.
class RowReader {
 public:
  RowReader(std::string_view text, char delimiter, std::size_t first_line = 1)
      : text_(text), delimiter_(delimiter), line_(first_line) {}

  std::size_t line() const { return line_; }  // where the next row begins
  bool at_end() const { return at_ >= text_.size(); }

  // The next row, which may be an empty line: then it has one empty field.
  Result<Row> Next() {
    Row row;
    for (;;) {
      if (row.size() == kMaxColumns) {
        return Error(StatusCode::kLimitExceeded, "line {}: more than {} columns", line_,
                     kMaxColumns);
      }
      row.push_back(TRY(NextField()));
      if (at_end()) return row;
      if (text_[at_++] == '\n') {
        ++line_;
        return row;
      }
    }
  }

 private:
  // Up to the delimiter or line break behind it, or to the end.
  Result<std::string> NextField() {
    const std::size_t line = line_;
    std::string field;
    std::size_t begin = at_;
    while (begin < text_.size() && text_[begin] == ' ') ++begin;
    if (begin < text_.size() && text_[begin] == '"') {
      at_ = begin + 1;
      TRY(ReadQuoted(field, line));
    }
    const char ends[] = {delimiter_, '\n', '\0'};
    const std::size_t end = std::min(text_.find_first_of(ends, at_), text_.size());
    TRY(Append(field, text_.substr(at_, end - at_), line));
    at_ = end;
    return field;
  }

  // To behind the closing quote; what is never closed ends with the file.
  Result<void> ReadQuoted(std::string& field, std::size_t line) {
    while (at_ < text_.size()) {
      const std::size_t end = std::min(text_.find('"', at_), text_.size());
      const std::string_view piece = text_.substr(at_, end - at_);
      line_ += static_cast<std::size_t>(std::ranges::count(piece, '\n'));
      TRY(Append(field, piece, line));
      at_ = end + 1;
      if (at_ >= text_.size() || text_[at_] != '"') break;
      field += '"';
      ++at_;
    }
    at_ = std::min(at_, text_.size());
    return {};
  }

  static Result<void> Append(std::string& field, std::string_view piece, std::size_t line) {
    if (field.size() + piece.size() > kMaxFieldBytes) {
      return Error(StatusCode::kLimitExceeded,
                   "line {}: a field of more than {} bytes: perhaps a quote is not closed", line,
                   kMaxFieldBytes);
    }
    field += piece;
    return {};
  }

  std::string_view text_;
  char delimiter_;
  std::size_t at_ = 0;
  std::size_t line_;
};

bool IsEmptyRow(const Row& row) {
  return std::ranges::all_of(row, [](const std::string& cell) {
    return cell.find_first_not_of(" \t\n") == std::string::npos;
  });
}

// How many of the first rows have the number of fields that most of them have, as a share; 0 where
// that is one field.
double Agreement(std::string_view sample, char delimiter) {
  std::vector<std::size_t> counts;
  RowReader reader(sample, delimiter);
  while (!reader.at_end() && counts.size() < kSampledRows) {
    const Result<Row> row = reader.Next();
    if (!row) break;
    // The sample may end inside a row.
    if (reader.at_end() && sample.size() == kSampledBytes) break;
    if (!IsEmptyRow(*row)) counts.push_back(row->size());
  }
  std::size_t rows = 0;
  for (const std::size_t count : counts) {
    if (count > 1)
      rows = std::max(rows, static_cast<std::size_t>(std::ranges::count(counts, count)));
  }
  return counts.empty() ? 0 : static_cast<double>(rows) / static_cast<double>(counts.size());
}

// The one by which rows are most alike. Commas come last: they stand in numbers and sentences too.
char GuessDelimiter(std::string_view text) {
  const std::string_view sample = text.substr(0, kSampledBytes);
  char best = ',';
  double best_agreement = 0;
  for (const char delimiter : {'\t', ';', '|', ','}) {
    const double agreement = Agreement(sample, delimiter);
    if (agreement > best_agreement) {
      best = delimiter;
      best_agreement = agreement;
    }
  }
  return best;
}

// A number, an amount, a date or a time: no name of a column.
bool IsNumber(std::string_view text) {
  const bool has_digit = std::ranges::any_of(text, [](char c) { return c >= '0' && c <= '9'; });
  return has_digit && text.find_first_not_of("0123456789.,+-/:%$eE ") == std::string_view::npos;
}

// The names of the columns, if the first row holds names. Empty fields behind the last name do not
// matter, and the first column may lack one: there, numbers of rows stand.
std::optional<Row> HeaderOf(const Row& row) {
  Row header = row;
  for (std::string& name : header) TruncateUtf8(name, kMaxNameBytes);
  while (!header.empty() && header.back().empty()) header.pop_back();
  if (header.empty()) return std::nullopt;
  std::set<std::string_view> names;
  for (std::size_t column = 0; column < header.size(); ++column) {
    const std::string& name = header[column];
    const bool may_be_empty = column == 0 && header.size() > 1;
    if ((name.empty() && !may_be_empty) || IsNumber(name) || !names.insert(name).second) {
      return std::nullopt;
    }
  }
  return header;
}

// Excel tells itself the delimiter by a first line "sep=;".
std::optional<char> TakeDelimiterLine(std::string_view& text) {
  if (!text.starts_with("sep=") || text.size() < 6 || text[5] != '\n') return std::nullopt;
  const char delimiter = text[4];
  text.remove_prefix(6);
  return delimiter;
}

Result<void> AppendTable(std::string_view text, char delimiter, std::size_t first_line,
                         DocumentBuilder& builder) {
  RowReader reader(text, delimiter, first_line);
  TableRows rows(builder);
  std::optional<Row> first;
  bool has_rows = false;
  while (!reader.at_end() && !builder.is_full()) {
    const std::size_t line = reader.line();
    Row row = TRY(reader.Next());
    for (std::string& cell : row) cell = OneLine(cell);
    if (IsEmptyRow(row)) continue;
    builder.AtLine(line, DocumentBuilder::Lines::kNone);
    if (!first) {
      if (const auto header = HeaderOf(row)) rows.SetHeader(CellsOf(*header));
      first = std::move(row);
      if (rows.has_header()) continue;
      rows.AddRow(CellsOf(*first));
    } else {
      rows.AddRow(CellsOf(row));
    }
    has_rows = true;
  }
  if (first && !has_rows) TableRows(builder).AddRow(CellsOf(*first));
  return {};
}

}  // namespace

Result<void> ExtractCsv(std::string_view bytes, DocumentBuilder& builder) {
  const std::string decoded = CleanText(DecodeToUtf8(bytes));
  std::string_view text = decoded;
  const std::optional<char> told = TakeDelimiterLine(text);
  return AppendTable(text, told ? *told : GuessDelimiter(text), told ? 2 : 1, builder);
}

Result<void> ExtractTsv(std::string_view bytes, DocumentBuilder& builder) {
  return AppendTable(CleanText(DecodeToUtf8(bytes)), '\t', 1, builder);
}

}  // namespace kinglet
