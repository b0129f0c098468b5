// SPDX-License-Identifier: Apache-2.0
// A page as a tree of elements and texts: what libxml2's parser reports, within limits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace kinglet {

// Attributes that tell content from the rest.
inline constexpr std::string_view kHtmlAttributes[] = {
    "class", "id",     "role",        "rel",      "href",     "title",    "start",
    "style", "hidden", "aria-hidden", "itemprop", "itemtype", "property", "content"};

struct HtmlNode {
  std::string tag;                      // in lower case, without a prefix; empty: a text
  std::string text;                     // of a text
  std::size_t line = 0;                 // on which the tag stands, from 1; of a text 0
  std::vector<std::uint32_t> children;  // indices into HtmlTree::nodes, greater than its own

  // Those of kHtmlAttributes that it has, names and the values of class, id, role and rel in lower
  // case.
  std::vector<std::pair<std::string, std::string>> attributes;

  // Filled by DropNeverText and DropBoilerplate.
  bool dropped = false;        // with everything below it
  std::size_t text_bytes = 0;  // below it, without white space and without what is dropped
  std::size_t link_bytes = 0;  // of text_bytes, inside links
  std::size_t links = 0;

  std::string_view Attribute(std::string_view name) const;  // empty where it has none
  bool HasClass(std::string_view name) const;  // one of the words of the class attribute
};

struct HtmlTree {
  std::vector<HtmlNode> nodes;  // the first is the root, without tag
};

struct HtmlLimits {
  std::size_t depth = 512;
  std::size_t nodes = 1'000'000;
};

// Any bytes of UTF-8 are some tree; kLimitExceeded beyond the limits. Reads no other file, no
// network; knows HTML's own entities only.
Result<HtmlTree> ParseHtml(std::string_view utf8, const HtmlLimits& limits = {});

}  // namespace kinglet
