// SPDX-License-Identifier: Apache-2.0
// Word breaks by ICU, folding by ICU's NFKC_Casefold, stems by Snowball's libstemmer.
#include "knowledge/word_stems.h"

#include <libstemmer.h>

#include <algorithm>
#include <array>
#include <memory>

#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utext.h>

#include "base/check.h"
#include "knowledge/cleaner.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxWordBytes = 64;  // longer ones are no language: keys, digests, base64

// English function words: nobody looks for a document by them. Folded, not stemmed, sorted.
constexpr auto kStopWords = std::to_array<std::string_view>(
    {"a",       "about",  "after",   "again",  "all",    "also",    "am",     "an",      "and",
     "any",     "are",    "as",      "at",     "be",     "because", "been",   "before",  "being",
     "between", "both",   "but",     "by",     "can",    "can't",   "cannot", "could",   "did",
     "do",      "does",   "doesn't", "doing",  "don't",  "done",    "during", "each",    "either",
     "else",    "for",    "from",    "get",    "gets",   "give",    "had",    "has",     "have",
     "having",  "he",     "her",     "here",   "him",    "his",     "how",    "however", "i",
     "if",      "in",     "into",    "is",     "isn't",  "it",      "it's",   "its",     "just",
     "may",     "me",     "might",   "more",   "most",   "much",    "must",   "my",      "no",
     "nor",     "not",    "of",      "on",     "once",   "one's",   "only",   "or",      "other",
     "our",     "out",    "over",    "own",    "please", "same",    "shall",  "she",     "should",
     "so",      "some",   "such",    "tell",   "than",   "that",    "that's", "the",     "their",
     "them",    "then",   "there",   "these",  "they",   "this",    "those",  "to",      "too",
     "under",   "until",  "up",      "upon",   "us",     "very",    "was",    "we",      "were",
     "what",    "what's", "when",    "where",  "which",  "while",   "who",    "whom",    "whose",
     "why",     "will",   "with",    "within", "would",  "you",     "your"});
static_assert(std::ranges::is_sorted(kStopWords));

struct CloseBreaks {
  void operator()(UBreakIterator* breaks) const { ubrk_close(breaks); }
};
struct CloseStemmer {
  void operator()(sb_stemmer* stemmer) const { sb_stemmer_delete(stemmer); }
};

bool IsAscii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Lower case, compatibility forms and accents folded; right single quotation marks are apostrophes.
std::string Fold(std::string_view word) {
  if (IsAscii(word)) return LowerAscii(word);
  UErrorCode error = U_ZERO_ERROR;
  const UNormalizer2* casefold = unorm2_getNFKCCasefoldInstance(&error);
  const UNormalizer2* decompose = unorm2_getNFDInstance(&error);
  // A word has at most kMaxWordBytes; no character grows more than 18 times in NFKC.
  constexpr std::int32_t kRoom = 18 * static_cast<std::int32_t>(kMaxWordBytes);
  UChar wide[kMaxWordBytes];
  UChar folded[kRoom];
  UChar bare[2 * kRoom];
  std::int32_t wide_length = 0;
  u_strFromUTF8WithSub(wide, std::size(wide), &wide_length, word.data(),
                       static_cast<std::int32_t>(word.size()), 0xFFFD, nullptr, &error);
  const std::int32_t folded_length =
      unorm2_normalize(casefold, wide, wide_length, folded, std::size(folded), &error);
  const std::int32_t bare_length =
      unorm2_normalize(decompose, folded, folded_length, bare, std::size(bare), &error);
  if (U_FAILURE(error)) return std::string(word);
  std::int32_t kept = 0;
  for (std::int32_t i = 0; i < bare_length; ++i) {
    // Accents lie in the basic plane; surrogates pass.
    if (u_charType(bare[i]) == U_NON_SPACING_MARK) continue;
    bare[kept++] = bare[i] == 0x2019 ? UChar{'\''} : bare[i];
  }
  std::string out(3 * static_cast<std::size_t>(kept), '\0');
  std::int32_t out_length = 0;
  u_strToUTF8WithSub(out.data(), static_cast<std::int32_t>(out.size()), &out_length, bare, kept,
                     0xFFFD, nullptr, &error);
  out.resize(static_cast<std::size_t>(std::max(out_length, 0)));
  return out;
}

// UAX #29 keeps "sources.list" and "foo_bar" whole. Between digits the full stop stays: "2.4".
bool Cuts(std::string_view text, std::size_t i, std::size_t begin, std::size_t end) {
  if (text[i] != '.' && text[i] != '_' && text[i] != ':') return false;
  const bool in_number =
      i > begin && i + 1 < end && IsDigit(text[i - 1]) && IsDigit(text[i + 1]) && text[i] != '_';
  return !in_number;
}

class Stemmer {
 public:
  Stemmer() : stemmer_(sb_stemmer_new("english", "UTF_8")) {
    KINGLET_CHECK(stemmer_ != nullptr, "libstemmer has no English");
  }

  void Append(std::string_view text, std::size_t begin, std::size_t end,
              std::vector<WordStem>& out) const {
    if (begin == end) return;
    std::string word(text.substr(begin, end - begin));
    TruncateUtf8(word, kMaxWordBytes);
    word = Fold(word);
    if (word.empty()) return;
    const bool stop_word = std::ranges::binary_search(kStopWords, std::string_view(word));
    const auto* stem =
        sb_stemmer_stem(stemmer_.get(), reinterpret_cast<const sb_symbol*>(word.data()),
                        static_cast<int>(word.size()));
    KINGLET_CHECK(stem != nullptr, "out of memory");
    const auto length = static_cast<std::size_t>(sb_stemmer_length(stemmer_.get()));
    if (length == 0) return;
    out.push_back(
        {begin, end, std::string(reinterpret_cast<const char*>(stem), length), stop_word});
  }

 private:
  std::unique_ptr<sb_stemmer, CloseStemmer> stemmer_;
};

}  // namespace

std::vector<WordStem> StemWords(std::string_view utf8) {
  std::vector<WordStem> words;
  UErrorCode error = U_ZERO_ERROR;
  const std::unique_ptr<UBreakIterator, CloseBreaks> breaks(
      ubrk_open(UBRK_WORD, "en", nullptr, 0, &error));
  UText* text =
      utext_openUTF8(nullptr, utf8.data(), static_cast<std::int64_t>(utf8.size()), &error);
  ubrk_setUText(breaks.get(), text, &error);
  KINGLET_CHECK(U_SUCCESS(error), "ICU's data has no word rules: {}", u_errorName(error));
  const Stemmer stemmer;
  std::size_t begin = 0;
  ubrk_first(breaks.get());
  for (std::int32_t next = ubrk_next(breaks.get()); next != UBRK_DONE;
       next = ubrk_next(breaks.get())) {
    const auto end = static_cast<std::size_t>(next);
    if (ubrk_getRuleStatus(breaks.get()) >= UBRK_WORD_NONE_LIMIT) {
      std::size_t piece = begin;
      for (std::size_t i = begin; i < end; ++i) {
        if (!Cuts(utf8, i, begin, end)) continue;
        stemmer.Append(utf8, piece, i, words);
        piece = i + 1;
      }
      stemmer.Append(utf8, piece, end, words);
    }
    begin = end;
  }
  utext_close(text);
  return words;
}

}  // namespace kinglet
