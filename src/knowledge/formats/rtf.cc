// SPDX-License-Identifier: Apache-2.0
// One pass over the tokens with a stack of groups. What a group says ends with it.
#include "knowledge/formats/rtf.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "knowledge/cleaner.h"
#include "knowledge/formats/rtf_lexer.h"
#include "knowledge/formats/table_rows.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxDepth = 256;   // of groups; word processors write dozens
constexpr int kMaxNumber = 65535;        // of fonts and styles
constexpr std::size_t kMaxCells = 1024;  // of a row; Word has 63

// Where the text of a group goes.
enum class Target : std::uint8_t {
  kBody,
  kNote,
  kMarker,
  kInfo,
  kTitle,
  kFonts,
  kStyles,
  kNowhere
};

struct Destination {
  std::string_view word;
  Target target;
};
// Those of RTF 1.9.1 that do not say by "\*" that whoever does not know them leaves them out, and
// some that do.
constexpr auto kDestinations = std::to_array<Destination>({
    {"bxe", Target::kNowhere},        {"colortbl", Target::kNowhere},
    {"fldinst", Target::kNowhere},    {"fonttbl", Target::kFonts},
    {"footer", Target::kNowhere},     {"footerf", Target::kNowhere},
    {"footerl", Target::kNowhere},    {"footerr", Target::kNowhere},
    {"footnote", Target::kNote},      {"header", Target::kNowhere},
    {"headerf", Target::kNowhere},    {"headerl", Target::kNowhere},
    {"headerr", Target::kNowhere},    {"info", Target::kInfo},
    {"listtext", Target::kMarker},    {"nonesttables", Target::kNowhere},
    {"nonshppict", Target::kNowhere}, {"object", Target::kNowhere},
    {"pict", Target::kNowhere},       {"pntext", Target::kMarker},
    {"shptxt", Target::kNote},        {"sp", Target::kNowhere},
    {"stylesheet", Target::kStyles},  {"tc", Target::kNowhere},
    {"xe", Target::kNowhere},
});
static_assert(std::ranges::is_sorted(kDestinations, {}, &Destination::word));

struct Character {
  std::string_view word;
  std::string_view text;
};
constexpr auto kCharacters = std::to_array<Character>({
    {"bullet", "\u2022"},
    {"emdash", "\u2014"},
    {"emspace", " "},
    {"endash", "\u2013"},
    {"enspace", " "},
    {"ldblquote", "\u201C"},
    {"line", "\n"},
    {"lquote", "\u2018"},
    {"nestcell", " "},
    {"nestrow", " "},
    {"qmspace", " "},
    {"rdblquote", "\u201D"},
    {"rquote", "\u2019"},
    {"tab", "\t"},
});
static_assert(std::ranges::is_sorted(kCharacters, {}, &Character::word));

// The row of a sorted table, or null.
template <typename Row, std::size_t kCount>
const Row* FindWord(const std::array<Row, kCount>& table, std::string_view word) {
  const auto found = std::ranges::lower_bound(table, word, {}, &Row::word);
  return found != table.end() && found->word == word ? &*found : nullptr;
}

// Of a font's characters, by \fcharset; 0: that of the document.
int CodePageOf(int charset) {
  struct Row {
    int charset;
    int code_page;
  };
  constexpr Row kRows[] = {{77, 10000}, {128, 932},  {129, 949},  {134, 936},  {136, 950},
                           {161, 1253}, {162, 1254}, {163, 1258}, {177, 1255}, {178, 1256},
                           {186, 1257}, {204, 1251}, {222, 874},  {238, 1250}, {255, 437}};
  const auto* const found = std::ranges::find(kRows, charset, &Row::charset);
  return found == std::end(kRows) ? 0 : found->code_page;
}

std::string EncodingOf(int code_page) {
  if (code_page == 65001) return "utf-8";
  return code_page == 10000 ? "macintosh" : fmt::format("cp{}", code_page);
}

