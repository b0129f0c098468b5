// SPDX-License-Identifier: Apache-2.0
// A notebook is JSON (nbformat 4, and 3 with its worksheets): cells in order, each of one kind.
#include "knowledge/formats/notebook.h"

#include <string>

#include "base/json.h"
#include "knowledge/cleaner.h"
#include "knowledge/formats/markdown.h"
#include "knowledge/formats/plain.h"

namespace kinglet {
namespace {

constexpr JsonLimits kLimits{.max_bytes = std::size_t{16} << 20, .max_depth = 64};

std::string_view StringMember(const json::value& value, std::string_view name) {
  const json::value* member = Find(value, name);
  return member != nullptr && member->is_string() ? std::string_view(member->get_string())
                                                  : std::string_view();
}

// A string, or a list of lines that carry their line breaks.
std::string JoinedText(const json::value* source) {
  if (source == nullptr) return {};
  if (const json::string* text = source->if_string()) return std::string(*text);
  std::string text;
  if (const json::array* lines = source->if_array()) {
    for (const json::value& line : *lines) {
      if (const json::string* line_text = line.if_string()) text += *line_text;
    }
  }
  return text;
}

Result<void> AppendCell(const json::value& cell, DocumentBuilder& builder) {
  const std::string_view type = StringMember(cell, "cell_type");
  const json::value* source = Find(cell, "source");
  if (source == nullptr) source = Find(cell, "input");  // what version 3 calls a cell's code
  const std::string text = CleanText(JoinedText(source));
  if (type == "markdown") return AppendMarkdown(text, builder);
  if (type == "heading") {
    const json::value* level = Find(cell, "level");
    const bool known =
        level != nullptr && level->is_int64() && level->get_int64() >= 1 && level->get_int64() <= 6;
    builder.AddHeading(known ? static_cast<int>(level->get_int64()) : 1, text);
  } else if (type == "code") {
    builder.AddCode(text);
  } else {
    AppendPlainText(text, builder);
  }
  return {};
}

Result<void> AppendCells(const json::value& sheet, DocumentBuilder& builder) {
  const json::value* cells = Find(sheet, "cells");
  if (cells == nullptr || !cells->is_array()) {
    return Error(StatusCode::kInvalidInput, "not a notebook: it has no list of cells");
  }
  for (const json::value& cell : cells->get_array()) TRY(AppendCell(cell, builder));
  return {};
}

}  // namespace

Result<void> ExtractNotebook(std::string_view bytes, DocumentBuilder& builder) {
  const json::value notebook = TRY(ParseJson(DecodeToUtf8(bytes), kLimits));
  if (const json::value* metadata = Find(notebook, "metadata")) {
    if (const std::string_view title = StringMember(*metadata, "title"); !title.empty()) {
      builder.SetTitle(title);
    }
  }
  const json::value* sheets = Find(notebook, "worksheets");
  if (sheets == nullptr || !sheets->is_array()) return AppendCells(notebook, builder);
  for (const json::value& sheet : sheets->get_array()) TRY(AppendCells(sheet, builder));
  return {};
}

}  // namespace kinglet
