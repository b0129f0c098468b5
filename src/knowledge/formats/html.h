// SPDX-License-Identifier: Apache-2.0
// HTML: the text of a page without what surrounds it on every page of its site.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "knowledge/document.h"

namespace kinglet {

// A page. Navigation, bars, scripts, and blocks that are only links are dropped.
Result<void> ExtractHtml(std::string_view bytes, DocumentBuilder& builder);

// To UTF-8, by its mark or else by what the page itself declares.
std::string DecodeHtml(std::string_view bytes);

// Content only, in UTF-8: nothing is taken for navigation. The first heading is the title where
// there is none yet.
Result<void> AppendHtmlFragment(std::string_view utf8, DocumentBuilder& builder);
// The same where the original has its text on the same lines, so many further down.
Result<void> AppendHtmlFragment(std::string_view utf8, std::size_t lines_before,
                                DocumentBuilder& builder);

}  // namespace kinglet