bool IsBlank(std::string_view text) { return std::ranges::all_of(text, IsSpace); }

// The level of a heading, where the paragraph leaves it to its style.
constexpr int kOfStyle = -1;

// What a paragraph in a style is.
struct Style {
  int heading = 0;  // its level; 0: none
  bool contents = false;
};

Style StyleOf(std::string name, int outline) {
  name = LowerAscii(OneLine(name.substr(0, name.find(';'))));
  Style style;
  style.contents = name.starts_with("toc ");
  if (name == "title") style.heading = 1;
  if (name.size() == 9 && name.starts_with("heading ") && name[8] >= '1' && name[8] <= '9') {
    style.heading = name[8] - '0';
  }
  if (style.heading == 0 && outline != kOfStyle) style.heading = outline;
  return style;
}

struct Group {
  Target target = Target::kBody;
  bool hidden = false;
  bool deleted = false;
  bool bold = false;
  bool in_table = false;
  int code_page = 0;               // 0: that of the document
  std::size_t fallback_bytes = 1;  // behind each \uN, for those who cannot read it
  int style = 0;
  int heading = kOfStyle;  // its level; 0: none
};

class RtfReader {
 public:
  explicit RtfReader(DocumentBuilder& builder) : builder_(builder) {}

  Result<void> Read(std::string_view bytes) {
    RtfLexer lexer(bytes);
    for (;;) {
      const RtfToken token = lexer.Next();
      if (token.kind == RtfToken::Kind::kEnd || builder_.is_full()) break;
      if (token.kind == RtfToken::Kind::kBytes) {
        AddBytes(token.text);
        continue;
      }
      FlushBytes();
      fallback_left_ = 0;
      if (token.kind == RtfToken::Kind::kOpen) {
        if (groups_.size() == kMaxDepth) {
          return Error(StatusCode::kInvalidInput, "groups in more than {} groups", kMaxDepth);
        }
        groups_.push_back(group());
        starred_ = false;
      } else if (token.kind == RtfToken::Kind::kClose) {
        CloseGroup();
      } else if (token.kind == RtfToken::Kind::kSymbol) {
        HandleSymbol(token.text.front());
      } else {
        HandleWord(token.text, token.number);
      }
    }
    FlushBytes();
    if (!cells_.empty()) EndCell();
    AddBlock();
    return {};
  }

 private:
  Group& group() { return groups_.back(); }

  void CloseGroup() {
    const Group closed = group();
    if (groups_.size() > 1) groups_.pop_back();
    if (closed.target == Target::kStyles && !style_name_.empty()) {
      styles_[closed.style] = StyleOf(std::exchange(style_name_, {}), closed.heading);
    }
    if (closed.target == group().target) return;
    if (closed.target == Target::kTitle) builder_.SetTitle(title_);
    if (closed.target == Target::kNote) notes_.push_back(std::exchange(note_, {}));
  }

  void HandleSymbol(char symbol) {
    if (symbol == '*') starred_ = true;
    if (symbol == '~') AddText(" ");
    if (symbol == '_') AddText("-");
    if (symbol == '\r' || symbol == '\n') EndParagraph();
  }

  void HandleWord(std::string_view word, std::optional<int> number) {
    const bool starred = std::exchange(starred_, false);
    if (group().target == Target::kNowhere) return;
    if (const Destination* destination = FindWord(kDestinations, word)) {
      group().target = destination->target;
      if (destination->target == Target::kMarker) marker_.clear();
    } else if (word == "title" && group().target == Target::kInfo) {
      group().target = Target::kTitle;
    } else if (starred && word != "shpinst") {  // around the text of a shape
      group().target = Target::kNowhere;
    } else if (const Character* character = FindWord(kCharacters, word)) {
      AddText(character->text);
    } else if (word == "u") {
      AddCodeUnit(number.value_or(0));
    } else {
      HandleEncoding(word, number);
      HandleFormat(word, number);
      if (group().target == Target::kBody) HandleTable(word);
      if (word == "par" || word == "sect" || word == "page") EndParagraph();
    }
  }

