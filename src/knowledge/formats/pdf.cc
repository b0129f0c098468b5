// SPDX-License-Identifier: Apache-2.0
// Words become lines, lines of one block a paragraph. A page has no other structure than places.
#include "knowledge/formats/pdf.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "knowledge/cleaner.h"

namespace kinglet {
namespace {

constexpr double kLargerThanBody = 1.15;  // a heading's letters, over those of the body
constexpr std::size_t kMaxHeadingLines = 3;
constexpr std::size_t kMaxHeadingBytes = 200;
constexpr double kEdge = 0.09;     // of a page's height: where its running lines stand
constexpr int kRunningPages = 3;   // on so many pages a line at the edge is a running one
constexpr int kContentsLines = 5;  // a page with so many has a table of contents
constexpr int kMaxLevels = 6;
constexpr std::string_view kPageMark = "###PAGE###";
constexpr std::string_view kBullets[] = {"•", "◦", "▪", "‣", "●", "○", "■", "–", "—", "-", "*"};

struct Line {
  int page = 0;
  int flow = 0;   // pdftotext's, of blocks that are read one after the other
  int block = 0;  // within the flow
  double top = 0;
  double height = 0;  // of its largest run of letters
  std::string text;
};

struct Page {
  int number = 0;
  double height = 0;
};

struct Word {
  int level = 0, page = 0, flow = 0, block = 0, line = 0;
  double left = 0, top = 0, width = 0, height = 0;
  std::string_view text;
};

std::string_view NextField(std::string_view& row, char separator) {
  const std::size_t end = std::min(row.find(separator), row.size());
  const std::string_view field = row.substr(0, end);
  row.remove_prefix(std::min(end + 1, row.size()));
  return field;
}

template <typename Number>
bool Read(std::string_view field, Number& number) {
  const auto read = std::from_chars(field.data(), field.data() + field.size(), number);
  return read.ec == std::errc();
}

bool IsFinite(double a, double b) { return std::isfinite(a) && std::isfinite(b); }

std::optional<Word> ReadWord(std::string_view row) {
  Word word;
  int number = 0;
  double confidence = 0;
  for (int* field : {&word.level, &word.page, &word.flow, &word.block, &word.line, &number}) {
    if (!Read(NextField(row, '\t'), *field)) return std::nullopt;
  }
  for (double* field : {&word.left, &word.top, &word.width, &word.height, &confidence}) {
    if (!Read(NextField(row, '\t'), *field)) return std::nullopt;
  }
  word.text = row;
  if (!IsFinite(word.left, word.width) || !IsFinite(word.top, word.height)) return std::nullopt;
  return word;
}

// The pages and lines of them, in the order of reading.
struct Layout {
  std::vector<Page> pages;
  std::vector<Line> lines;
  std::map<double, std::size_t> bytes_by_height;  // of the words, to half a point
};

double Rounded(double height) { return std::round(height * 2) / 2; }

Layout ReadLayout(std::string_view words) {
  Layout layout;
  std::map<double, std::size_t> of_line;  // letters by height
  int line_number = -1;
  const auto finish_line = [&] {
    const auto most = std::ranges::max_element(of_line, {}, [](const auto& e) { return e.second; });
    if (most != of_line.end()) layout.lines.back().height = most->first;
    of_line.clear();
  };
  while (!words.empty()) {
    const auto word = ReadWord(NextField(words, '\n'));
    if (!word) continue;
    if (word->text == kPageMark) layout.pages.push_back({word->page, word->height});
    if (word->level != 5 || word->text.empty() || layout.pages.empty()) continue;
    const Line* const last = layout.lines.empty() ? nullptr : &layout.lines.back();
    const bool goes_on = last != nullptr && last->page == word->page && last->flow == word->flow &&
                         last->block == word->block && line_number == word->line;
    if (!goes_on) {
      finish_line();
      layout.lines.push_back({word->page, word->flow, word->block, word->top, 0, ""});
      line_number = word->line;
    }
    std::string& text = layout.lines.back().text;
    if (!text.empty()) text += ' ';
    text += word->text;
    of_line[Rounded(word->height)] += word->text.size();
    layout.bytes_by_height[Rounded(word->height)] += word->text.size();
  }
  finish_line();
  return layout;
}

// The text with a sign for each number in it: "Page # of #".
std::string WithoutNumbers(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_digit) out += c;
    if (is_digit && (out.empty() || out.back() != '#')) out += '#';
  }
  return out;
}

// Numbers of pages and titles of chapters, at the upper or lower edge of one page after the other.
void DropRunningLines(Layout& layout) {
  std::map<int, double> heights;
  for (const Page& page : layout.pages) heights[page.number] = page.height;
  const auto key_of = [&](const Line& line) -> std::optional<std::string> {
    const double height = heights[line.page];
    const bool is_upper = line.top < height * kEdge;
    const bool is_lower = line.top + line.height > height * (1 - kEdge);
    if (!is_upper && !is_lower) return std::nullopt;
    return (is_upper ? "^" : "_") + WithoutNumbers(line.text);
  };
  std::map<std::string, std::pair<int, int>> seen;  // pages, and the last of them
  for (const Line& line : layout.lines) {
    const auto key = key_of(line);
    if (!key) continue;
    auto& [pages, last] = seen[*key];
    if (pages == 0 || last != line.page) ++pages;
    last = line.page;
  }
  std::erase_if(layout.lines, [&](const Line& line) {
    const auto key = key_of(line);
    return key && seen[*key].first >= kRunningPages;
  });
}

bool HasLetter(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           static_cast<unsigned char>(c) >= 0x80;
  });
}

