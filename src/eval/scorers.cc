// SPDX-License-Identifier: Apache-2.0
// exact_match, acc, acc_norm and acc_bytes are those of EleutherAI's lm-evaluation-harness 0.4, em
// and f1 those of SQuAD 2.0's script.
#include "eval/scorers.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include <unicode/locid.h>
#include <unicode/unistr.h>

#include "base/json.h"
#include "base/utf8.h"
#include "eval/answer_match.h"

namespace kinglet {
namespace {

constexpr std::string_view kWhiteSpace = " \t\n\r\f\v";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsAscii(char c) { return (static_cast<unsigned char>(c) & 0x80) == 0; }

bool IsWordByte(char c) {
  return IsDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || !IsAscii(c);
}

bool IsPunctuation(char c) {
  return std::string_view("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~").find(c) != std::string_view::npos;
}

std::string_view Strip(std::string_view text) {
  const std::size_t begin = std::min(text.find_first_not_of(kWhiteSpace), text.size());
  return text.substr(begin, text.find_last_not_of(kWhiteSpace) + 1 - begin);
}

std::string Lower(std::string_view text) {
  icu::UnicodeString lower =
      icu::UnicodeString::fromUTF8({text.data(), static_cast<std::int32_t>(text.size())});
  std::string utf8;
  lower.toLower(icu::Locale::getRoot()).toUTF8String(utf8);
  return utf8;
}

// The steps in the harness's order.
std::string WhatCounts(std::string_view text, const ScorerOptions& options) {
  std::string rest(text);
  for (const TextPattern& pattern : options.ignore) rest = pattern.Without(rest);
  if (options.ignore_case) rest = Lower(rest);
  if (options.ignore_punctuation) std::erase_if(rest, IsPunctuation);
  if (options.ignore_numbers) std::erase_if(rest, IsDigit);
  return options.strip ? std::string(Strip(rest)) : rest;
}

double OneIf(bool holds) { return holds ? 1 : 0; }

std::vector<double> ExactMatch(const TaskReply& reply, const Gold& gold,
                               const ScorerOptions& options) {
  const std::string said = WhatCounts(reply.text, options);
  return {OneIf(std::ranges::any_of(gold.answers, [&](const std::string& answer) {
    return WhatCounts(answer, options) == said;
  }))};
}

std::vector<double> Squad(const TaskReply& reply, const Gold& gold, const ScorerOptions&) {
  const AnswerScore score = ScoreAnswer(reply.text, gold.answers);
  return {score.exact, score.f1};
}

std::vector<double> Contains(const TaskReply& reply, const Gold& gold, const ScorerOptions&) {
  return {OneIf(HoldsAnswer(reply.text, gold.answers))};
}

std::vector<double> Number(const TaskReply& reply, const Gold& gold, const ScorerOptions& options) {
  const std::optional<double> said = LastNumber(reply.text);
  return {OneIf(said && std::ranges::any_of(gold.answers, [&](const std::string& answer) {
                  const std::optional<double> right = LastNumber(answer);
                  return right && std::abs(*said - *right) <= options.tolerance;
                }))};
}

std::vector<double> Choice(const TaskReply& reply, const Gold& gold, const ScorerOptions&) {
  std::vector<double> scores;
  const auto add = [&](const auto& length) {
    std::size_t best = 0;
    double most = -std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < std::min(reply.logprobs.size(), gold.choices.size()); ++i) {
      const double value = reply.logprobs[i] / static_cast<double>(length(gold.choices[i]));
      if (value > most) {
        most = value;
        best = i;
      }
    }
    scores.push_back(OneIf(std::ranges::find(gold.right, best) != gold.right.end()));
  };
  add([](const std::string&) { return std::size_t{1}; });
  add([](const std::string& choice) { return CountUtf8(choice); });
  add([](const std::string& choice) { return choice.size(); });
  return scores;
}

std::vector<double> Json(const TaskReply& reply, const Gold&, const ScorerOptions& options) {
  const auto value = ParseJson(Strip(reply.text));
  return {OneIf(value && (!options.schema || options.schema->Validate(*value)))};
}

std::vector<double> Regex(const TaskReply& reply, const Gold& gold, const ScorerOptions& options) {
  if (options.pattern) return {OneIf(options.pattern->IsIn(reply.text))};
  return {OneIf(std::ranges::any_of(gold.answers, [&](const std::string& answer) {
    const auto pattern = TextPattern::Compile(answer);
    return pattern && pattern->IsIn(reply.text);
  }))};
}

constexpr std::string_view kExactMatchMetrics[] = {"exact_match"};
constexpr std::string_view kExactMatchOptions[] = {"strip", "ignore", "ignore_case",
                                                   "ignore_punctuation", "ignore_numbers"};
constexpr std::string_view kSquadMetrics[] = {"em", "f1"};
constexpr std::string_view kContainsMetrics[] = {"contains"};
constexpr std::string_view kNumberMetrics[] = {"number"};
constexpr std::string_view kNumberOptions[] = {"tolerance"};
constexpr std::string_view kChoiceMetrics[] = {"acc", "acc_norm", "acc_bytes"};
constexpr std::string_view kJsonMetrics[] = {"json_valid"};
constexpr std::string_view kJsonOptions[] = {"schema"};
constexpr std::string_view kRegexMetrics[] = {"regex"};
constexpr std::string_view kRegexOptions[] = {"pattern"};

constexpr Scorer kScorers[] = {
    {"exact_match", kExactMatchMetrics, kExactMatchOptions, true, false, ExactMatch},
    {"squad", kSquadMetrics, {}, false, false, Squad},
    {"contains", kContainsMetrics, {}, true, false, Contains},
    {"number", kNumberMetrics, kNumberOptions, true, false, Number},
    {"choice", kChoiceMetrics, {}, true, true, Choice},
    {"json", kJsonMetrics, kJsonOptions, false, false, Json},
    {"regex", kRegexMetrics, kRegexOptions, false, false, Regex},
};

// Without the commas between its digits.
std::optional<double> ParseNumber(std::string_view text) {
  std::string digits(text);
  std::erase(digits, ',');
  double number = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return std::nullopt;
  return number;
}

// Whether a number behind it has a minus, which is no hyphen.
bool IsNegative(std::string_view before) {
  for (const std::string_view minus : {"-", "\u2212"}) {
    if (!before.ends_with(minus)) continue;
    before.remove_suffix(minus.size());
    return before.empty() || !IsWordByte(before.back());
  }
  return false;
}

}  // namespace

