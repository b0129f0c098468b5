// SPDX-License-Identifier: Apache-2.0
// Out of a library: one read transaction. Into it: every line is checked before anything is kept.
#include "knowledge/library_export.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/digest.h"
#include "base/display.h"
#include "base/utf8.h"
#include "knowledge/chunker.h"
#include "knowledge/library_state.h"

namespace kinglet {
namespace {

constexpr std::string_view kFormat = "kinglet-library";
constexpr std::int64_t kFormatVersion = 1;
constexpr std::size_t kMaxMediaTypeBytes = 255;   // RFC 6838: two names of 127
constexpr std::int64_t kMaxLine = INT32_MAX / 2;  // and as many more are counted from there
// A document is an object of arrays of objects.
constexpr JsonLimits kLineLimits{.max_bytes = kMaxExportLineBytes, .max_depth = 4};

std::unexpected<Status> Broken(std::string_view what) {
  return Error(StatusCode::kInvalidInput, "{}", what);
}

json::value UriJson(const std::string& uri) {
  if (IsUtf8(uri)) return json::string(uri);
  json::array bytes;
  for (const char c : uri) bytes.emplace_back(static_cast<unsigned char>(c));
  return bytes;
}

Result<std::string> ReadText(const json::value& object, std::string_view key) {
  const json::value* value = Find(object, key);
  if (value == nullptr || !value->is_string()) {
    return Error(StatusCode::kInvalidInput, "\"{}\" is not a text", key);
  }
  return std::string(value->get_string());
}

// A text that is shown on one line.
Result<std::string> ReadName(const json::value& object, std::string_view key) {
  std::string name = TRY(ReadText(object, key));
  if (!IsCleanText(name) || name.find_first_of("\n\t") != std::string::npos) {
    return Error(StatusCode::kInvalidInput, "\"{}\" holds control characters", key);
  }
  return name;
}

Result<std::int64_t> ReadNumber(const json::value& object, std::string_view key) {
  const json::value* value = Find(object, key);
  if (value == nullptr || !value->is_int64()) {
    return Error(StatusCode::kInvalidInput, "\"{}\" is not a whole number", key);
  }
  return value->get_int64();
}

// A place in a text of size_bytes, or its end.
std::optional<std::size_t> PlaceIn(std::size_t size_bytes, std::int64_t number) {
  if (number < 0 || static_cast<std::uint64_t>(number) > size_bytes) return std::nullopt;
  return static_cast<std::size_t>(number);
}

Result<std::string> ReadUri(const json::value& object) {
  std::string uri;
  const json::value* value = Find(object, "document");
  if (value != nullptr && value->is_array()) {
    for (const json::value& byte : value->get_array()) {
      if (!byte.is_int64() || byte.get_int64() < 0 || byte.get_int64() > 255) {
        return Broken("\"document\" is neither a text nor its bytes");
      }
      uri += static_cast<char>(byte.get_int64());
    }
  } else {
    uri = TRY(ReadText(object, "document"));
  }
  if (uri.empty() || uri.find('\0') != std::string::npos) return Broken("\"document\" is no name");
  return uri;
}

Result<std::string> ReadMediaType(const json::value& object) {
  std::string type = TRY(ReadText(object, "media_type"));
  const bool is_plain = std::ranges::all_of(type, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("/+-._!#$&^").find(c) != std::string_view::npos;
  });
  if (!is_plain || type.empty() || type.size() > kMaxMediaTypeBytes) {
    return Broken("\"media_type\" is none");
  }
  return type;
}

Result<std::string> ReadDigest(const json::value& object, std::string_view key) {
  std::string digest = TRY(ReadText(object, key));
  const bool is_hex = std::ranges::all_of(
      digest, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (!is_hex || digest.size() != 64) {
    return Error(StatusCode::kInvalidInput, "\"{}\" is no SHA-256 in hexadecimal", key);
  }
  return digest;
}

Result<DocumentRecord> ReadRecord(const json::value& object) {
  DocumentRecord record;
  record.source.uri = TRY(ReadUri(object));
  record.source.media_type = TRY(ReadMediaType(object));
  record.source.digest = TRY(ReadDigest(object, "digest"));
  record.source.size_bytes = TRY(ReadNumber(object, "size_bytes"));
  record.source.modified_ns = TRY(ReadNumber(object, "modified_ns"));
  record.title = TRY(ReadName(object, "title"));
  record.text_bytes = TRY(ReadNumber(object, "text_bytes"));
  record.text_digest = TRY(ReadDigest(object, "text_digest"));
  const auto ingested_at = ParseIso8601(TRY(ReadText(object, "ingested_at")));
  if (!ingested_at) return Broken("\"ingested_at\" is no time such as 2026-01-31T12:34:56Z");
  record.ingested_at = *ingested_at;
  if (record.source.size_bytes < 0) return Broken("\"size_bytes\" is below zero");
  return record;
}

Result<std::vector<ChunkRecord>> ReadChunks(const json::value& object, std::string_view text) {
  const json::value* values = Find(object, "chunks");
  if (values == nullptr || !values->is_array()) return Broken("\"chunks\" is not an array");
  std::vector<ChunkRecord> chunks;
  std::size_t previous_end = 0;
  for (const json::value& value : values->get_array()) {
    const auto begin = PlaceIn(text.size(), TRY(ReadNumber(value, "start_byte")));
    const auto end = PlaceIn(text.size(), TRY(ReadNumber(value, "end_byte")));
    if (!begin || !end || *begin < previous_end || *end <= *begin) {
      return Error(StatusCode::kInvalidInput, "chunk {} is out of order or beyond the text",
                   chunks.size());
    }
    const ByteRange range{*begin, *end};
    if (range.size() > ChunkSizes().max_unit_bytes) {
      return Error(StatusCode::kInvalidInput, "chunk {} has {} bytes, more than {}", chunks.size(),
                   range.size(), ChunkSizes().max_unit_bytes);
    }
    if (!IsUtf8(range.Of(text))) {
      return Error(StatusCode::kInvalidInput, "chunk {} cuts a character", chunks.size());
    }
    chunks.push_back({0, TRY(ReadName(value, "heading")), range});
    previous_end = range.end;
  }
  return chunks;
}

Result<std::vector<std::size_t>> ReadPages(const json::value& object, std::string_view text) {
  const json::value* values = Find(object, "pages");
  if (values == nullptr || !values->is_array()) return Broken("\"pages\" is not an array");
  std::vector<std::size_t> pages;
  for (const json::value& value : values->get_array()) {
    const auto page = value.is_int64() ? PlaceIn(text.size(), value.get_int64()) : std::nullopt;
    if (!page || (!pages.empty() && *page < pages.back())) {
      return Error(StatusCode::kInvalidInput, "page {} is out of order or beyond the text",
                   pages.size() + 1);
    }
    pages.push_back(*page);
  }
  return pages;
}

// Exports of earlier versions have none.
Result<std::vector<LineMark>> ReadLines(const json::value& object, std::string_view text) {
  const json::value* values = Find(object, "lines");
  if (values == nullptr) return std::vector<LineMark>();
  if (!values->is_array()) return Broken("\"lines\" is not an array");
  std::vector<LineMark> marks;
  for (const json::value& value : values->get_array()) {
    const json::value* const counts = Find(value, "counts");
    const auto byte = PlaceIn(text.size(), TRY(ReadNumber(value, "start_byte")));
    const std::int64_t line = TRY(ReadNumber(value, "line"));
    if (!byte || line < 1 || line > kMaxLine || counts == nullptr || !counts->is_bool()) {
      return Error(StatusCode::kInvalidInput, "mark {} of lines is none", marks.size());
    }
    marks.push_back({*byte, static_cast<std::size_t>(line), counts->get_bool()});
  }
  if (!AreLineMarks(marks, text.size())) return Broken("\"lines\" are out of order");
  return marks;
}

// Returns how many documents follow.
Result<std::int64_t> ReadFirstLine(const std::optional<std::string>& line) {
  const auto value = ParseJson(line.value_or(""), kLineLimits);
  const auto format = value ? ReadText(*value, "format") : std::unexpected(value.error());
  if (format != kFormat) {
    return Broken("not what kinglet library export writes: no \"format\": \"kinglet-library\"");
  }
  const std::int64_t version = TRY(ReadNumber(*value, "version"));
  if (version != kFormatVersion) {
    return Error(StatusCode::kInvalidInput, "version {}, and this kinglet reads version {}",
                 version, kFormatVersion);
  }
  return ReadNumber(*value, "documents");
}

// Masks what the policy says. An error: the policy refuses the document.
Result<void> ObeyPolicy(PersonalDataPolicy policy, DocumentDetails& details) {
  if (policy == PersonalDataPolicy::kKeep) return {};
  Document document;
  document.title = details.record.title;
  document.text = details.text;
  document.pages = details.pages;
  document.lines = details.lines;
  for (const ChunkRecord& chunk : details.chunks) {
    document.blocks.push_back(
        {.range = chunk.range, .heading = static_cast<std::uint32_t>(document.headings.size())});
    document.headings.push_back(chunk.heading);
  }
  ExaminedDocument examined = ExamineDocument(std::move(document), policy);
  TRY(CheckPolicy(examined.quality));
  if (!examined.quality.has_personal_data()) return {};
  Document& masked = examined.document;
  std::size_t end = 0;
  for (std::size_t i = 0; i < details.chunks.size(); ++i) {
    const Block& block = masked.blocks[i];
    if (block.range.begin < end || block.range.end <= block.range.begin) {
      return Broken("a passage ends amid personal data, which cannot be masked");
    }
    end = block.range.end;
    details.chunks[i] = {0, masked.headings[block.heading], block.range};
  }
  details.record.title = std::move(masked.title);
  details.record.text_bytes = static_cast<std::int64_t>(masked.text.size());
  details.record.text_digest = Sha256::HexOf(masked.text);
  details.text = std::move(masked.text);
  details.pages = std::move(masked.pages);
  details.lines = std::move(masked.lines);
  return {};
}

Result<void> Refuse(Library& library, const std::string& uri, const std::string& reason) {
  if (TRY(library.FindDocument(uri))) TRY(library.Remove(uri));
  const std::string name = IsUtf8(uri) ? uri : EscapeForDisplay(uri);
  return library.UpdateProblems({}, {{name, "failed", reason}});
}

Result<void> ImportLine(Library& library, std::string_view line, ImportCounts& counts) {
  DocumentDetails details = TRY(ParseExportLine(line));
  const PersonalDataPolicy policy = TRY(library.GetPersonalDataPolicy());
  if (const auto allowed = ObeyPolicy(policy, details); !allowed) {
    ++counts.refused;
    return Refuse(library, details.record.source.uri, allowed.error().message());
  }
  const auto old = TRY(library.FindDocument(details.record.source.uri));
  if (old && old->source.digest == details.record.source.digest &&
      old->text_digest == details.record.text_digest) {
    ++counts.unchanged;
    return {};
  }
  TRY(library.Restore(details));
  ++(old ? counts.replaced : counts.added);
  return {};
}

Result<void> ImportLines(Library& library, const LineSource& next_line, const ImportSink& sink,
                         std::int64_t& number) {
  ImportCounts counts;
  counts.documents = TRY(ReadFirstLine(TRY(next_line())));
  for (++number; const auto line = TRY(next_line()); ++number) {
    if (counts.done() == counts.documents) return Broken("more documents than the first line says");
    TRY(ImportLine(library, *line, counts));
    if (!sink(counts)) return Error(StatusCode::kCancelled, "interrupted");
  }
  if (counts.done() == counts.documents) return {};
  return Error(StatusCode::kInvalidInput, "the file ends after {} of {} documents", counts.done(),
               counts.documents);
}

}  // namespace

json::object ToJson(const DocumentRecord& record) {
  return {{"document", record.source.uri},
          {"title", record.title},
          {"media_type", record.source.media_type},
          {"size_bytes", record.source.size_bytes},
          {"digest", record.source.digest},
          {"text_bytes", record.text_bytes},
          {"text_digest", record.text_digest},
          {"chunks", record.chunk_count},
          {"ingested_at", Iso8601(record.ingested_at)}};
}

json::object ToJson(const DocumentDetails& details) {
  json::object object = ToJson(details.record);
  object["document"] = UriJson(details.record.source.uri);
  object["modified_ns"] = details.record.source.modified_ns;
  json::array chunks;
  for (const ChunkRecord& chunk : details.chunks) {
    chunks.push_back(json::object{{"heading", chunk.heading},
                                  {"start_byte", chunk.range.begin},
                                  {"end_byte", chunk.range.end}});
  }
  object["chunks"] = std::move(chunks);
  object["pages"] = json::array(details.pages.begin(), details.pages.end());
  json::array lines;
  for (const LineMark& mark : details.lines) {
    lines.push_back(
        json::object{{"start_byte", mark.byte}, {"line", mark.line}, {"counts", mark.counts}});
  }
  object["lines"] = std::move(lines);
  object["text"] = details.text;
  return object;
}

Result<DocumentDetails> ParseExportLine(std::string_view line) {
  const json::value object = TRY(ParseJson(line, kLineLimits));
  DocumentDetails details;
  details.record = TRY(ReadRecord(object));
  details.text = TRY(ReadText(object, "text"));
  if (!IsCleanText(details.text)) return Broken("\"text\" holds control characters");
  if (details.record.text_bytes != static_cast<std::int64_t>(details.text.size()) ||
      details.record.text_digest != Sha256::HexOf(details.text)) {
    return Broken("\"text\" does not have its size and digest: it was changed or cut");
  }
  details.chunks = TRY(ReadChunks(object, details.text));
  details.record.chunk_count = static_cast<std::int64_t>(details.chunks.size());
  details.pages = TRY(ReadPages(object, details.text));
  details.lines = TRY(ReadLines(object, details.text));
  return details;
}

Result<std::int64_t> Library::Export(
    const std::function<Result<void>(const std::string& line)>& write) {
  Database& database = state_->database;
  TRY(database.Execute("BEGIN"));
  const Result<std::int64_t> documents = [&]() -> Result<std::int64_t> {
    Statement count = TRY(database.Prepare("SELECT count(*) FROM documents"));
    (void)TRY(count.Step());
    TRY(write(ToJson(json::object{
        {"format", kFormat}, {"version", kFormatVersion}, {"documents", count.Int(0)}})));
    Statement row = TRY(database.Prepare("SELECT uri FROM documents ORDER BY id"));
    while (TRY(row.Step())) TRY(write(ToJson(ToJson(TRY(ShowDocument(row.Text(0)))))));
    return count.Int(0);
  }();
  (void)database.Execute("ROLLBACK");  // nothing was changed
  return documents;
}

Result<void> ImportLibrary(Library& library, const LineSource& next_line, const ImportSink& sink) {
  std::int64_t number = 1;
  const Result<void> result = ImportLines(library, next_line, sink, number);
  const Result<void> purged = library.Purge();
  if (result) return purged;
  if (result.error().code() == StatusCode::kCancelled) return result;
  return std::unexpected(result.error().WithContext(fmt::format("line {}", number)));
}

}  // namespace kinglet