// Lines of a table of contents, and on its pages the numbers that stand apart from them: what they
// say the headings say again, where the text is.
void DropContents(Layout& layout) {
  const auto has_leader = [](const Line& line) {
    return line.text.find(". . . .") != std::string::npos ||
           line.text.find(".....") != std::string::npos;
  };
  std::map<int, int> leaders;
  for (const Line& line : layout.lines) leaders[line.page] += has_leader(line) ? 1 : 0;
  std::erase_if(layout.lines, [&](const Line& line) {
    return has_leader(line) || (leaders[line.page] >= kContentsLines && !HasLetter(line.text));
  });
}

// The text behind a bullet at its beginning, where there is one.
std::optional<std::string_view> BehindBullet(std::string_view text) {
  for (const std::string_view bullet : kBullets) {
    if (text.starts_with(bullet) && text.substr(bullet.size()).starts_with(' ')) {
      return text.substr(bullet.size() + 1);
    }
  }
  return std::nullopt;
}

// A word that a line's end has parted is put together again.
void AppendLine(std::string& paragraph, std::string_view line) {
  const std::size_t size = paragraph.size();
  const auto is_letter = [](char c) { return HasLetter({&c, 1}); };
  const bool is_parted = size > 1 && paragraph[size - 1] == '-' && is_letter(paragraph[size - 2]) &&
                         !line.empty() && line[0] >= 'a' && line[0] <= 'z';
  if (is_parted) {
    paragraph.pop_back();
  } else if (!paragraph.empty()) {
    paragraph += ' ';
  }
  paragraph += line;
}

class Writer {
 public:
  Writer(const Layout& layout, DocumentBuilder& builder) : layout_(layout), builder_(builder) {
    const auto& heights = layout.bytes_by_height;
    const auto most = std::ranges::max_element(heights, {}, [](const auto& e) { return e.second; });
    body_ = most == heights.end() ? 0 : most->first;
  }

  void Write() {
    FindTitlePage();
    FindLevels();
    std::size_t next = 0;
    for (const Page& page : layout_.pages) {
      builder_.BeginPage();
      while (next < layout_.lines.size() && layout_.lines[next].page == page.number) {
        const std::size_t end = EndOfBlock(next);
        WriteBlock(next, end);
        next = end;
      }
    }
  }

 private:
  std::size_t EndOfBlock(std::size_t begin) const {
    const auto is_same = [&](const Line& line) {
      const Line& first = layout_.lines[begin];
      return line.page == first.page && line.flow == first.flow && line.block == first.block &&
             IsLarge(line) == IsLarge(first);
    };
    std::size_t end = begin + 1;
    while (end < layout_.lines.size() && is_same(layout_.lines[end])) ++end;
    return end;
  }

  bool IsLarge(const Line& line) const { return line.height >= body_ * kLargerThanBody; }

  bool IsHeading(std::size_t begin, std::size_t end) const {
    std::size_t bytes = 0;
    bool has_letter = false;
    for (std::size_t i = begin; i < end; ++i) {
      bytes += layout_.lines[i].text.size();
      has_letter = has_letter || HasLetter(layout_.lines[i].text);
    }
    const Line& first = layout_.lines[begin];
    const bool is_larger = IsLarge(first) && (first.page != title_page_ || first.height == title_);
    return is_larger && end - begin <= kMaxHeadingLines && bytes <= kMaxHeadingBytes && has_letter;
  }

  // A first page with nothing but large lines: below the largest, who wrote it and when.
  void FindTitlePage() {
    double largest = 0;
    bool has_body = layout_.lines.empty();
    for (const Line& line : layout_.lines) {
      if (line.page != layout_.lines[0].page) break;
      largest = std::max(largest, line.height);
      has_body = has_body || !IsLarge(line);
    }
    if (has_body) return;
    title_page_ = layout_.lines[0].page;
    title_ = largest;
  }

  // The largest letters of headings are of level 1.
  void FindLevels() {
    for (std::size_t begin = 0; begin < layout_.lines.size();) {
      const std::size_t end = EndOfBlock(begin);
      if (IsHeading(begin, end)) levels_[layout_.lines[begin].height] = 0;
      begin = end;
    }
    int level = 0;
    for (auto& [height, of_height] : levels_) of_height = std::min(++level, kMaxLevels);
  }

  void WriteBlock(std::size_t begin, std::size_t end) {
    const bool is_heading = IsHeading(begin, end);
    std::string text;
    bool is_item = false;
    const auto flush = [&] {
      if (is_item) builder_.AddListItem(text);
      if (!is_item && !is_heading) builder_.AddParagraph(text);
      text.clear();
    };
    for (std::size_t i = begin; i < end; ++i) {
      const auto item = is_heading ? std::nullopt : BehindBullet(layout_.lines[i].text);
      if (item) {
        flush();
        is_item = true;
      }
      AppendLine(text, item ? *item : std::string_view(layout_.lines[i].text));
    }
    if (!is_heading) return flush();
    if (!builder_.has_title()) builder_.SetTitle(text);
    builder_.AddHeading(levels_[layout_.lines[begin].height], text);
  }

  const Layout& layout_;
  DocumentBuilder& builder_;
  double body_ = 0;
  int title_page_ = -1;
  double title_ = 0;                              // the height of its largest letters
  std::map<double, int, std::greater<>> levels_;  // by the height of letters, the largest first
};

}  // namespace

Result<void> ExtractPdfWords(std::string_view words, DocumentBuilder& builder) {
  Layout layout = ReadLayout(words);
  if (layout.lines.empty()) {
    return Error(StatusCode::kInvalidInput,
                 "no text in its {} pages: they may be scanned, and pictures of text are not read",
                 layout.pages.size());
  }
  DropRunningLines(layout);
  DropContents(layout);
  Writer(layout, builder).Write();
  return {};
}

}  // namespace kinglet
