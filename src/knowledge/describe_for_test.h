// SPDX-License-Identifier: Apache-2.0
// A document as a text that a test compares: its title, then a line a block with its headings, and
// one for each page that begins.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "base/file.h"
#include "knowledge/extractor.h"

namespace kinglet {

inline std::string_view Name(BlockKind kind) {
  switch (kind) {
    case BlockKind::kHeading:
      return "heading";
    case BlockKind::kParagraph:
      return "paragraph";
    case BlockKind::kListItem:
      return "list item";
    case BlockKind::kCode:
      return "code";
    case BlockKind::kTableRow:
      break;
  }
  return "table row";
}

inline std::string Describe(const Document& document) {
  std::string out = "title: " + document.title + "\n";
  std::size_t page = 0;
  for (const Block& block : document.blocks) {
    while (page < document.pages.size() && document.pages[page] <= block.range.begin) {
      out += fmt::format("page {}\n", ++page);
    }
    out += fmt::format("{} [{}] {}\n", Name(block.kind), document.headings[block.heading],
                       block.range.Of(document.text));
  }
  return out;
}

inline Document Extract(const std::filesystem::path& path, std::string_view bytes) {
  const Format* format = FindFormat(path, bytes, UnknownSuffix::kReadAsText);
  EXPECT_NE(format, nullptr) << path;
  if (format == nullptr) return {};
  Result<Document> document = ExtractDocument(path, bytes, *format);
  EXPECT_TRUE(document) << document.error().message();
  return document ? *std::move(document) : Document();
}

// Why it cannot be read.
inline Status ErrorOf(const std::filesystem::path& path, std::string_view bytes) {
  const Format* format = FindFormat(path, bytes, UnknownSuffix::kSkip);
  if (format == nullptr) return {StatusCode::kFailed, "no format"};
  const Result<Document> document = ExtractDocument(path, bytes, *format);
  return document ? Status(StatusCode::kFailed, "it is read") : document.error();
}

inline std::string Sample(const std::string& name) {
  return ReadFile(std::filesystem::path(KINGLET_TEST_DATA) / "documents" / name, 1 << 20).value();
}

}  // namespace kinglet
