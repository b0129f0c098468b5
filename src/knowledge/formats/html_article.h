// SPDX-License-Identifier: Apache-2.0
// The article of a page that calls itself one: news and blogs put more around it than navigation.
#pragma once

#include "knowledge/formats/html_tree.h"

namespace kinglet {

// Of a tree whose boilerplate is dropped: the element that holds the article, after what stands
// beside and within it and is none of it was dropped too. Null, and nothing dropped, where the page
// does not say that it is an article, or has no region with enough text in paragraphs.
const HtmlNode* SelectArticle(HtmlTree& tree);

}  // namespace kinglet
