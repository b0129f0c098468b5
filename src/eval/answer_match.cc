// SPDX-License-Identifier: Apache-2.0
// Steps in the scorer's order: lower case, punctuation, articles, white space.
#include "eval/answer_match.h"

#include <algorithm>
#include <iterator>

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

namespace kinglet {
namespace {

bool IsPunctuation(char c) {
  return std::string_view("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~").find(c) != std::string_view::npos;
}

// A regular expression's \w, of Unicode.
bool IsWordCharacter(UChar32 c) { return u_isalnum(c) != 0 || c == '_'; }

bool IsBlank(UChar32 c) { return u_isUWhiteSpace(c) != 0 || (c >= 0x1C && c <= 0x1F); }

// Each article that stands alone becomes a blank.
icu::UnicodeString WithoutArticles(const icu::UnicodeString& text) {
  icu::UnicodeString rest;
  for (std::int32_t i = 0; i < text.length();) {
    const UChar32 c = text.char32At(i);
    std::int32_t end = i;
    if (IsWordCharacter(c)) {
      while (end < text.length() && IsWordCharacter(text.char32At(end)))
        end = text.moveIndex32(end, 1);
      const icu::UnicodeString word(text, i, end - i);
      rest += word == u"a" || word == u"an" || word == u"the" ? icu::UnicodeString(u" ") : word;
    } else {
      end = text.moveIndex32(i, 1);
      rest += c;
    }
    i = end;
  }
  return rest;
}

WordOverlap OverlapOf(std::vector<std::string> text, std::vector<std::string> gold) {
  if (text.empty() || gold.empty()) {
    const double is_same = text.empty() && gold.empty() ? 1 : 0;
    return {.precision = is_same, .recall = is_same, .f1 = is_same};
  }
  std::ranges::sort(text);
  std::ranges::sort(gold);
  std::vector<std::string> in_both;
  std::ranges::set_intersection(text, gold, std::back_inserter(in_both));
  const auto both = static_cast<double>(in_both.size());
  return {.precision = both / static_cast<double>(text.size()),
          .recall = both / static_cast<double>(gold.size()),
          .f1 = 2 * both / static_cast<double>(text.size() + gold.size())};
}

std::vector<std::string> WordsOf(std::string_view text, bool with_articles) {
  icu::UnicodeString lower =
      icu::UnicodeString::fromUTF8({text.data(), static_cast<std::int32_t>(text.size())});
  lower.toLower(icu::Locale::getRoot());
  icu::UnicodeString plain;
  for (std::int32_t i = 0; i < lower.length(); ++i) {
    const char16_t unit = lower[i];
    if (unit >= 0x80 || !IsPunctuation(static_cast<char>(unit))) plain += unit;
  }
  if (!with_articles) plain = WithoutArticles(plain);
  std::vector<std::string> words;
  bool in_word = false;
  for (std::int32_t i = 0; i < plain.length(); i = plain.moveIndex32(i, 1)) {
    const UChar32 c = plain.char32At(i);
    if (IsBlank(c)) {
      in_word = false;
      continue;
    }
    if (!in_word) words.emplace_back();
    in_word = true;
    icu::UnicodeString(c).toUTF8String(words.back());
  }
  return words;
}

}  // namespace

std::vector<std::string> AnswerWords(std::string_view text) {
  return WordsOf(text, /*with_articles=*/false);
}

WordOverlap CompareWords(std::string_view text, std::string_view gold) {
  return OverlapOf(AnswerWords(text), AnswerWords(gold));
}

AnswerScore ScoreAnswer(std::string_view answer, std::span<const std::string> gold) {
  const std::vector<std::string> words = AnswerWords(answer);
  if (gold.empty()) {
    const double is_none = words.empty() ? 1 : 0;
    return {.exact = is_none, .f1 = is_none};
  }
  AnswerScore best;
  for (const std::string& one : gold) {
    const std::vector<std::string> of_gold = AnswerWords(one);
    best.exact = std::max(best.exact, words == of_gold ? 1.0 : 0.0);
    best.f1 = std::max(best.f1, OverlapOf(words, of_gold).f1);
  }
  return best;
}

bool HoldsAnswer(std::string_view text, std::span<const std::string> gold) {
  const std::vector<std::string> words = AnswerWords(text);
  return std::ranges::any_of(gold, [&](const std::string& answer) {
    const std::vector<std::string> wanted = AnswerWords(answer);
    if (!wanted.empty()) return !std::ranges::search(words, wanted).empty();
    // "A", of a question with choices: an article is all there is.
    const std::vector<std::string> all = WordsOf(text, /*with_articles=*/true);
    const std::vector<std::string> article = WordsOf(answer, /*with_articles=*/true);
    return !article.empty() && !std::ranges::search(all, article).empty();
  });
}

}  // namespace kinglet
