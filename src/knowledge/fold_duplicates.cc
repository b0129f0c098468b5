// SPDX-License-Identifier: Apache-2.0
// Passages are short and few, so their shingles are compared as they are.
#include "knowledge/fold_duplicates.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "knowledge/near_duplicates.h"
#include "text/plain_words.h"

namespace kinglet {
namespace {

constexpr double kSameJaccard = 0.8;

// "t" is what is left of "don't".
constexpr auto kNegations = std::to_array<std::string_view>(
    {"cannot", "geen",  "jamais",  "kein",    "keine", "keinen", "keiner", "mai",  "nao",
     "never",  "nicht", "nie",     "niemals", "niet",  "no",     "non",    "none", "nooit",
     "nor",    "not",   "nunca",   "não",     "ohne",  "pas",    "sans",   "sem",  "senza",
     "sin",    "t",     "without", "zonder",  "не",    "нет",    "不",     "没",   "無"});
static_assert(std::ranges::is_sorted(kNegations));

struct Compared {
  std::vector<std::uint64_t> shingles;
  std::vector<std::string> decisive;  // numbers and negations, sorted
};

Compared CompareBy(std::string_view text) {
  Compared compared{ShinglesOf(text), {}};
  for (PlainWords words(text); words.Next();) {
    const std::string& word = words.word();
    const bool has_digit = word.find_first_of("0123456789") != std::string::npos;
    if (has_digit || std::ranges::binary_search(kNegations, std::string_view(word))) {
      compared.decisive.push_back(word);
    }
  }
  std::ranges::sort(compared.decisive);
  return compared;
}

// The least hashes are a sample of the shingles. Of two texts that are similar enough nine in ten
// of one's are the other's, so one in 10,000 pairs is missed, and hardly any other is compared.
bool MayBeSimilar(const Compared& a, const Compared& b) {
  constexpr std::size_t kSample = 4;
  return std::any_of(
      a.shingles.begin(),
      a.shingles.begin() + static_cast<std::ptrdiff_t>(std::min(kSample, a.shingles.size())),
      [&](std::uint64_t shingle) { return std::ranges::binary_search(b.shingles, shingle); });
}

bool SayTheSame(const Compared& a, const Compared& b) {
  return a.decisive == b.decisive && MayBeSimilar(a, b) &&
         Jaccard(a.shingles, b.shingles) >= kSameJaccard;
}

}  // namespace

std::vector<Passage> FoldDuplicates(std::vector<Passage> ranked) {
  std::vector<Passage> kept;
  std::vector<Compared> compared;
  for (Passage& passage : ranked) {
    Compared with = CompareBy(passage.text);
    std::size_t same = 0;
    while (same < kept.size() &&
           (kept[same].document == passage.document ||
            (kept[same].text != passage.text && !SayTheSame(compared[same], with)))) {
      ++same;
    }
    if (same == kept.size()) {
      kept.push_back(std::move(passage));
      compared.push_back(std::move(with));
      continue;
    }
    std::vector<std::string>& also_in = kept[same].also_in;
    if (std::ranges::find(also_in, passage.document) == also_in.end()) {
      also_in.push_back(std::move(passage.document));
    }
  }
  return kept;
}

}  // namespace kinglet
