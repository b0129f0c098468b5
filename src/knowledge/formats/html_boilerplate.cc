// SPDX-License-Identifier: Apache-2.0
// The rules: few, by what sites and generators of manuals call things, and by link density
// (Kohlschuetter et al., "Boilerplate detection using shallow text features", WSDM 2010).
#include "knowledge/formats/html_boilerplate.h"

#include <algorithm>
#include <array>

#include "knowledge/cleaner.h"

namespace kinglet {
namespace {

constexpr auto kNeverText = std::to_array<std::string_view>(
    {"audio", "button", "canvas", "head", "iframe", "input", "math", "noscript", "object", "script",
     "select", "style", "svg", "template", "textarea", "video"});
constexpr auto kNavigationRoles = std::to_array<std::string_view>(
    {"banner", "complementary", "contentinfo", "navigation", "search"});
// Whole words of class, or an id. Not "sidebar": DocBook calls boxes of content so.
constexpr auto kNavigationNames = std::to_array<std::string_view>(
    {"ad",          "ads",           "advert",    "advertisement", "banner",         "breadcrumb",
     "breadcrumbs", "cookie-banner", "docnav",    "footer",        "headerlink",     "menu",
     "nav",         "navbar",        "navfooter", "navheader",     "navigation",     "pagination",
     "related",     "share",         "sharing",   "site-footer",   "site-header",    "skip",
     "skip-link",   "social",        "sr-only",   "toc",           "visually-hidden"});
constexpr auto kNavigationWords = std::to_array<std::string_view>(
    {"contents", "home", "index", "next", "prev", "previous", "table of contents", "top", "up"});
constexpr auto kBlocksOfLinks = std::to_array<std::string_view>(
    {"div", "dl", "header", "ol", "p", "section", "table", "ul", "aside", "form"});
static_assert(std::ranges::is_sorted(kNeverText));
static_assert(std::ranges::is_sorted(kNavigationRoles));
static_assert(std::ranges::is_sorted(kNavigationNames));
static_assert(std::ranges::is_sorted(kNavigationWords));

constexpr std::size_t kMinLinks = 4;    // fewer may be a sentence that is a link
constexpr double kMaxLinkShare = 0.75;  // of the text; a list of references has words between

bool IsOneOf(const auto& sorted_names, std::string_view name) {
  return std::ranges::binary_search(sorted_names, name);
}

bool HasNavigationName(const HtmlNode& node) {
  if (IsOneOf(kNavigationNames, node.Attribute("id"))) return true;
  std::string_view rest = node.Attribute("class");
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find_first_of(" \t\n"), rest.size());
    if (IsOneOf(kNavigationNames, rest.substr(0, end))) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

// The attribute `hidden` has no value of its own; libxml2 gives it none, or its name.
bool IsHidden(const HtmlNode& node) {
  const bool has_hidden = std::ranges::any_of(
      node.attributes, [](const auto& attribute) { return attribute.first == "hidden"; });
  return has_hidden || node.Attribute("aria-hidden") == "true" ||
         node.Attribute("style").find("display:none") != std::string_view::npos;
}

// Text of links like "Next": true when every text below is such a word.
bool AreNavigationWords(const HtmlTree& tree, const HtmlNode& node) {
  if (node.text_bytes == 0) return true;
  if (node.tag.empty()) {
    const std::string word = LowerAscii(OneLine(node.text));
    return word == "|" || IsOneOf(kNavigationWords, word);
  }
  return std::ranges::all_of(node.children, [&](std::uint32_t child) {
    return AreNavigationWords(tree, tree.nodes[child]);
  });
}

bool IsNeverText(const HtmlNode& node) { return IsOneOf(kNeverText, node.tag); }

bool IsBoilerplate(const HtmlTree& tree, const HtmlNode& node) {
  if (node.tag == "body" || node.tag == "html") return false;
  if (IsHidden(node) || node.tag == "nav" || node.tag == "footer") return true;
  if (IsOneOf(kNavigationRoles, node.Attribute("role")) || HasNavigationName(node)) return true;
  const bool block = std::ranges::find(kBlocksOfLinks, node.tag) != kBlocksOfLinks.end();
  if (!block || node.links == 0) return false;
  if (node.text_bytes < 200 && AreNavigationWords(tree, node)) return true;
  return node.links >= kMinLinks && static_cast<double>(node.link_bytes) >
                                        kMaxLinkShare * static_cast<double>(node.text_bytes);
}

// Children come after their parents, so one walk backwards judges bottom up: a wrapper around a
// page is not full of links once its menu is dropped.
template <typename IsDropped>
void Drop(HtmlTree& tree, const IsDropped& is_dropped) {
  for (std::size_t i = tree.nodes.size(); i-- > 0;) {
    HtmlNode& node = tree.nodes[i];
    node.text_bytes = static_cast<std::size_t>(
        std::ranges::count_if(node.text, [](char c) { return !IsSpace(c); }));
    for (const std::uint32_t index : node.children) {
      const HtmlNode& child = tree.nodes[index];
      if (child.dropped) continue;
      node.text_bytes += child.text_bytes;
      node.link_bytes += child.link_bytes;
      node.links += child.links;
    }
    if (node.tag == "a" && !node.Attribute("href").empty()) {
      node.link_bytes = node.text_bytes;
      node.links = 1;
    }
    node.dropped = !node.tag.empty() && is_dropped(node);
  }
}

}  // namespace

void DropNeverText(HtmlTree& tree) { Drop(tree, IsNeverText); }

std::size_t DropBoilerplate(HtmlTree& tree) {
  std::size_t dropped_bytes = 0;
  Drop(tree, [&](const HtmlNode& node) {
    if (IsNeverText(node)) return true;
    if (!IsBoilerplate(tree, node)) return false;
    dropped_bytes += node.text_bytes;
    return true;
  });
  return dropped_bytes;
}

const HtmlNode& FindContent(const HtmlTree& tree) {
  const HtmlNode& root = tree.nodes.front();
  for (const std::string_view tag : {"main", "article"}) {
    const auto named = [&](const HtmlNode& node) {
      return node.tag == tag || (tag == "main" && node.Attribute("role") == "main");
    };
    if (std::ranges::count_if(tree.nodes, named) != 1) continue;
    const HtmlNode& node = *std::ranges::find_if(tree.nodes, named);
    const std::size_t own = node.text_bytes - node.link_bytes;
    const std::size_t all = root.text_bytes - root.link_bytes;
    if (own * 2 >= all) return node;
  }
  return root;
}

}  // namespace kinglet
