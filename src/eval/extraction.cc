// SPDX-License-Identifier: Apache-2.0
// Words are runs of letters, digits and underscores, as Python's \w+ has them.
#include "eval/extraction.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include <unicode/uchar.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "base/utf8.h"
#include "net/gzip.h"

namespace kinglet {
namespace {

constexpr std::size_t kRun = 4;
constexpr std::size_t kMaxFileBytes = std::size_t{256} << 20;

bool IsWordCharacter(char32_t c) {
  const std::uint32_t letters_and_numbers = U_GC_L_MASK | U_GC_N_MASK;
  return c == U'_' || (U_GET_GC_MASK(static_cast<UChar32>(c)) & letters_and_numbers) != 0;
}

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t begin = 0;  // of the word that `at` is in, or at
  for (std::size_t at = 0; at <= text.size();) {
    const bool is_end = at == text.size();
    const Utf8Character character =
        is_end ? Utf8Character{U' ', 1, Utf8State::kValid} : DecodeUtf8(text.substr(at));
    const std::size_t next = at + character.size_bytes;
    if (!IsWordCharacter(character.code_point)) {
      if (at > begin) words.push_back(text.substr(begin, at - begin));
      begin = next;
    }
    at = next;
  }
  return words;
}

std::map<std::vector<std::string_view>, double> Runs(std::string_view text) {
  const std::vector<std::string_view> words = Words(text);
  std::map<std::vector<std::string_view>, double> runs;
  for (std::size_t i = 0; i + kRun <= std::max(words.size(), kRun); ++i) {
    const std::size_t end = std::min(i + kRun, words.size());
    std::vector<std::string_view> run(words.begin() + static_cast<std::ptrdiff_t>(i),
                                      words.begin() + static_cast<std::ptrdiff_t>(end));
    if (!run.empty()) runs[std::move(run)] += 1;
  }
  return runs;
}

// The share of `part` in it and `rest`; 1 where both texts are the same, if only for being empty.
double Share(double part, double rest, const Overlap& overlap) {
  if (overlap.extra == 0 && overlap.missed == 0) return 1;
  return part + rest == 0 ? 0 : part / (part + rest);
}

double F1Of(const Overlap& overlap) {
  const double all = 2 * overlap.common + overlap.extra + overlap.missed;
  return all == 0 ? 1 : 2 * overlap.common / all;  // nothing to keep, and nothing kept
}

}  // namespace

Result<std::string> ReadPage(const std::filesystem::path& path) {
  const auto html = Gunzip(TRY(ReadFile(path, kMaxFileBytes)), kMaxFileBytes);
  if (!html) return Error(StatusCode::kInvalidInput, "{}: no sound gzip file", path.string());
  return *html;
}

Overlap CompareTexts(std::string_view article, std::string_view kept) {
  const auto of_article = Runs(article);
  auto of_kept = Runs(kept);
  Overlap overlap;
  for (const auto& [run, count] : of_article) {
    const auto found = of_kept.find(run);
    const double kept_count = found == of_kept.end() ? 0 : found->second;
    overlap.common += std::min(count, kept_count);
    overlap.missed += std::max(0.0, count - kept_count);
    overlap.extra += std::max(0.0, kept_count - count);
    if (found != of_kept.end()) of_kept.erase(found);
  }
  for (const auto& [run, count] : of_kept) overlap.extra += count;
  const double all = overlap.common + overlap.missed + overlap.extra;
  if (all == 0) return overlap;
  return {overlap.common / all, overlap.extra / all, overlap.missed / all};
}

Result<ExtractionResult> MeasureExtraction(const std::filesystem::path& folder,
                                           const ExtractPage& extract) {
  const std::filesystem::path file = folder / "ground-truth.json";
  const std::string text = TRY(ReadFile(file, kMaxFileBytes));
  const json::value truth = TRY(ParseJson(text));
  if (!truth.is_object() || truth.get_object().empty()) {
    return Error(StatusCode::kInvalidInput, "{}: no pages", file.string());
  }
  Sha256 digest;
  digest.Update(Sha256::HexOf(text));
  ExtractionResult result;
  double precisions = 0, recalls = 0, with_kept = 0, with_article = 0;
  for (const auto& page : truth.get_object()) {
    const json::value* const article = Find(page.value(), "articleBody");
    if (article == nullptr || !article->is_string()) {
      return Error(StatusCode::kInvalidInput, "{}: a page without \"articleBody\"", file.string());
    }
    const std::string name = std::string(page.key()) + ".html.gz";
    const std::string html = TRY(ReadPage(folder / "html" / name));
    digest.Update(Sha256::HexOf(html));
    const Overlap overlap = CompareTexts(article->get_string(), TRY(extract(html)));
    result.pages.push_back({page.key(), F1Of(overlap)});
    if (overlap.common + overlap.extra > 0) {
      ++with_kept;
      precisions += Share(overlap.common, overlap.extra, overlap);
    }
    if (overlap.common + overlap.missed > 0) {
      ++with_article;
      recalls += Share(overlap.common, overlap.missed, overlap);
    }
  }
  result.digest = digest.Hex();
  result.precision = with_kept > 0 ? precisions / with_kept : 0;
  result.recall = with_article > 0 ? recalls / with_article : 0;
  const double sum = result.precision + result.recall;
  result.f1 = sum > 0 ? 2 * result.precision * result.recall / sum : 0;
  return result;
}

}  // namespace kinglet