  void HandleEncoding(std::string_view word, std::optional<int> number) {
    const int value = std::clamp(number.value_or(0), 0, kMaxNumber);
    if (word == "ansicpg" && value > 0) code_page_ = value;
    if (word == "mac") code_page_ = 10000;
    if (word == "pc") code_page_ = 437;
    if (word == "pca") code_page_ = 850;
    if (word == "uc") group().fallback_bytes = static_cast<std::size_t>(value);
    if (word == "deff") default_font_ = value;
    if (word == "f" || word == "plain") SetFont(word == "f" ? value : default_font_);
    if (group().target != Target::kFonts) return;
    if (word == "fcharset") fonts_[font_] = CodePageOf(value);
    if (word == "cpg") fonts_[font_] = value;
  }

  // The font that the table of fonts describes, or that the text has.
  void SetFont(int font) {
    font_ = font;
    const auto found = fonts_.find(font);
    group().code_page = found == fonts_.end() ? 0 : found->second;
  }

  void HandleFormat(std::string_view word, std::optional<int> number) {
    const bool on = number != 0;  // \b and \b1, not \b0
    if (word == "v") group().hidden = on;
    if (word == "deleted") group().deleted = on;
    if (word == "b") group().bold = on;
    if (word == "plain") group().hidden = group().bold = false;
    if (word == "intbl") group().in_table = on;
    if (word == "s") group().style = std::clamp(number.value_or(0), 0, kMaxNumber);
    if (word == "outlinelevel") group().heading = (std::clamp(number.value_or(0), 0, 9) + 1) % 10;
    if (word != "pard") return;
    group().in_table = false;
    group().style = 0;
    group().heading = kOfStyle;
  }

  void HandleTable(std::string_view word) {
    if (word == "cell") EndCell();
    if (word == "row") EndRow();
    if (word == "trowd") is_header_row_ = false;
    if (word == "trhdr") is_header_row_ = true;
  }

