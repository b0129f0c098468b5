// SPDX-License-Identifier: Apache-2.0
// A matcher that follows all places of a text at once is the text's suffix automaton, made as it is
// used.
#include "grammar/text_grammar.h"

#include <vector>

#include "grammar/pattern.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxWords = 4000;
constexpr std::string_view kBlanks = " \t\n\r\f\v";

}  // namespace

Result<Grammar> ChoiceGrammar(std::span<const std::string> texts) {
  if (texts.empty()) return Error(StatusCode::kInvalidInput, "a choice of nothing");
  Grammar grammar;
  std::vector<RegexId> ways;
  for (const std::string& text : texts) ways.push_back(grammar.regex().Literal(text));
  TRY(grammar.Finish(grammar.Terminal(grammar.regex().Or(ways))));
  return grammar;
}

Result<Grammar> PatternGrammar(std::string_view pattern) {
  Grammar grammar;
  const RegexId regex = TRY(CompilePattern(grammar.regex(), pattern));
  TRY(grammar.Finish(grammar.Terminal(regex)));
  return grammar;
}

Result<Grammar> QuoteGrammar(std::span<const std::string_view> texts) {
  Grammar grammar;
  std::vector<Grammar::NodeId> begins;
  for (const std::string_view text : texts) {
    // From the last word to the first: a word, and then an end or the blanks and the next.
    Grammar::NodeId next = Grammar::kEmpty;
    std::size_t end = text.find_last_not_of(kBlanks);
    std::size_t next_begin = std::string_view::npos;
    while (end != std::string_view::npos) {
      const std::size_t blank = text.find_last_of(kBlanks, end);
      const std::size_t begin = blank == std::string_view::npos ? 0 : blank + 1;
      const Grammar::NodeId word = grammar.Literal(text.substr(begin, end + 1 - begin));
      if (next_begin == std::string_view::npos) {
        next = word;
      } else {
        const Grammar::NodeId gap = grammar.Literal(text.substr(end + 1, next_begin - end - 1));
        next =
            grammar.Sequence(word, grammar.Choice({Grammar::kEmpty, grammar.Sequence(gap, next)}));
      }
      begins.push_back(next);
      if (begins.size() > kMaxWords)
        return Error(StatusCode::kInvalidInput, "the texts have more than {} words", kMaxWords);
      next_begin = begin;
      end = begin == 0 ? std::string_view::npos : text.find_last_not_of(kBlanks, begin - 1);
    }
  }
  if (begins.empty()) return Error(StatusCode::kInvalidInput, "the texts have no words");
  TRY(grammar.Finish(grammar.Choice(std::move(begins))));
  return grammar;
}

}  // namespace kinglet
