// SPDX-License-Identifier: Apache-2.0
// PDF: the words that poppler's pdftotext finds, and where they stand, made into headings,
// paragraphs and pages.
#pragma once

#include <string_view>

#include "base/status.h"
#include "knowledge/document.h"

namespace kinglet {

// words: what `pdftotext -tsv` writes, with lines of level, page, paragraph, block, line, word,
// left, top, width, height, confidence and text; any bytes are allowed. What is set larger than the
// body of the text is a heading, lines that come again at the edge of several pages are left out.
// kInvalidInput where there are no words: the pages are pictures of text, or empty.
Result<void> ExtractPdfWords(std::string_view words, DocumentBuilder& builder);

}  // namespace kinglet