  // Half of a pair of surrogates waits for the other.
  void AddCodeUnit(int number) {
    fallback_left_ = group().fallback_bytes;
    const auto unit = static_cast<char32_t>(static_cast<std::uint16_t>(number));
    const char32_t high = std::exchange(high_surrogate_, 0);
    if (unit >= 0xD800 && unit < 0xDC00) {
      high_surrogate_ = unit;
      return;
    }
    std::string text;
    if (unit < 0xDC00 || unit >= 0xE000) {
      AppendUtf8(unit, text);
    } else if (high != 0) {
      AppendUtf8(0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00), text);
    }
    AddText(text);
  }

  // Gathered, as a character may be several.
  void AddBytes(std::string_view bytes) {
    const std::size_t fallback = std::min(fallback_left_, bytes.size());
    fallback_left_ -= fallback;
    bytes_ += bytes.substr(fallback);
  }

  void FlushBytes() {
    if (bytes_.empty()) return;
    const std::string bytes = std::exchange(bytes_, {});
    const bool is_ascii = std::ranges::all_of(bytes, [](char c) { return c >= 0; });
    if (is_ascii) return AddText(bytes);
    const int code_page = group().code_page == 0 ? code_page_ : group().code_page;
    AddText(DecodeToUtf8(bytes, EncodingOf(code_page)));
  }

  void AddText(std::string_view text) {
    high_surrogate_ = 0;
    if (group().hidden || group().deleted) return;
    if (group().target == Target::kBody) {
      if (!group().bold && !IsBlank(text)) is_bold_ = false;
      body_ += text;
    }
    if (group().target == Target::kNote) note_ += text;
    if (group().target == Target::kMarker) marker_ += text;
    if (group().target == Target::kTitle) title_ += text;
    if (group().target == Target::kStyles) style_name_ += text;
  }

  void EndParagraph() {
    if (group().target == Target::kNote) note_ += '\n';
    if (group().target != Target::kBody) return;
    if (!group().in_table) return AddBlock();
    body_ += '\n';  // in its cell
    marker_.clear();
  }

  void AddBlock() {
    EndRow();
    EndTable();
    const std::string text = std::exchange(body_, {});
    const std::string marker = OneLine(std::exchange(marker_, {}));
    is_bold_ = true;
    if (!IsBlank(text)) AddParagraph(text, marker);
    AddNotes();
  }

  void AddParagraph(const std::string& text, const std::string& marker) {
    const auto found = styles_.find(group().style);
    const Style style = found == styles_.end() ? Style() : found->second;
    if (style.contents) return;
    const int level = group().heading == kOfStyle ? style.heading : group().heading;
    if (level > 0) {
      if (!builder_.has_title()) builder_.SetTitle(text);
      builder_.AddHeading(std::min(level, 6), text);
    } else if (marker.empty()) {
      builder_.AddParagraph(text);
    } else {
      builder_.AddListItem((IsNumber(marker) ? marker : "-") + " " + text);
    }
  }

  // "1." or "b)"; a bullet may be the letter o.
  static bool IsNumber(std::string_view marker) {
    return marker.size() > 1 && std::ranges::all_of(marker, [](char c) { return c > 0; });
  }

  void AddNotes() {
    for (const std::string& note : std::exchange(notes_, {})) builder_.AddParagraph(note);
  }

  void EndCell() {
    cells_.push_back(OneLine(std::exchange(body_, {})));
    marker_.clear();
    if (cells_.size() == kMaxCells) EndRow();
  }

  // A row of one cell is a box around a text. A header waits for the row that it is one of.
  void EndRow() {
    const std::vector<std::string> texts = std::exchange(cells_, {});
    const bool is_header = is_header_row_ || is_bold_;
    is_header_row_ = false;
    is_bold_ = true;
    if (texts.size() == 1) builder_.AddParagraph(texts[0]);
    if (texts.size() > 1) {
      std::vector<TableCell> cells = CellsOf(texts);
      const bool is_first = !table_.has_value();
      TableRows& table = is_first ? table_.emplace(builder_) : *table_;
      if (is_first && is_header) {
        header_ = std::move(cells);
      } else {
        if (!header_.empty()) table.SetHeader(std::exchange(header_, {}));
        table.AddRow(cells);
      }
    }
    if (!texts.empty()) AddNotes();
  }

  void EndTable() {
    if (table_ && !header_.empty()) table_->AddRow(std::exchange(header_, {}));
    table_.reset();
  }

  DocumentBuilder& builder_;
  std::vector<Group> groups_ = {Group()};
  bool starred_ = false;  // the next word is one that may be left out

  int code_page_ = 1252;  // of the document
  int default_font_ = 0;
  int font_ = 0;
  std::map<int, int> fonts_;  // their code pages
  std::map<int, Style> styles_;
  std::string bytes_;  // of text, not decoded yet
  std::size_t fallback_left_ = 0;
  char32_t high_surrogate_ = 0;

  std::string body_;  // of the paragraph or cell that is open
  std::string note_;
  std::string marker_;  // of a list's item
  std::string title_;
  std::string style_name_;
  std::vector<std::string> notes_;  // to stand behind the paragraph or row
  std::vector<std::string> cells_;
  std::vector<TableCell> header_;
  std::optional<TableRows> table_;
  bool is_header_row_ = false;
  bool is_bold_ = true;  // all text of the row
};

}  // namespace

Result<void> ExtractRtf(std::string_view bytes, DocumentBuilder& builder) {
  if (!bytes.starts_with("{\\rtf")) return Error(StatusCode::kInvalidInput, "not RTF");
  return RtfReader(builder).Read(bytes);
}

}  // namespace kinglet
