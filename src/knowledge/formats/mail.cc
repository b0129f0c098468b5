// SPDX-License-Identifier: Apache-2.0
// A message reads as a person reads it: subject, people and date, the text once, then what is
// attached, each through the format that its name tells.
#include "knowledge/formats/mail.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "knowledge/cleaner.h"
#include "knowledge/extractor.h"
#include "knowledge/formats/html.h"
#include "knowledge/formats/mime.h"
#include "knowledge/formats/plain.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxPartDepth = 5;          // messages and files in messages
constexpr std::size_t kMaxAddressesBytes = 2000;  // of a line To or Cc
constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";

bool HasText(std::string_view text) { return !std::ranges::all_of(text, IsSpace); }

std::string_view TrimStart(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  return text;
}

bool IsMultipart(const MimePart& part) { return part.media_type.starts_with("multipart/"); }

bool IsPlainBody(const MimePart& part) { return part.media_type == "text/plain" && !part.attached; }
bool IsHtmlBody(const MimePart& part) { return part.media_type == "text/html" && !part.attached; }

bool IsSecureMime(const MimePart& part) {
  return part.media_type == "application/pkcs7-mime" ||
         part.media_type == "application/x-pkcs7-mime";
}

// Of several forms of one text: plain, where it is not empty; else the last that can be read, for
// the richest comes last.
const MimePart* BestForm(const std::vector<MimePart>& forms) {
  const MimePart* best = nullptr;
  for (const MimePart& form : forms) {
    if (IsPlainBody(form) && HasText(form.content)) return &form;
    if (IsHtmlBody(form) || IsMultipart(form)) best = &form;
  }
  return best;
}

class MailWriter {
 public:
  explicit MailWriter(DocumentBuilder& builder) : builder_(builder) {}

  void Write(const MimeMessage& message) {
    const std::string subject = OneLine(CleanText(message.subject));
    builder_.AddHeading(1, subject.empty() ? "(no subject)" : subject);
    std::string people;
    AddLine("From", message.from, people);
    AddLine("To", message.to, people);
    AddLine("Cc", message.cc, people);
    AddLine("Date", message.date, people);
    builder_.AddParagraph(people);
    builder_.BeginBox();  // headings of the text stay below the subject
    WritePart(message.body, Bodies::kWrite);
    builder_.EndBox();
    for (const MimePart* part : std::exchange(attached_, {})) {
      if (builder_.is_full()) return;
      builder_.BeginBox();
      WriteAttached(*part);
      builder_.EndBox();
    }
  }

 private:
  enum class Bodies {
    kWrite,
    kSkip,  // the text is there in another form, but this one may hold files too
  };

  static void AddLine(std::string_view name, std::string_view value, std::string& lines) {
    std::string text = OneLine(CleanText(value));
    if (text.empty()) return;
    TruncateUtf8(text, kMaxAddressesBytes);
    lines += fmt::format("{}: {}\n", name, text);
  }

  void WritePart(const MimePart& part, Bodies bodies) {
    if (part.is_cut) {
      builder_.AddParagraph("(What is nested deeper in this message is left out.)");
    } else if (IsMultipart(part)) {
      WriteMultipart(part, bodies);
    } else if (IsSecureMime(part)) {
      builder_.AddParagraph("(A part that is encrypted or signed with S/MIME is left out.)");
    } else if (IsPlainBody(part) || IsHtmlBody(part)) {
      if (bodies == Bodies::kWrite) WriteBody(part);
    } else {
      attached_.push_back(&part);
    }
  }

  void WriteMultipart(const MimePart& part, Bodies bodies) {
    const std::vector<MimePart>& parts = part.parts;
    if (part.media_type == "multipart/encrypted") {
      builder_.AddParagraph("(A part that is encrypted with PGP is left out.)");
    } else if (part.media_type == "multipart/signed") {
      if (!parts.empty()) WritePart(parts.front(), bodies);
    } else if (part.media_type == "multipart/alternative") {
      const MimePart* best = BestForm(parts);
      for (const MimePart& form : parts) {
        if (&form == best || best == nullptr) {
          WritePart(form, bodies);
        } else if (IsMultipart(form) && form.media_type != "multipart/encrypted") {
          WritePart(form, Bodies::kSkip);
        }
      }
    } else if (part.media_type == "multipart/related") {
      for (const MimePart& related : parts) {
        const bool is_root = &related == &parts.front();
        const bool is_shown_in_root = related.media_type.starts_with("image/") && !related.attached;
        if (is_root || !is_shown_in_root) WritePart(related, is_root ? bodies : Bodies::kSkip);
      }
    } else {
      for (const MimePart& each : parts) WritePart(each, bodies);
    }
  }

