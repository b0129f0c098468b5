// SPDX-License-Identifier: Apache-2.0
// Terms by the library's own word breaks and stems, so that both sides of a comparison agree.
#include "answer/terms.h"

#include <algorithm>
#include <cmath>

#include "knowledge/word_stems.h"

namespace kinglet {
namespace {

bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// "Kubernetes" inside a sentence, "RISC" anywhere, "v13". The first word of a question has its
// capital anyway.
bool NamesSomething(std::string_view word, bool is_first) {
  if (std::ranges::any_of(word, IsDigit)) return true;
  if (std::ranges::any_of(word.substr(1), IsUpper)) return true;
  return !is_first && IsUpper(word.front());
}

}  // namespace

std::vector<Term> FindTerms(std::string_view text, const QueryStatistics& statistics) {
  std::vector<Term> terms;
  bool is_first = true;
  for (const WordStem& word : StemWords(text)) {
    const std::string_view surface = text.substr(word.begin, word.end - word.begin);
    const bool names = NamesSomething(surface, is_first);
    is_first = false;
    if (word.stop_word) continue;
    if (std::ranges::find(terms, word.stem, &Term::stem) != terms.end()) continue;
    const auto known = std::ranges::find(statistics.terms, word.stem, &TermStatistic::stem);
    Term term{.stem = word.stem, .word = std::string(surface), .is_name = names};
    if (known != statistics.terms.end()) term.chunk_count = known->chunk_count;
    term.weight = std::log((static_cast<double>(statistics.total_chunks) + 1) /
                           (static_cast<double>(term.chunk_count) + 0.5));
    // A word in nearly every chunk still says something: keep it above nothing.
    term.weight = std::max(term.weight, 0.1);
    terms.push_back(std::move(term));
  }
  return terms;
}

StemSet StemsOf(std::string_view text) {
  StemSet stems;
  for (const WordStem& word : StemWords(text)) stems.insert(word.stem);
  return stems;
}

double Coverage(const std::vector<Term>& terms, const StemSet& stems, const StemSet* more) {
  double total = 0;
  double covered = 0;
  for (const Term& term : terms) {
    total += term.weight;
    const bool stands = stems.contains(term.stem) || (more != nullptr && more->contains(term.stem));
    if (stands) covered += term.weight;
  }
  return total == 0 ? 1 : covered / total;
}

}  // namespace kinglet
