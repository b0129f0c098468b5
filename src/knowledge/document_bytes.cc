// SPDX-License-Identifier: Apache-2.0
// Its fields one after the other.
#include "knowledge/document_bytes.h"

#include <cstdint>

#include "knowledge/byte_fields.h"

namespace kinglet {

std::string DocumentToBytes(const Document& document) {
  FieldWriter writer;
  writer.Text(document.title);
  writer.Text(document.text);
  writer.Count(document.headings.size());
  for (const std::string& heading : document.headings) writer.Text(heading);
  writer.Count(document.blocks.size());
  for (const Block& block : document.blocks) {
    writer.Count(static_cast<std::size_t>(block.kind));
    writer.Count(block.range.begin);
    writer.Count(block.range.end);
    writer.Count(block.heading);
  }
  writer.Count(document.pages.size());
  for (const std::size_t page : document.pages) writer.Count(page);
  writer.Count(document.embedded.size());
  for (const EmbeddedFile& file : document.embedded) {
    writer.Text(file.name);
    writer.Text(file.bytes);
    writer.Count(file.block);
  }
  return std::move(writer).Finish();
}

Result<Document> DocumentFromBytes(std::string_view bytes) {
  FieldReader reader(bytes);
  Document document;
  document.title = reader.Text();
  document.text = reader.Text();
  document.headings.resize(reader.Things(sizeof(std::uint64_t)));
  for (std::string& heading : document.headings) heading = reader.Text();
  document.blocks.resize(reader.Things(4 * sizeof(std::uint64_t)));
  bool fits = true;
  for (Block& block : document.blocks) {
    const std::size_t kind = reader.Count();
    const bool is_kind = kind <= static_cast<std::size_t>(BlockKind::kTableRow);
    block.range.begin = reader.Count();
    block.range.end = reader.Count();
    const std::size_t heading = reader.Count();
    fits = fits && is_kind && heading <= UINT32_MAX;
    if (is_kind) block.kind = static_cast<BlockKind>(kind);
    block.heading = static_cast<std::uint32_t>(heading);
  }
  document.pages.resize(reader.Things(sizeof(std::uint64_t)));
  for (std::size_t& page : document.pages) page = reader.Count();
  document.embedded.resize(reader.Things(3 * sizeof(std::uint64_t)));
  for (EmbeddedFile& file : document.embedded) {
    file.name = reader.Text();
    file.bytes = reader.Text();
    file.block = reader.Count();
  }
  if (!reader.IsWhole() || !fits) {
    return Error(StatusCode::kInvalidInput, "no sound document: its bytes end in the midst of it");
  }
  TRY(CheckDocument(document));
  return document;
}

}  // namespace kinglet