  void WriteBody(const MimePart& part) {
    const bool is_html = IsHtmlBody(part);
    const std::string text = is_html && part.charset.empty()
                                 ? DecodeHtml(part.content)
                                 : DecodeToUtf8(part.content, part.charset);
    if (TrimStart(text).starts_with("-----BEGIN PGP MESSAGE-----")) {
      builder_.AddParagraph("(The text is encrypted with PGP and left out.)");
    } else if (!is_html) {
      AppendPlainText(text, builder_);
    } else if (const Result<void> read = AppendHtmlFragment(CleanText(text), builder_); !read) {
      builder_.AddParagraph(
          fmt::format("(The text could not be read: {}.)", read.error().message()));
    }
  }

  void WriteAttached(const MimePart& part) {
    const bool is_too_deep = builder_.part_depth() >= kMaxPartDepth;
    if (!is_too_deep && !part.messages.empty()) {
      builder_.BeginPart();
      MailWriter(builder_).Write(part.messages.front());
      return builder_.EndPart();
    }
    // A mail server says there why it could not deliver.
    if (part.media_type == "message/delivery-status") {
      return AppendPlainText(DecodeToUtf8(part.content, part.charset), builder_);
    }
    const std::string name = OneLine(CleanText(part.file_name));
    const std::string description =
        fmt::format("{} ({}, {} bytes)", name.empty() ? "without a name" : name, part.media_type,
                    part.content.size());
    const Format* format = nullptr;
    if (!is_too_deep && !name.empty() && !part.content.empty()) {
      format = FindFormat(name, part.content, UnknownSuffix::kSkip);
    }
    if (format == nullptr) return builder_.AddListItem("- Attached: " + description);
    // A confined process cannot start another.
    if (format->reader == ReaderPlace::kPdfToText)
      return builder_.AddEmbedded(2, name, part.content);
    builder_.AddHeading(2, name);
    const bool is_declared = !part.charset.empty() && part.media_type.starts_with("text/");
    const Result<void> read =
        is_declared ? ExtractPart(std::string(kUtf8Mark) + DecodeToUtf8(part.content, part.charset),
                                  *format, builder_)
                    : ExtractPart(part.content, *format, builder_);
    if (!read) {
      builder_.AddListItem(fmt::format("- Attached: {}, which could not be read: {}", description,
                                       read.error().message()));
    }
  }

  DocumentBuilder& builder_;
  std::vector<const MimePart*> attached_;  // parts of the message that is being written
};

// "From sender Tue Mar  5 14:03:00 2024": a sentence that begins so has no time of day.
bool IsFromLine(std::string_view line) {
  if (!line.starts_with("From ")) return false;
  const auto is_digit = [&](std::size_t i) { return line[i] >= '0' && line[i] <= '9'; };
  for (std::size_t i = 7; i + 2 < line.size(); ++i) {
    if (line[i] == ':' && is_digit(i - 1) && is_digit(i + 1) && is_digit(i + 2)) return true;
  }
  return false;
}

// A line of a message that begins with "From " was written with a ">" before it.
std::string_view Unescape(std::string_view line) {
  const std::size_t from = line.find_first_not_of('>');
  const bool escaped =
      from != 0 && from != std::string_view::npos && line.substr(from).starts_with("From ");
  return escaped ? line.substr(1) : line;
}

// Takes the next message off the front, without its "From " line.
std::string TakeMessage(std::string_view& mailbox) {
  std::string message;
  bool after_empty = false;
  bool is_first = true;
  while (!mailbox.empty()) {
    const std::size_t end = std::min(mailbox.find('\n'), mailbox.size() - 1) + 1;
    const std::string_view line = mailbox.substr(0, end);
    if (!is_first && after_empty && IsFromLine(line)) break;
    if (!is_first) message += Unescape(line);
    after_empty = line == "\n" || line == "\r\n";
    is_first = false;
    mailbox.remove_prefix(end);
  }
  return message;
}

}  // namespace

Result<void> ExtractMail(std::string_view bytes, DocumentBuilder& builder) {
  const MimeMessage message = TRY(ParseMime(bytes));
  builder.SetTitle(message.subject);
  MailWriter(builder).Write(message);
  return {};
}

Result<void> ExtractMailbox(std::string_view bytes, DocumentBuilder& builder) {
  std::string_view left = TrimStart(bytes);
  if (!IsFromLine(left.substr(0, left.find('\n')))) {
    return Error(StatusCode::kInvalidInput,
                 "not a mailbox: its first line is not \"From sender date\"");
  }
  while (!left.empty() && !builder.is_full()) {
    const Result<MimeMessage> message = ParseMime(TakeMessage(left));
    builder.BeginPart();
    if (message) {
      MailWriter(builder).Write(*message);
    } else {
      builder.AddParagraph(
          fmt::format("(A message could not be read: {}.)", message.error().message()));
    }
    builder.EndPart();
  }
  return {};
}

}  // namespace kinglet
