// SPDX-License-Identifier: Apache-2.0
// Plain text has no marks of structure worth a guess: paragraphs only.
#include "knowledge/formats/plain.h"

#include <algorithm>

#include "knowledge/cleaner.h"

namespace kinglet {
namespace {

// Runs of lines that are not empty, with the number of the first, from 1.
template <typename Add>
void AppendParagraphs(std::string_view text, const Add& add) {
  std::size_t line = 0;
  std::size_t first_line = 0;
  std::size_t paragraph = 0;  // where it begins; at `begin`: none does
  for (std::size_t begin = 0; begin < text.size();) {
    ++line;
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::size_t next = std::min(end + 1, text.size());
    if (std::ranges::all_of(text.substr(begin, end - begin), IsSpace)) {
      if (paragraph < begin) add(first_line, text.substr(paragraph, begin - paragraph));
      paragraph = next;
    } else if (paragraph == begin) {
      first_line = line;
    }
    begin = next;
  }
  if (paragraph < text.size()) add(first_line, text.substr(paragraph));
}

}  // namespace

Result<void> ExtractPlainText(std::string_view bytes, DocumentBuilder& builder) {
  AppendParagraphs(CleanText(DecodeToUtf8(bytes)), [&](std::size_t line, std::string_view text) {
    builder.AtLine(line, DocumentBuilder::Lines::kOwn);
    builder.AddParagraph(text);
  });
  return {};
}

void AppendPlainText(std::string_view utf8, DocumentBuilder& builder) {
  AppendParagraphs(CleanText(utf8),
                   [&](std::size_t, std::string_view text) { builder.AddParagraph(text); });
}

}  // namespace kinglet
