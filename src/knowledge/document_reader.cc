// SPDX-License-Identifier: Apache-2.0
// A child for each document: it starts in a few milliseconds, and its limits are one document's.
#include "knowledge/document_reader.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/process.h"
#include "base/sandbox.h"
#include "knowledge/confined_reader.h"
#include "knowledge/document_bytes.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxOutputBytes = std::size_t{512} << 20;  // of words, or of a document

// What pdftotext says of a file that it cannot read, for people.
Status ErrorOfPdf(const ProcessOutput& output) {
  const bool is_locked = output.standard_error.find("password") != std::string::npos;
  return {StatusCode::kInvalidInput, is_locked ? "it is encrypted, and needs a password"
                                               : "no sound PDF: " + output.LastError()};
}

// pdftotext takes this process' place.
Result<std::string> BecomePdfToText() {
  TRY(EnterSandbox(Sandbox::kReadFiles));
  std::array<char*, 7> arguments{};
  std::array<std::string, 6> texts = {"pdftotext", "-tsv", "-enc", "UTF-8", "-", "-"};
  for (std::size_t i = 0; i < texts.size(); ++i) arguments[i] = texts[i].data();
  execvp(arguments[0], arguments.data());
  return Error(StatusCode::kFailed, "pdftotext is needed for PDF ({}): install poppler-utils",
               std::strerror(errno));
}

// A PDF for each file, each in a process of its own, all within the time of one document. What is
// no PDF was sent by a reader that was taken over: it is read as nothing else.
Document ReadEmbedded(const Document& document, const ReadOptions& given) {
  const Format& pdf = *FindFormatOf("application/pdf");
  const double start_ms = MonotonicMs();
  std::vector<Document> parts;
  for (const EmbeddedFile& file : document.embedded) {
    ReadOptions options = given;
    const auto spent_ms = static_cast<int>(MonotonicMs() - start_ms);
    options.timeout_ms = std::max(given.timeout_ms - spent_ms, 1);
    Result<Document> part = ReadDocument(file.name, file.bytes, pdf, options);
    if (!part) {
      DocumentBuilder builder;
      builder.AddParagraph(fmt::format("(It could not be read: {}.)", part.error().message()));
      part = std::move(builder).Finish();
    }
    parts.push_back(*std::move(part));
  }
  return WithEmbedded(document, parts, given.limits.text_bytes);
}

}  // namespace

Result<Document> ReadDocument(const std::filesystem::path& path, std::string_view bytes,
                              const Format& format, const ReadOptions& options) {
  if (format.reader == ReaderPlace::kHere) {
    return ExtractDocument(path, bytes, format, options.limits);
  }
  TRY(CheckSize(bytes, format, options.limits));
  const bool is_pdf = format.reader == ReaderPlace::kPdfToText;
  const Result<ProcessOutput> output =
      RunProcess({.argv = {options.program, "read-document", "--", std::string(format.media_type),
                           path.filename().string()},
                  .environment = {},
                  .timeout_ms = options.timeout_ms,
                  .input = bytes,
                  .max_stdout_bytes = kMaxOutputBytes,
                  .on_stdout = {},
                  .should_stop = options.should_stop});
  if (!output) {
    return Error(StatusCode::kFailed, "its reader was stopped: {}", output.error().message());
  }
  if (output->exit_status != 0) {
    return std::unexpected(is_pdf && !IsErrorOfOurs(*output) ? ErrorOfPdf(*output)
                                                             : ErrorOfReader(*output));
  }
  if (!is_pdf) {
    Document document = TRY(DocumentFromBytes(output->standard_output));
    return document.embedded.empty() ? std::move(document) : ReadEmbedded(document, options);
  }
  ExtractLimits of_words = options.limits;
  of_words.file_bytes = kMaxOutputBytes;
  return ExtractDocument(path, output->standard_output, format, of_words);
}

Result<std::string> ServeDocument(std::string_view media_type, const std::filesystem::path& name) {
  const Format* const format = FindFormatOf(media_type);
  if (format == nullptr) return Error(StatusCode::kUsage, "no format {}", media_type);
  if (format->reader == ReaderPlace::kPdfToText) return BecomePdfToText();
  const ConfinedInput input = TRY(ConfinedInput::Take());
  const Document document = TRY(ExtractDocument(name, input.bytes(), *format));
  return DocumentToBytes(document);
}

}  // namespace kinglet
