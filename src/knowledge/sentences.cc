// SPDX-License-Identifier: Apache-2.0
// ICU finds the ends of sentences paragraph by paragraph; ends that are only abbreviations are
// undone.
#include "knowledge/sentences.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <memory>
#include <string>

#include <unicode/ubrk.h>
#include <unicode/utext.h>

#include "base/check.h"
#include "knowledge/cleaner.h"

namespace kinglet {
namespace {

// Those after which a capital letter often goes on with the same sentence. In lower case, without
// the last full stop, sorted.
constexpr std::array<std::string_view, 35> kAbbreviations = {
    "al",  "approx", "apr",  "aug", "ca",  "cf",   "ch",  "col", "dec", "dr",  "e.g", "eq",
    "feb", "fig",    "figs", "gen", "gov", "i.e",  "inc", "jan", "jr",  "mr",  "mrs", "ms",
    "no",  "nov",    "oct",  "p",   "pp",  "prof", "sec", "sep", "st",  "viz", "vs"};

struct CloseBreaks {
  void operator()(UBreakIterator* breaks) const { ubrk_close(breaks); }
};
using Breaks = std::unique_ptr<UBreakIterator, CloseBreaks>;

// Bytes of a list mark at the start of a line, its spaces included; 0 where there is none.
std::size_t ListMarkBytes(std::string_view line) {
  std::size_t i = 0;
  while (i < line.size() && (line[i] == ' ' || line[i] == '\t')) ++i;
  const std::size_t mark = i;
  if (i < line.size() && (line[i] == '-' || line[i] == '*' || line[i] == '+')) {
    ++i;
  } else {
    while (i < line.size() && i - mark < 3 && line[i] >= '0' && line[i] <= '9') ++i;
    if (i == mark || i == line.size() || (line[i] != '.' && line[i] != ')')) return 0;
    ++i;
  }
  if (i == line.size() || line[i] != ' ') return 0;
  while (i < line.size() && line[i] == ' ') ++i;
  return i;
}

// Ranges that no sentence crosses: paragraphs and list items, list marks left out.
std::vector<ByteRange> Stretches(std::string_view text) {
  std::vector<ByteRange> stretches;
  bool open = false;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = text.substr(begin, end - begin);
    const std::size_t mark_bytes = ListMarkBytes(line);
    if (std::ranges::all_of(line, IsSpace)) {
      open = false;
    } else if (open && mark_bytes == 0) {
      stretches.back().end = end;
    } else {
      stretches.push_back({begin + mark_bytes, end});
      open = true;
    }
    begin = end + 1;
  }
  return stretches;
}

bool EndsWithAbbreviation(std::string_view sentence) {
  if (!sentence.ends_with('.')) return false;
  sentence.remove_suffix(1);
  std::size_t begin = sentence.size();
  while (begin > 0 && !IsSpace(sentence[begin - 1]) && sentence[begin - 1] != '(') --begin;
  const std::string_view word = sentence.substr(begin);
  if (word.size() == 1 && std::isupper(static_cast<unsigned char>(word[0])) != 0) {
    return word != "I";  // an initial: "J. Smith"
  }
  std::string lower(word);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return std::ranges::binary_search(kAbbreviations, std::string_view(lower));
}

ByteRange Trim(std::string_view text, ByteRange range) {
  while (!range.empty() && IsSpace(text[range.begin])) ++range.begin;
  while (!range.empty() && IsSpace(text[range.end - 1])) --range.end;
  return range;
}

void SplitStretch(std::string_view text, ByteRange stretch, UBreakIterator* breaks,
                  std::vector<ByteRange>& sentences) {
  // To ICU every line break ends a sentence, so it sees spaces instead.
  std::string flat(stretch.Of(text));
  std::ranges::replace(flat, '\n', ' ');
  UErrorCode error = U_ZERO_ERROR;
  UText* utext =
      utext_openUTF8(nullptr, flat.data(), static_cast<std::int64_t>(flat.size()), &error);
  ubrk_setUText(breaks, utext, &error);
  KINGLET_CHECK(U_SUCCESS(error), "{}", u_errorName(error));
  bool join = false;
  std::int32_t begin = ubrk_first(breaks);
  for (std::int32_t end = ubrk_next(breaks); end != UBRK_DONE; end = ubrk_next(breaks)) {
    const ByteRange sentence = Trim(text, {stretch.begin + static_cast<std::size_t>(begin),
                                           stretch.begin + static_cast<std::size_t>(end)});
    begin = end;
    if (sentence.empty()) continue;
    if (join) {
      sentences.back().end = sentence.end;
    } else {
      sentences.push_back(sentence);
    }
    join = EndsWithAbbreviation(sentence.Of(text));
  }
  utext_close(utext);
}

}  // namespace

std::vector<ByteRange> SplitSentences(std::string_view utf8) {
  std::vector<ByteRange> sentences;
  UErrorCode error = U_ZERO_ERROR;
  const Breaks breaks(ubrk_open(UBRK_SENTENCE, "en", nullptr, 0, &error));
  KINGLET_CHECK(U_SUCCESS(error), "ICU's data has no sentence rules: {}", u_errorName(error));
  for (const ByteRange& stretch : Stretches(utf8)) {
    SplitStretch(utf8, stretch, breaks.get(), sentences);
  }
  return sentences;
}

}  // namespace kinglet
