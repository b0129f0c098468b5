// SPDX-License-Identifier: Apache-2.0
// The table of formats. A new one is a file in formats/ and a row here.
#include "knowledge/extractor.h"

#include <algorithm>
#include <string>

#include "base/display.h"
#include "knowledge/cleaner.h"
#include "knowledge/encoding_guess.h"
#include "knowledge/formats/csv.h"
#include "knowledge/formats/docx.h"
#include "knowledge/formats/epub.h"
#include "knowledge/formats/html.h"
#include "knowledge/formats/json_text.h"
#include "knowledge/formats/mail.h"
#include "knowledge/formats/markdown.h"
#include "knowledge/formats/notebook.h"
#include "knowledge/formats/office_package.h"
#include "knowledge/formats/open_document.h"
#include "knowledge/formats/pdf.h"
#include "knowledge/formats/plain.h"
#include "knowledge/formats/pptx.h"
#include "knowledge/formats/rtf.h"
#include "knowledge/formats/source_code.h"
#include "knowledge/formats/xlsx.h"

namespace kinglet {
namespace {

constexpr std::string_view kHtmlSuffixes[] = {".html", ".htm", ".xhtml"};
constexpr std::string_view kMarkdownSuffixes[] = {".md", ".markdown"};
constexpr std::string_view kPdfSuffixes[] = {".pdf"};
constexpr std::string_view kPlainSuffixes[] = {".txt",  ".text",     ".rst",
                                               ".adoc", ".asciidoc", ".org"};
constexpr std::string_view kDocxSuffixes[] = {".docx", ".docm"};
constexpr std::string_view kPptxSuffixes[] = {".pptx", ".pptm", ".ppsx"};
constexpr std::string_view kXlsxSuffixes[] = {".xlsx", ".xlsm"};
constexpr std::string_view kOfficeSuffixes[] = {".docx", ".docm", ".pptx", ".pptm",
                                                ".ppsx", ".xlsx", ".xlsm"};
constexpr std::string_view kOdtSuffixes[] = {".odt"};
constexpr std::string_view kOdpSuffixes[] = {".odp"};
constexpr std::string_view kOdsSuffixes[] = {".ods"};
constexpr std::string_view kEpubSuffixes[] = {".epub"};

constexpr std::string_view kRtfSuffixes[] = {".rtf", ".doc"};  // many a .doc is one

constexpr std::string_view kZip = "PK\x03\x04";
constexpr std::string_view kCompoundFile = "\xD0\xCF\x11\xE0";
constexpr std::string_view kCsvSuffixes[] = {".csv"};
constexpr std::string_view kTsvSuffixes[] = {".tsv", ".tab"};
constexpr std::string_view kJsonSuffixes[] = {".json", ".geojson"};
constexpr std::string_view kJsonLinesSuffixes[] = {".jsonl", ".ndjson"};
constexpr std::string_view kNotebookSuffixes[] = {".ipynb"};
constexpr std::string_view kMailSuffixes[] = {".eml"};
constexpr std::string_view kMailboxSuffixes[] = {".mbox"};

constexpr std::string_view kAssemblerSuffixes[] = {".asm", ".s"};
constexpr std::string_view kBatchSuffixes[] = {".bat", ".cmd"};
constexpr std::string_view kBibTexSuffixes[] = {".bib"};
constexpr std::string_view kCSuffixes[] = {".c", ".h"};
constexpr std::string_view kClojureSuffixes[] = {".clj", ".cljs", ".edn"};
constexpr std::string_view kCmakeSuffixes[] = {".cmake"};
constexpr std::string_view kCppSuffixes[] = {".cc", ".cpp", ".cxx", ".cu",
                                             ".hh", ".hpp", ".hxx", ".ino"};
constexpr std::string_view kCSharpSuffixes[] = {".cs"};
constexpr std::string_view kDartSuffixes[] = {".dart"};
constexpr std::string_view kDiffSuffixes[] = {".diff", ".patch"};
constexpr std::string_view kElixirSuffixes[] = {".ex", ".exs"};
constexpr std::string_view kErlangSuffixes[] = {".erl", ".hrl"};
constexpr std::string_view kFortranSuffixes[] = {".f", ".f90", ".f95"};
constexpr std::string_view kGoSuffixes[] = {".go"};
constexpr std::string_view kGroovySuffixes[] = {".gradle", ".groovy"};
constexpr std::string_view kHaskellSuffixes[] = {".hs"};
constexpr std::string_view kIniSuffixes[] = {".cfg", ".conf", ".ini", ".properties"};
constexpr std::string_view kJavaSuffixes[] = {".java"};
constexpr std::string_view kJavaScriptSuffixes[] = {".cjs", ".js", ".mjs"};
constexpr std::string_view kJsxSuffixes[] = {".jsx"};
constexpr std::string_view kJuliaSuffixes[] = {".jl"};
constexpr std::string_view kKotlinSuffixes[] = {".kt", ".kts"};
constexpr std::string_view kLispSuffixes[] = {".el", ".lisp", ".scm"};
constexpr std::string_view kLuaSuffixes[] = {".lua"};
constexpr std::string_view kMakeSuffixes[] = {".mk"};
constexpr std::string_view kObjectiveCSuffixes[] = {".m", ".mm"};
constexpr std::string_view kOcamlSuffixes[] = {".ml", ".mli"};
constexpr std::string_view kPascalSuffixes[] = {".pas"};
constexpr std::string_view kPerlSuffixes[] = {".pl", ".pm"};
constexpr std::string_view kPhpSuffixes[] = {".php"};
constexpr std::string_view kPowerShellSuffixes[] = {".ps1"};
constexpr std::string_view kProtoSuffixes[] = {".proto"};
constexpr std::string_view kPythonSuffixes[] = {".py", ".pyi"};
constexpr std::string_view kRSuffixes[] = {".r"};
constexpr std::string_view kRubySuffixes[] = {".rb"};
constexpr std::string_view kRustSuffixes[] = {".rs"};
constexpr std::string_view kScalaSuffixes[] = {".scala"};
constexpr std::string_view kScssSuffixes[] = {".less", ".sass", ".scss"};
constexpr std::string_view kShellSuffixes[] = {".bash", ".fish", ".ksh", ".sh", ".zsh"};
constexpr std::string_view kSqlSuffixes[] = {".sql"};
constexpr std::string_view kCssSuffixes[] = {".css"};
constexpr std::string_view kSvelteSuffixes[] = {".svelte"};
constexpr std::string_view kSwiftSuffixes[] = {".swift"};
constexpr std::string_view kTclSuffixes[] = {".tcl"};
constexpr std::string_view kTexSuffixes[] = {".cls", ".sty", ".tex"};
constexpr std::string_view kTomlSuffixes[] = {".toml"};
constexpr std::string_view kTypeScriptSuffixes[] = {".mts", ".ts", ".tsx"};
constexpr std::string_view kVimSuffixes[] = {".vim"};
constexpr std::string_view kVueSuffixes[] = {".vue"};
constexpr std::string_view kYamlSuffixes[] = {".yaml", ".yml"};
constexpr std::string_view kZigSuffixes[] = {".zig"};

constexpr Format kFormats[] = {
    {"text/html", kHtmlSuffixes, "", true, ExtractHtml},
    {"text/markdown", kMarkdownSuffixes, "", true, ExtractMarkdown},
    {"text/plain", kPlainSuffixes, "", false, ExtractPlainText},
    {"application/pdf", kPdfSuffixes, "%PDF-", false, ExtractPdfWords, ReaderPlace::kPdfToText},
    {"application/vnd.openxmlformats-officedocument.wordprocessingml.document", kDocxSuffixes, kZip,
     false, ExtractDocx, ReaderPlace::kConfined},
    {"application/vnd.openxmlformats-officedocument.presentationml.presentation", kPptxSuffixes,
     kZip, false, ExtractPptx, ReaderPlace::kConfined},
    {"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", kXlsxSuffixes, kZip,
     false, ExtractXlsx, ReaderPlace::kConfined},
    {"application/vnd.oasis.opendocument.text", kOdtSuffixes, kZip, false, ExtractOdt,
     ReaderPlace::kConfined},
    {"application/vnd.oasis.opendocument.presentation", kOdpSuffixes, kZip, false, ExtractOdp,
     ReaderPlace::kConfined},
    {"application/vnd.oasis.opendocument.spreadsheet", kOdsSuffixes, kZip, false, ExtractOds,
     ReaderPlace::kConfined},
    {"application/rtf", kRtfSuffixes, "{\\rtf", false, ExtractRtf, ReaderPlace::kConfined},
    {"application/epub+zip", kEpubSuffixes, kZip, false, ExtractEpub, ReaderPlace::kConfined},
    // What Office writes under a password is no zip archive: the user is told why.
    {"application/x-cfb", kOfficeSuffixes, kCompoundFile, false, RefuseCompoundFile},
    {"text/csv", kCsvSuffixes, "", false, ExtractCsv},
    {"text/tab-separated-values", kTsvSuffixes, "", false, ExtractTsv},
    {"application/json", kJsonSuffixes, "", true, ExtractJson},
    {"application/jsonl", kJsonLinesSuffixes, "", false, ExtractJsonLines},
    {"application/x-ipynb+json", kNotebookSuffixes, "", true, ExtractNotebook},
    {"message/rfc822", kMailSuffixes, "", false, ExtractMail, ReaderPlace::kConfined},
    {"application/mbox", kMailboxSuffixes, "", false, ExtractMailbox, ReaderPlace::kConfined},
    {"text/x-asm", kAssemblerSuffixes, "", true, ExtractSourceCode},
    {"text/x-bat", kBatchSuffixes, "", true, ExtractSourceCode},
    {"text/x-bibtex", kBibTexSuffixes, "", true, ExtractSourceCode},
    {"text/x-c", kCSuffixes, "", true, ExtractSourceCode},
    {"text/x-clojure", kClojureSuffixes, "", true, ExtractSourceCode},
    {"text/x-cmake", kCmakeSuffixes, "", true, ExtractSourceCode},
    {"text/x-c++", kCppSuffixes, "", true, ExtractSourceCode},
    {"text/x-csharp", kCSharpSuffixes, "", true, ExtractSourceCode},
    {"text/x-dart", kDartSuffixes, "", true, ExtractSourceCode},
    {"text/x-diff", kDiffSuffixes, "", true, ExtractSourceCode},
    {"text/x-elixir", kElixirSuffixes, "", true, ExtractSourceCode},
    {"text/x-erlang", kErlangSuffixes, "", true, ExtractSourceCode},
    {"text/x-fortran", kFortranSuffixes, "", true, ExtractSourceCode},
    {"text/x-go", kGoSuffixes, "", true, ExtractSourceCode},
    {"text/x-groovy", kGroovySuffixes, "", true, ExtractSourceCode},
    {"text/x-haskell", kHaskellSuffixes, "", true, ExtractSourceCode},
    {"text/x-ini", kIniSuffixes, "", true, ExtractSourceCode},
    {"text/x-java", kJavaSuffixes, "", true, ExtractSourceCode},
    {"text/javascript", kJavaScriptSuffixes, "", true, ExtractSourceCode, ReaderPlace::kHere, true},
    {"text/x-jsx", kJsxSuffixes, "", true, ExtractSourceCode},
    {"text/x-julia", kJuliaSuffixes, "", true, ExtractSourceCode},
    {"text/x-kotlin", kKotlinSuffixes, "", true, ExtractSourceCode},
    {"text/x-lisp", kLispSuffixes, "", true, ExtractSourceCode},
    {"text/x-lua", kLuaSuffixes, "", true, ExtractSourceCode},
    {"text/x-makefile", kMakeSuffixes, "", true, ExtractSourceCode},
    {"text/x-objective-c", kObjectiveCSuffixes, "", true, ExtractSourceCode},
    {"text/x-ocaml", kOcamlSuffixes, "", true, ExtractSourceCode},
    {"text/x-pascal", kPascalSuffixes, "", true, ExtractSourceCode},
    {"text/x-perl", kPerlSuffixes, "", true, ExtractSourceCode},
    {"text/x-php", kPhpSuffixes, "", true, ExtractSourceCode},
    {"text/x-powershell", kPowerShellSuffixes, "", true, ExtractSourceCode},
    {"text/x-protobuf", kProtoSuffixes, "", true, ExtractSourceCode},
    {"text/x-python", kPythonSuffixes, "", true, ExtractSourceCode},
    {"text/x-r", kRSuffixes, "", true, ExtractSourceCode},
    {"text/x-ruby", kRubySuffixes, "", true, ExtractSourceCode},
    {"text/x-rust", kRustSuffixes, "", true, ExtractSourceCode},
    {"text/x-scala", kScalaSuffixes, "", true, ExtractSourceCode},
    {"text/x-scss", kScssSuffixes, "", true, ExtractSourceCode},
    {"text/x-shellscript", kShellSuffixes, "", true, ExtractSourceCode},
    {"text/x-sql", kSqlSuffixes, "", true, ExtractSourceCode},
    {"text/css", kCssSuffixes, "", true, ExtractSourceCode, ReaderPlace::kHere, true},
    {"text/x-svelte", kSvelteSuffixes, "", true, ExtractSourceCode},
    {"text/x-swift", kSwiftSuffixes, "", true, ExtractSourceCode},
    {"text/x-tcl", kTclSuffixes, "", true, ExtractSourceCode},
    {"text/x-tex", kTexSuffixes, "", true, ExtractSourceCode},
    {"text/x-toml", kTomlSuffixes, "", true, ExtractSourceCode},
    {"text/x-typescript", kTypeScriptSuffixes, "", true, ExtractSourceCode},
    {"text/x-vim", kVimSuffixes, "", true, ExtractSourceCode},
    {"text/x-vue", kVueSuffixes, "", true, ExtractSourceCode},
    {"text/x-yaml", kYamlSuffixes, "", true, ExtractSourceCode},
    {"text/x-zig", kZigSuffixes, "", true, ExtractSourceCode},
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
  const std::string suffix = LowerAscii(path.extension().string());
  const bool is_text = LooksLikeText(bytes);
  for (const Format& format : kFormats) {
    const bool is_like_it = format.magic.empty() ? is_text : bytes.starts_with(format.magic);
    if (!is_like_it || std::ranges::count(format.suffixes, suffix) == 0) continue;
    return format.on_request && unknown == UnknownSuffix::kSkip ? nullptr : &format;
  }
  if (!is_text) return nullptr;
  if (!suffix.empty() && unknown == UnknownSuffix::kSkip) return nullptr;
  return IsUtf8(bytes) ? &kPlainText : nullptr;
}

bool IsUnknownSuffix(const std::filesystem::path& path) {
  const std::string suffix = LowerAscii(path.extension().string());
  return !suffix.empty() && std::ranges::none_of(kFormats, [&](const Format& format) {
    return std::ranges::count(format.suffixes, suffix) > 0;
  });
}

std::size_t CountFormats() { return std::size(kFormats); }

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
