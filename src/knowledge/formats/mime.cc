// SPDX-License-Identifier: Apache-2.0
// The wrapper in which GMime's objects end: its tree is read once into ours.
#include "knowledge/formats/mime.h"

#include <memory>
#include <utility>

#include <gmime/gmime.h>

#include "base/check.h"
#include "knowledge/cleaner.h"
#include "knowledge/formats/mime_words.h"

namespace kinglet {
namespace {

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};
template <typename T>
using Owned = std::unique_ptr<T, Unref>;

struct FreeText {
  void operator()(char* text) const { g_free(text); }
};
using OwnedText = std::unique_ptr<char, FreeText>;

std::string Text(const char* text) { return text == nullptr ? "" : text; }
std::string Text(const OwnedText& text) { return Text(text.get()); }

// GMime's tables, made at the first use and never freed.
void SetUpGMime() {
  static const bool done = [] {
    g_mime_init();
    return true;
  }();
  static_cast<void>(done);
}

std::string RawHeader(GMimeObject* object, const char* name) {
  GMimeHeader* header = g_mime_header_list_get_header(g_mime_object_get_header_list(object), name);
  return header == nullptr ? "" : Text(g_mime_header_get_raw_value(header));
}

std::string Header(GMimeObject* object, const char* name) {
  return DecodeMimeWords(RawHeader(object, name));
}

// The value in quotes behind name=, where it holds encoded words: no standard allows those, many
// programs write them, and GMime loses some.
std::string NameInWords(std::string_view header) {
  const std::size_t name = header.find("name=\"");
  if (name == std::string_view::npos) return {};
  const std::size_t begin = name + 6;
  const std::string_view value = header.substr(begin, header.find('"', begin) - begin);
  return value.find("=?") == std::string_view::npos ? "" : DecodeMimeWords(value);
}

std::string FileName(GMimePart* part) {
  GMimeObject* object = GMIME_OBJECT(part);
  for (const char* header : {"Content-Disposition", "Content-Type"}) {
    std::string name = NameInWords(RawHeader(object, header));
    if (!name.empty()) return name;
  }
  return Text(g_mime_part_get_filename(part));
}

std::string Content(GMimePart* part) {
  GMimeDataWrapper* content = g_mime_part_get_content(part);
  if (content == nullptr) return {};
  const Owned<GMimeStream> stream(g_mime_stream_mem_new());
  g_mime_data_wrapper_write_to_stream(content, stream.get());
  const GByteArray* bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream.get()));
  if (bytes == nullptr || bytes->len == 0) return {};
  return {reinterpret_cast<const char*>(bytes->data), bytes->len};
}

MimeMessage ReadMessage(GMimeMessage* message, std::size_t depth_left);

MimePart ReadPart(GMimeObject* object, std::size_t depth_left) {
  MimePart part;
  if (GMimeContentType* type = g_mime_object_get_content_type(object)) {
    part.media_type = LowerAscii(Text(OwnedText(g_mime_content_type_get_mime_type(type))));
    part.charset = Text(g_mime_content_type_get_parameter(type, "charset"));
  }
  part.attached = LowerAscii(Text(g_mime_object_get_disposition(object))) == "attachment";
  if (GMIME_IS_MULTIPART(object)) {
    GMimeMultipart* multipart = GMIME_MULTIPART(object);
    part.is_cut = depth_left == 0;
    const int count = part.is_cut ? 0 : g_mime_multipart_get_count(multipart);
    for (int i = 0; i < count; ++i) {
      part.parts.push_back(ReadPart(g_mime_multipart_get_part(multipart, i), depth_left - 1));
    }
  } else if (GMIME_IS_MESSAGE_PART(object)) {
    GMimeMessage* message = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
    part.is_cut = depth_left == 0;
    if (message != nullptr && !part.is_cut) {
      part.messages.push_back(ReadMessage(message, depth_left - 1));
    }
  } else if (GMIME_IS_PART(object)) {
    part.file_name = FileName(GMIME_PART(object));
    part.content = Content(GMIME_PART(object));
  }
  return part;
}

MimeMessage ReadMessage(GMimeMessage* message, std::size_t depth_left) {
  MimeMessage result;
  GMimeObject* header = GMIME_OBJECT(message);
  result.subject = Header(header, "Subject");
  result.from = Header(header, "From");
  result.to = Header(header, "To");
  result.cc = Header(header, "Cc");
  result.date = Header(header, "Date");
  if (GMimeObject* body = g_mime_message_get_mime_part(message)) {
    result.body = ReadPart(body, depth_left);
  }
  return result;
}

// GMime makes objects of some hundred bytes for a few bytes of the file, so what can become one is
// counted before.
Result<void> CheckCounts(std::string_view bytes, const MimeLimits& limits) {
  std::size_t boundaries = 0;
  std::size_t header_lines = 0;
  for (std::size_t begin = 0; begin < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\n', begin), bytes.size());
    const std::string_view line = bytes.substr(begin, end - begin);
    begin = end + 1;
    if (line.starts_with("--")) ++boundaries;
    const std::size_t colon = line.substr(0, 80).find_first_of(": \t");
    if (colon != std::string_view::npos && line[colon] == ':') ++header_lines;
  }
  if (boundaries > limits.boundaries || header_lines > limits.header_lines) {
    return Error(StatusCode::kLimitExceeded,
                 "{} lines that may begin a part and {} of headers, more than the limits of {} and "
                 "{}: not a message between people",
                 boundaries, header_lines, limits.boundaries, limits.header_lines);
  }
  return {};
}

}  // namespace

Result<MimeMessage> ParseMime(std::string_view bytes, const MimeLimits& limits) {
  TRY(CheckCounts(bytes, limits));
  SetUpGMime();
  const Owned<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(bytes.data(), bytes.size()));
  const Owned<GMimeParser> parser(g_mime_parser_new_with_stream(stream.get()));
  KINGLET_CHECK(stream != nullptr && parser != nullptr, "out of memory");
  const Owned<GMimeMessage> message(g_mime_parser_construct_message(parser.get(), nullptr));
  if (message != nullptr) {
    MimeMessage result = ReadMessage(message.get(), limits.depth);
    const bool has_header = !result.from.empty() || !result.date.empty() ||
                            !result.subject.empty() || !result.to.empty();
    if (has_header) return result;
  }
  return Error(StatusCode::kInvalidInput, "not a mail: no From, To, Date or Subject at its start");
}

}  // namespace kinglet
