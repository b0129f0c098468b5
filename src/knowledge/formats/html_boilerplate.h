// SPDX-License-Identifier: Apache-2.0
// Which parts of a page are not its content: navigation, bars, forms, lists of links.
#pragma once

#include "knowledge/formats/html_tree.h"

namespace kinglet {

// Drops what never holds text for readers, in any document: script, style, template, ...
void DropNeverText(HtmlTree& tree);

// Drops that and what surrounds the content of a page, judged by tag, role, class, id and the share
// of links in the text. Returns the bytes of text that surrounded it.
std::size_t DropBoilerplate(HtmlTree& tree);

// The element that holds the content: the only <main> or <article> if most of the text is in it,
// else the root.
const HtmlNode& FindContent(const HtmlTree& tree);

}  // namespace kinglet
