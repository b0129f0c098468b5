// SPDX-License-Identifier: Apache-2.0
// Plain text has no marks of structure worth a guess: paragraphs only.
#include "knowledge/formats/plain.h"

#include <algorithm>

#include "knowledge/cleaner.h"

namespace kinglet {

Result<void> ExtractPlainText(std::string_view bytes, DocumentBuilder& builder) {
  AppendPlainText(DecodeToUtf8(bytes), builder);
  return {};
}

void AppendPlainText(std::string_view utf8, DocumentBuilder& builder) {
  const std::string text = CleanText(utf8);
  std::size_t paragraph = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    if (std::all_of(text.begin() + static_cast<std::ptrdiff_t>(begin),
                    text.begin() + static_cast<std::ptrdiff_t>(end), IsSpace)) {
      builder.AddParagraph(std::string_view(text).substr(paragraph, begin - paragraph));
      paragraph = end;
    }
    begin = end + 1;
  }
  builder.AddParagraph(std::string_view(text).substr(std::min(paragraph, text.size())));
}

}  // namespace kinglet
