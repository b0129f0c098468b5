// SPDX-License-Identifier: Apache-2.0
// Markdown means HTML: md4c's callbacks write it, and the reader of HTML does the rest. So raw
// HTML, entities, lists and tables have one reader.
#include "knowledge/formats/markdown.h"

#include <md4c.h>

#include <string>

#include <fmt/format.h>

#include "knowledge/cleaner.h"
#include "knowledge/formats/html.h"

namespace kinglet {
namespace {

// Links by reference can repeat a long text often; more output than this is an attack.
constexpr std::size_t kMaxHtmlBytes = std::size_t{64} << 20;

class HtmlWriter {
 public:
  int Block(MD_BLOCKTYPE type, void* detail, bool enter) {
    if (type == MD_BLOCK_HTML) return Finished();
    if (type == MD_BLOCK_OL && enter) {
      html_ += fmt::format("<ol start=\"{}\">", static_cast<MD_BLOCK_OL_DETAIL*>(detail)->start);
      return Finished();
    }
    if (type == MD_BLOCK_H) {
      html_ +=
          fmt::format("<{}h{}>", enter ? "" : "/", static_cast<MD_BLOCK_H_DETAIL*>(detail)->level);
      return Finished();
    }
    const std::string_view tag = BlockTag(type);
    if (!tag.empty()) html_ += fmt::format("<{}{}>", enter ? "" : "/", tag);
    return Finished();
  }

  int Text(MD_TEXTTYPE type, std::string_view text) {
    switch (type) {
      case MD_TEXT_BR:
        html_ += "<br>";
        break;
      case MD_TEXT_SOFTBR:
        html_ += '\n';
        break;
      case MD_TEXT_NULLCHAR:
        break;
      case MD_TEXT_ENTITY:
      case MD_TEXT_HTML:
        html_ += text;
        break;
      default:
        AppendEscaped(text);
    }
    return Finished();
  }

  const std::string& html() const { return html_; }

 private:
  static std::string_view BlockTag(MD_BLOCKTYPE type) {
    switch (type) {
      case MD_BLOCK_QUOTE:
        return "blockquote";
      case MD_BLOCK_UL:
        return "ul";
      case MD_BLOCK_OL:
        return "ol";
      case MD_BLOCK_LI:
        return "li";
      case MD_BLOCK_HR:
        return "hr";
      case MD_BLOCK_CODE:
        return "pre";
      case MD_BLOCK_P:
        return "p";
      case MD_BLOCK_TABLE:
        return "table";
      case MD_BLOCK_THEAD:
        return "thead";
      case MD_BLOCK_TBODY:
        return "tbody";
      case MD_BLOCK_TR:
        return "tr";
      case MD_BLOCK_TH:
        return "th";
      case MD_BLOCK_TD:
        return "td";
      default:
        return "";
    }
  }

  void AppendEscaped(std::string_view text) {
    for (const char c : text) {
      if (c == '<') {
        html_ += "&lt;";
      } else if (c == '&') {
        html_ += "&amp;";
      } else {
        html_ += c;
      }
    }
  }

  // Not 0 stops md4c.
  int Finished() const { return html_.size() > kMaxHtmlBytes ? 1 : 0; }

  std::string html_;
};

HtmlWriter& Writer(void* user) { return *static_cast<HtmlWriter*>(user); }

MD_PARSER Parser() {
  MD_PARSER parser{};
  parser.flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS;
  parser.enter_block = [](MD_BLOCKTYPE type, void* detail, void* user) {
    return Writer(user).Block(type, detail, true);
  };
  parser.leave_block = [](MD_BLOCKTYPE type, void* detail, void* user) {
    return Writer(user).Block(type, detail, false);
  };
  parser.enter_span = [](MD_SPANTYPE, void*, void*) { return 0; };
  parser.leave_span = [](MD_SPANTYPE, void*, void*) { return 0; };
  parser.text = [](MD_TEXTTYPE type, const MD_CHAR* text, MD_SIZE bytes, void* user) {
    return Writer(user).Text(type, {text, bytes});
  };
  return parser;
}

// The lines between "---" at the very start are settings for a site generator, but for the title.
std::string_view SkipFrontMatter(std::string_view text, DocumentBuilder& builder) {
  if (!text.starts_with("---\n")) return text;
  const std::size_t end = text.find("\n---\n", 3);
  if (end == std::string_view::npos) return text;
  const std::string_view settings = text.substr(3, end - 3);
  if (const std::size_t at = settings.find("\ntitle:"); at != std::string_view::npos) {
    std::string title = OneLine(settings.substr(at + 7, settings.find('\n', at + 7) - (at + 7)));
    if (title.size() >= 2 && (title.front() == '"' || title.front() == '\'') &&
        title.back() == title.front()) {
      title = title.substr(1, title.size() - 2);
    }
    builder.SetTitle(title);
  }
  return text.substr(end + 5);
}

}  // namespace

Result<void> ExtractMarkdown(std::string_view bytes, DocumentBuilder& builder) {
  const std::string text = CleanText(DecodeToUtf8(bytes));
  const std::string_view body = SkipFrontMatter(text, builder);
  const MD_PARSER parser = Parser();
  HtmlWriter writer;
  if (md_parse(body.data(), static_cast<MD_SIZE>(body.size()), &parser, &writer) != 0) {
    return Error(StatusCode::kLimitExceeded, "its links and tables make more than {} bytes of HTML",
                 kMaxHtmlBytes);
  }
  return AppendHtmlFragment(writer.html(), builder);
}

}  // namespace kinglet
