// SPDX-License-Identifier: Apache-2.0
// The text elements that all OpenDocument formats share (ODF 1.3 part 3): headings, paragraphs,
// lists, tables.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "knowledge/document.h"
#include "knowledge/formats/table_rows.h"
#include "knowledge/formats/xml_tree.h"

namespace kinglet {

class OdfStyles {
 public:
  // Of one file of the document: the root of content.xml or styles.xml.
  void Add(XmlNode document);

  bool IsTitle(std::string_view style) const { return Descends(style, "Title"); }
  bool IsTableHeading(std::string_view style) const { return Descends(style, "Table_20_Heading"); }
  // The number of the first item of a list on that level, the outermost being 1; none where its
  // items are not numbered.
  std::optional<int> FirstNumber(std::string_view list_style, int level) const;

 private:
  bool Descends(std::string_view style, std::string_view ancestor) const;

  std::map<std::string, std::string, std::less<>> parents_;
  std::map<std::string, std::map<int, std::optional<int>>, std::less<>> list_levels_;
};

class OdfTextReader {
 public:
  OdfTextReader(const OdfStyles& styles, DocumentBuilder& builder)
      : styles_(styles), builder_(builder) {}

  // The blocks below a node. Notes stand after the paragraph that refers to them, text boxes after
  // the one that they hang on; annotations, deleted text and indices are left out.
  void WalkBlocks(XmlNode node);
  // Those of a table.
  void AddTable(XmlNode table);
  // All text below as one line.
  std::string FlatText(XmlNode node);

 private:
  void AddNode(XmlNode node);  // a block, or the blocks below
  void AddBlock(XmlNode paragraph);
  void AddList(XmlNode list, std::string_view style, int level);
  void AppendText(XmlNode node, std::string& out);
  void AppendFlat(XmlNode node, std::string& out);
  void AddDeferred();
  bool IsLayout(const std::vector<XmlNode>& rows) const;
  bool IsHeader(XmlNode row) const;
  std::vector<TableCell> CellsOf(XmlNode row);

  const OdfStyles& styles_;
  DocumentBuilder& builder_;
  std::string mark_;  // of the list item whose first paragraph is still to come
  std::map<std::string, int> last_numbers_;  // of the outermost lists, by style
  std::deque<XmlNode> deferred_;
  bool adds_deferred_ = false;
};

// The rows of a table, through the groups that they may be in.
void CollectOdfRows(XmlNode table, std::vector<XmlNode>& rows);

// How often a cell, row or space stands there: what the attribute says, from 1 to max.
std::size_t OdfRepeats(XmlNode node, std::string_view attribute, std::size_t max);

}  // namespace kinglet
