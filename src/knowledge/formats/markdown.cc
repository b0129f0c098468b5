// SPDX-License-Identifier: Apache-2.0
// Markdown means HTML: md4c's callbacks write it, and the reader of HTML does the rest. So raw
// HTML, entities, lists and tables have one reader.
#include "knowledge/formats/markdown.h"

#include <md4c.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "knowledge/cleaner.h"
#include "knowledge/formats/html.h"

namespace kinglet {
namespace {

// Links by reference can repeat a long text often; more output than this is an attack.
constexpr std::size_t kMaxHtmlBytes = std::size_t{64} << 20;

// Text of the Markdown stands on the same line of the HTML, so that the reader of HTML knows its
// line: tags wait for the text behind them, and line breaks that mean nothing go before them.
class HtmlWriter {
 public:
  explicit HtmlWriter(std::string_view markdown) : markdown_(markdown) {}

  int Block(MD_BLOCKTYPE type, void* detail, bool enter) {
    std::string tag;
    if (type == MD_BLOCK_OL && enter) {
      tag = fmt::format("<ol start=\"{}\">", static_cast<MD_BLOCK_OL_DETAIL*>(detail)->start);
    } else if (type == MD_BLOCK_H) {
      tag =
          fmt::format("<{}h{}>", enter ? "" : "/", static_cast<MD_BLOCK_H_DETAIL*>(detail)->level);
    } else if (const std::string_view name = BlockTag(type); !name.empty()) {
      tag = fmt::format("<{}{}>", enter ? "" : "/", name);
    }
    if (enter) {
      waiting_ += tag;
    } else {
      Emit(std::exchange(waiting_, {}) + tag);
    }
    in_code_ = enter && type == MD_BLOCK_CODE;
    return Finished();
  }

  int Text(MD_TEXTTYPE type, std::string_view text) {
    if (!in_code_ || !waiting_.empty()) GoToLineOf(text);
    Emit(std::exchange(waiting_, {}));
    switch (type) {
      case MD_TEXT_BR:
        Emit("<br>");
        break;
      case MD_TEXT_SOFTBR:
        Emit("\n");
        break;
      case MD_TEXT_NULLCHAR:
        break;
      case MD_TEXT_ENTITY:
      case MD_TEXT_HTML:
        Emit(text);
        break;
      default:
        Emit(Escaped(text));
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

  static std::string Escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
      if (c == '<') {
        out += "&lt;";
      } else if (c == '&') {
        out += "&amp;";
      } else {
        out += c;
      }
    }
    return out;
  }

  static std::size_t BreaksIn(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count(text, '\n'));
  }

  void Emit(std::string_view html) {
    html_ += html;
    html_breaks_ += BreaksIn(html);
  }

  // What md4c makes up itself, as a space, stands in no line.
  void GoToLineOf(std::string_view text) {
    const std::less_equal<> at_most;
    const char* const end = markdown_.data() + markdown_.size();
    if (!at_most(markdown_.data() + passed_, text.data()) || !at_most(text.data(), end)) return;
    const auto place = static_cast<std::size_t>(text.data() - markdown_.data());
    breaks_ += BreaksIn(markdown_.substr(passed_, place - passed_));
    passed_ = place;
    if (html_breaks_ < breaks_) Emit(std::string(breaks_ - html_breaks_, '\n'));
  }

  // Not 0 stops md4c.
  int Finished() const { return html_.size() > kMaxHtmlBytes ? 1 : 0; }

  std::string_view markdown_;
  std::size_t passed_ = 0;       // of markdown_, in which there are
  std::size_t breaks_ = 0;       // so many line breaks
  std::size_t html_breaks_ = 0;  // in html_
  bool in_code_ = false;
  std::string waiting_;  // tags
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

Result<std::string> ToHtml(std::string_view markdown) {
  const MD_PARSER parser = Parser();
  HtmlWriter writer(markdown);
  if (md_parse(markdown.data(), static_cast<MD_SIZE>(markdown.size()), &parser, &writer) != 0) {
    return Error(StatusCode::kLimitExceeded, "its links and tables make more than {} bytes of HTML",
                 kMaxHtmlBytes);
  }
  return writer.html();
}

}  // namespace

Result<void> ExtractMarkdown(std::string_view bytes, DocumentBuilder& builder) {
  const std::string text = CleanText(DecodeToUtf8(bytes));
  const std::string_view body = SkipFrontMatter(text, builder);
  const std::string_view settings = std::string_view(text).substr(0, text.size() - body.size());
  const auto lines_before = static_cast<std::size_t>(std::ranges::count(settings, '\n'));
  return AppendHtmlFragment(TRY(ToHtml(body)), lines_before, builder);
}

Result<void> AppendMarkdown(std::string_view text, DocumentBuilder& builder) {
  return AppendHtmlFragment(TRY(ToHtml(text)), builder);
}

}  // namespace kinglet
