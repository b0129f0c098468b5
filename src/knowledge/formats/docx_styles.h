// SPDX-License-Identifier: Apache-2.0
// What the styles and numberings of a Word document make of a paragraph: heading, item, or neither.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "knowledge/formats/xml_tree.h"

namespace kinglet {

struct DocxStyle {
  int heading = 0;        // 1 to 6; 0: none
  bool title = false;     // of the document
  bool contents = false;  // a line of a table of contents
  bool table_heading = false;
  bool marks_first_row = false;  // of tables: the first row looks different
  std::string numbering;         // the id of the list that its paragraphs are items of
  std::size_t list_level = 0;
};

class DocxStyles {
 public:
  // Null nodes: the document has none, and styles are known by their ids.
  explicit DocxStyles(XmlNode styles);

  // Never fails: unknown styles say nothing.
  const DocxStyle& Find(std::string_view id) const;

 private:
  std::map<std::string, DocxStyle, std::less<>> styles_;
  DocxStyle none_;
};

inline constexpr std::size_t kDocxListLevels = 9;

class DocxNumbering {
 public:
  explicit DocxNumbering(XmlNode numbering);

  // "- " or "3. " for the next item of a list, which it counts; empty where the list shows no mark.
  std::string NextMark(std::string_view id, std::size_t level);

 private:
  struct Level {
    bool numbered = false;
    bool marked = true;  // lists without marks go on with an item's text
    int start = 1;
  };
  struct List {
    std::array<Level, kDocxListLevels> levels;
    std::array<int, kDocxListLevels> counts{};  // of the items so far
  };

  static void ReadLevels(XmlNode node, List& list);

  std::map<std::string, List, std::less<>> lists_;
};

}  // namespace kinglet
