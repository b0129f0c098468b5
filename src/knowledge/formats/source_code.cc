// SPDX-License-Identifier: Apache-2.0
// No language is parsed: a definition begins after an empty line, at the margin. One that fills
// more than a chunk, as a class does, is cut likewise at the least indentation inside it.
#include "knowledge/formats/source_code.h"

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "knowledge/chunker.h"
#include "knowledge/cleaner.h"

namespace kinglet {
namespace {

constexpr int kMaxLevels = 4;  // class in a class; deeper, the chunker cuts between lines
constexpr std::size_t kTabColumns = 8;

struct Line {
  std::string_view text;
  std::size_t number;  // in the file, from 1
  std::size_t indentation;
  bool begins;  // something may begin here: the line before it is empty, and it closes nothing
};

// Those that are not empty.
std::vector<Line> LinesOf(std::string_view text) {
  std::vector<Line> lines;
  bool after_empty = true;
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    std::size_t columns = 0;
    std::size_t first = 0;
    for (; first < line.size() && IsSpace(line[first]); ++first) {
      columns += line[first] == '\t' ? kTabColumns : 1;
    }
    const bool empty = first == line.size();
    if (!empty) {
      const bool closes = line[first] == '}' || line[first] == ')' || line[first] == ']';
      lines.push_back({line, number, columns, after_empty && !closes});
    }
    after_empty = empty;
  }
  return lines;
}

// The text from the first of them to the last, of which they are a part.
std::string_view Join(std::span<const Line> lines) {
  const char* begin = lines.front().text.data();
  return {begin,
          static_cast<std::size_t>(lines.back().text.data() + lines.back().text.size() - begin)};
}

void AddPieces(std::span<const Line> lines, int level, DocumentBuilder& builder) {
  if (lines.empty()) return;
  const std::string_view text = Join(lines);
  // The first piece begins where the whole does, so its own indentation is none to cut at.
  std::optional<std::size_t> margin;
  for (const Line& line : lines.subspan(1)) {
    if (line.begins) margin = std::min(margin.value_or(line.indentation), line.indentation);
  }
  const bool fits = level > 0 && text.size() <= ChunkSizes().max_bytes;
  if (fits || level == kMaxLevels || !margin) {
    builder.AtLine(lines.front().number, DocumentBuilder::Lines::kOwn);
    return builder.AddCode(text);
  }
  std::size_t begin = 0;
  for (std::size_t i = 1; i <= lines.size(); ++i) {
    if (i < lines.size() && !(lines[i].begins && lines[i].indentation <= *margin)) continue;
    AddPieces(lines.subspan(begin, i - begin), level + 1, builder);
    begin = i;
  }
}

}  // namespace

Result<void> ExtractSourceCode(std::string_view bytes, DocumentBuilder& builder) {
  const std::string text = CleanText(DecodeToUtf8(bytes));
  AddPieces(LinesOf(text), 0, builder);
  return {};
}

}  // namespace kinglet