std::span<const Scorer> Scorers() { return kScorers; }

const Scorer* FindScorer(std::string_view name) {
  const auto* const found = std::ranges::find(kScorers, name, &Scorer::name);
  return found == std::end(kScorers) ? nullptr : found;
}

std::optional<double> LastNumber(std::string_view text) {
  std::size_t last = text.size();
  while (last > 0 && !IsDigit(text[last - 1])) --last;
  if (last == 0) return std::nullopt;
  // Digits, points and commas between digits; an exponent belongs to it, too.
  std::size_t begin = last;
  const auto belongs = [&](std::size_t i) {
    const char c = text[i];
    if (IsDigit(c)) return true;
    if (c == ',' || c == '.') return i + 1 < last && (c == '.' || (i > 0 && IsDigit(text[i - 1])));
    if (c == 'e' || c == 'E') return i > 0 && IsDigit(text[i - 1]);
    return (c == '-' || c == '+') && i > 1 && (text[i - 1] == 'e' || text[i - 1] == 'E') &&
           IsDigit(text[i - 2]);
  };
  while (begin > 0 && belongs(begin - 1)) --begin;
  const std::string_view found = text.substr(begin, last - begin);
  if (std::ranges::count(found, '.') > 1) {  // of a date, or dots before it
    begin += found.rfind('.') + 1;
  } else if (found.front() == '.' && begin > 0 && IsWordByte(text[begin - 1])) {
    ++begin;  // the end of a sentence
  }
  const std::optional<double> number = ParseNumber(text.substr(begin, last - begin));
  return number && IsNegative(text.substr(0, begin)) ? -*number : number;
}

}  // namespace kinglet
