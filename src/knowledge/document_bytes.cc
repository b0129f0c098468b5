// SPDX-License-Identifier: Apache-2.0
// Counts of eight bytes, and texts behind theirs. Both ends are one program on one machine.
#include "knowledge/document_bytes.h"

#include <cstdint>
#include <cstring>
#include <optional>

namespace kinglet {
namespace {

class Writer {
 public:
  void Count(std::size_t count) {
    const auto number = static_cast<std::uint64_t>(count);
    char bytes[sizeof(number)];
    std::memcpy(bytes, &number, sizeof(number));
    out_.append(bytes, sizeof(number));
  }
  void Text(std::string_view text) {
    Count(text.size());
    out_ += text;
  }
  std::string Finish() && { return std::move(out_); }

 private:
  std::string out_;
};

// Once something is missing all that follows is empty.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : left_(bytes) {}

  std::size_t Count() {
    std::uint64_t number = 0;
    Take(sizeof(number)).copy(reinterpret_cast<char*>(&number), sizeof(number));
    return number;
  }
  std::string Text() { return std::string(Take(Count())); }
  // How many things follow that take so many bytes each at least.
  std::size_t Things(std::size_t least_bytes) {
    const std::size_t count = Count();
    if (count > left_.size() / least_bytes) failed_ = true;
    return failed_ ? 0 : count;
  }
  bool IsWhole() const { return !failed_ && left_.empty(); }

 private:
  std::string_view Take(std::size_t count) {
    if (failed_ || count > left_.size()) {
      failed_ = true;
      return {};
    }
    const std::string_view taken = left_.substr(0, count);
    left_.remove_prefix(count);
    return taken;
  }

  std::string_view left_;
  bool failed_ = false;
};

}  // namespace

std::string DocumentToBytes(const Document& document) {
  Writer writer;
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
  Reader reader(bytes);
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
