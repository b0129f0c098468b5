// SPDX-License-Identifier: Apache-2.0
// Styles inherit from each other; Word keeps the English names of its own ones in every language.
#include "knowledge/formats/docx_styles.h"

#include <algorithm>
#include <charconv>
#include <set>

#include <fmt/format.h>

#include "knowledge/cleaner.h"

namespace kinglet {
namespace {

constexpr int kMaxHeading = 6;
constexpr int kMaxAncestors = 32;
constexpr int kMaxCount = 1'000'000;

int Number(std::string_view text, int otherwise) {
  int number = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// "Heading 1", "heading 1" and "Heading1" are one name.
std::string Normalised(std::string_view name) {
  std::string out = LowerAscii(name);
  std::erase(out, ' ');
  return out;
}

void ReadName(std::string_view full_name, DocxStyle& style) {
  const std::string name = Normalised(full_name);
  constexpr std::string_view kHeading = "heading";
  if (name.starts_with(kHeading) && name.size() == kHeading.size() + 1) {
    style.heading = std::clamp(name.back() - '0', 0, kMaxHeading);
  }
  style.title = name == "title";
  style.contents = name.starts_with("toc") || name == "tableoffigures";
  style.table_heading = name == "tableheading";
}

void ReadProperties(XmlNode style_node, DocxStyle& style) {
  const XmlNode properties = style_node.Child("pPr");
  const XmlNode outline = properties.Child("outlineLvl");
  const int level = Number(outline.Attribute("val"), 9);
  if (style.heading == 0 && level >= 0 && level < 9) {
    style.heading = std::min(level + 1, kMaxHeading);
  }
  const XmlNode numbering = properties.Child("numPr");
  style.numbering = numbering.Child("numId").Attribute("val");
  style.list_level = static_cast<std::size_t>(
      std::clamp(Number(numbering.Child("ilvl").Attribute("val"), 0), 0, 8));
  for (const XmlNode child : style_node.children()) {
    if (child.tag() == "tblStylePr" && child.Attribute("type") == "firstRow") {
      style.marks_first_row = true;
    }
  }
}

void Inherit(const DocxStyle& from, DocxStyle& style) {
  if (style.heading == 0) style.heading = from.heading;
  style.title = style.title || from.title;
  style.marks_first_row = style.marks_first_row || from.marks_first_row;
  style.table_heading = style.table_heading || from.table_heading;
  if (style.numbering.empty()) {
    style.numbering = from.numbering;
    style.list_level = from.list_level;
  }
}

}  // namespace

DocxStyles::DocxStyles(XmlNode styles) {
  std::map<std::string, std::string, std::less<>> parents;
  std::map<std::string, DocxStyle, std::less<>> own;
  for (const XmlNode node : styles.children()) {
    if (node.tag() != "style") continue;
    DocxStyle style;
    ReadName(node.Child("name").Attribute("val"), style);
    ReadProperties(node, style);
    const std::string id(node.Attribute("styleId"));
    parents[id] = node.Child("basedOn").Attribute("val");
    own[id] = std::move(style);
  }
  for (const auto& [id, own_style] : own) {
    DocxStyle style = own_style;
    std::string_view ancestor = parents[id];
    for (int i = 0; i < kMaxAncestors; ++i) {  // a file may have it that they are in a circle
      const auto found = own.find(ancestor);
      if (found == own.end()) break;
      Inherit(found->second, style);
      ancestor = parents[found->first];
    }
    styles_[id] = std::move(style);
  }
  for (const std::string_view id :
       {"Heading1", "Heading2", "Heading3", "Heading4", "Heading5", "Heading6", "Title"}) {
    DocxStyle style;
    ReadName(id, style);
    styles_.try_emplace(std::string(id), std::move(style));
  }
}

const DocxStyle& DocxStyles::Find(std::string_view id) const {
  const auto found = styles_.find(id);
  return found == styles_.end() ? none_ : found->second;
}

DocxNumbering::DocxNumbering(XmlNode numbering) {
  std::map<std::string, List, std::less<>> abstract;
  for (const XmlNode node : numbering.children()) {
    if (node.tag() == "abstractNum") {
      ReadLevels(node, abstract[std::string(node.Attribute("abstractNumId"))]);
    }
  }
  for (const XmlNode node : numbering.children()) {
    if (node.tag() != "num") continue;
    const auto found = abstract.find(node.Child("abstractNumId").Attribute("val"));
    if (found == abstract.end()) continue;
    List& list = lists_[std::string(node.Attribute("numId"))];
    list = found->second;
    ReadLevels(node, list);
  }
}

// Levels of a definition, or the changes that a list makes to it.
void DocxNumbering::ReadLevels(XmlNode node, List& list) {
  for (const XmlNode child : node.children()) {
    const int index = Number(child.Attribute("ilvl"), -1);
    if (index < 0 || index >= static_cast<int>(kDocxListLevels)) continue;
    Level& level = list.levels[static_cast<std::size_t>(index)];
    const XmlNode definition = child.tag() == "lvl" ? child : child.Child("lvl");
    if (const XmlNode format = definition.Child("numFmt")) {
      const std::string_view mark = definition.Child("lvlText").Attribute("val");
      level.marked = format.Attribute("val") != "none" && mark != " ";
      level.numbered = level.marked && format.Attribute("val") != "bullet";
    }
    level.start = Number(definition.Child("start").Attribute("val"), level.start);
    level.start = Number(child.Child("startOverride").Attribute("val"), level.start);
  }
}

std::string DocxNumbering::NextMark(std::string_view id, std::size_t level) {
  const auto found = lists_.find(id);
  if (found == lists_.end() || level >= kDocxListLevels) return "- ";
  List& list = found->second;
  if (!list.levels[level].marked) return "";
  std::fill(list.counts.begin() + static_cast<std::ptrdiff_t>(level) + 1, list.counts.end(), 0);
  const int number = std::clamp(list.levels[level].start, 0, kMaxCount) + list.counts[level];
  if (list.counts[level] < kMaxCount) ++list.counts[level];
  return list.levels[level].numbered ? fmt::format("{}. ", number) : "- ";
}

}  // namespace kinglet
