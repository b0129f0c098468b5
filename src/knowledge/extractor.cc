// SPDX-License-Identifier: Apache-2.0
// The table of formats. A new one is a file in formats/ and a row here.
#include "knowledge/extractor.h"

#include <algorithm>
#include <string>

#include "base/display.h"
#include "knowledge/cleaner.h"
#include "knowledge/encoding_guess.h"
#include "knowledge/formats/html.h"
#include "knowledge/formats/markdown.h"
#include "knowledge/formats/pdf.h"
#include "knowledge/formats/plain.h"

namespace kinglet {
namespace {

constexpr std::string_view kHtmlSuffixes[] = {".html", ".htm", ".xhtml"};
constexpr std::string_view kMarkdownSuffixes[] = {".md", ".markdown"};
constexpr std::string_view kPdfSuffixes[] = {".pdf"};
constexpr std::string_view kPlainSuffixes[] = {".txt",  ".text",     ".rst",
                                               ".adoc", ".asciidoc", ".org"};

constexpr Format kFormats[] = {
    {"text/html", kHtmlSuffixes, "", true, ExtractHtml},
    {"text/markdown", kMarkdownSuffixes, "", true, ExtractMarkdown},
    {"text/plain", kPlainSuffixes, "", false, ExtractPlainText},
    {"application/pdf", kPdfSuffixes, "%PDF-", false, ExtractPdfWords, Reading::kPdfToText},
};
constexpr const Format& kPlainText = kFormats[2];

constexpr std::size_t kSniffedBytes = 64 << 10;

// Text in some 8-bit or UTF-8 encoding: hardly any control characters. UTF-16 has its mark.
bool LooksLikeText(std::string_view bytes) {
  if (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF")) return true;
  if (!WideEncodingByZeroBytes(bytes).empty()) return true;
  const std::string_view head = bytes.substr(0, kSniffedBytes);
  const auto controls = std::ranges::count_if(head, [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && !IsSpace(c) && c != '\x1B') || c == '\x7F';
  });
  return static_cast<std::size_t>(controls) * 200 <= head.size() &&
         head.substr(0, 1024).find('\0') == std::string_view::npos;
}

Result<void> ExtractBytes(std::string_view bytes, const Format& format, const ExtractLimits& limits,
                          DocumentBuilder& builder) {
  TRY(CheckSize(bytes, format, limits));
  TRY(format.extract(bytes, builder));
  if (builder.is_full()) {
    return Error(StatusCode::kLimitExceeded, "its text is longer than the limit of {} bytes",
                 limits.text_bytes);
  }
  return {};
}

}  // namespace

const Format* FindFormat(const std::filesystem::path& path, std::string_view bytes,
                         UnknownSuffix unknown) {
  std::string suffix = path.extension().string();
  std::ranges::transform(suffix, suffix.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  const bool is_text = LooksLikeText(bytes);
  for (const Format& format : kFormats) {
    const bool is_like_it = format.magic.empty() ? is_text : bytes.starts_with(format.magic);
    if (is_like_it && std::ranges::count(format.suffixes, suffix) > 0) return &format;
  }
  if (!is_text) return nullptr;
  if (!suffix.empty() && unknown == UnknownSuffix::kSkip) return nullptr;
  return IsUtf8(bytes) ? &kPlainText : nullptr;
}

const Format* FindFormatOf(std::string_view media_type) {
  const auto* const found = std::ranges::find(kFormats, media_type, &Format::media_type);
  return found == std::end(kFormats) ? nullptr : found;
}

Result<void> CheckSize(std::string_view bytes, const Format& format, const ExtractLimits& limits) {
  const std::size_t max_bytes =
      format.markup ? std::min(limits.markup_bytes, limits.file_bytes) : limits.file_bytes;
  if (bytes.size() > max_bytes) {
    return Error(StatusCode::kLimitExceeded, "{} bytes of {}, more than the limit of {}",
                 bytes.size(), format.media_type, max_bytes);
  }
  return {};
}

Result<Document> ExtractDocument(const std::filesystem::path& path, std::string_view bytes,
                                 const Format& format, const ExtractLimits& limits) {
  DocumentBuilder builder(limits.text_bytes);
  TRY(ExtractBytes(bytes, format, limits, builder));
  if (!builder.has_title()) builder.SetTitle(path.filename().string());
  return std::move(builder).Finish();
}

Result<void> ExtractPart(std::string_view bytes, const Format& format, DocumentBuilder& builder,
                         const ExtractLimits& limits) {
  builder.BeginPart();
  const Result<void> result = ExtractBytes(bytes, format, limits, builder);
  builder.EndPart();
  return result;
}

}  // namespace kinglet
