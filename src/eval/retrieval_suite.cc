// SPDX-License-Identifier: Apache-2.0
// Lines become the suite; what each query finds becomes gains.
#include "eval/retrieval_suite.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "base/json_lines.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{4} << 30;
constexpr std::uint64_t kSeed = 1;  // of the intervals

Result<std::string> TextOf(const json::value& line, std::string_view name, bool must_be) {
  const json::value* const value = Find(line, name);
  if (value != nullptr && value->is_string()) return std::string(value->get_string());
  if (value == nullptr && !must_be) return std::string();
  return Error(StatusCode::kInvalidInput, "{:?} must be a string", name);
}

std::string_view NextField(std::string_view& line) {
  const std::size_t end = std::min(line.find('\t'), line.size());
  const std::string_view field = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return field;
}

struct Judgement {
  std::string_view query, document;
  double gain = 0;
};

// "query TAB document TAB gain"; nothing where the gain is no number, as in the first line.
std::optional<Judgement> ReadJudgement(std::string_view line) {
  Judgement judgement;
  judgement.query = NextField(line);
  judgement.document = NextField(line);
  while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
  const auto read = std::from_chars(line.data(), line.data() + line.size(), judgement.gain);
  if (read.ec != std::errc() || read.ptr != line.data() + line.size()) return std::nullopt;
  return judgement;
}

Result<std::filesystem::path> FindQrels(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "qrels", error)) {
    if (entry.path().filename() == "test.tsv") return entry.path();
    if (entry.path().extension() == ".tsv") files.push_back(entry.path());
  }
  if (files.empty()) {
    return Error(StatusCode::kNotFound, "{}: no .tsv of judgements", (folder / "qrels").string());
  }
  return *std::ranges::min_element(files);
}

}  // namespace

Result<RetrievalSuite> ParseRetrievalSuite(std::string_view corpus, std::string_view queries,
                                           std::string_view qrels) {
  RetrievalSuite suite;
  Sha256 digest;
  for (const std::string_view file : {corpus, queries, qrels}) {
    digest.Update(Sha256::HexOf(file));
  }
  suite.digest = digest.Hex();
  const auto documents = ForEachJsonLine(corpus, {}, [&](const json::value& line) -> Result<void> {
    suite.documents.push_back({TRY(TextOf(line, "_id", true)), TRY(TextOf(line, "title", false)),
                               TRY(TextOf(line, "text", true))});
    return {};
  });
  if (!documents) return std::unexpected(documents.error().WithContext("corpus.jsonl"));
  std::map<std::string, std::map<std::string, double, std::less<>>, std::less<>> relevant;
  std::size_t number = 0;
  while (!qrels.empty()) {
    const std::size_t end = std::min(qrels.find('\n'), qrels.size());
    const std::string_view line = qrels.substr(0, end);
    qrels.remove_prefix(std::min(end + 1, qrels.size()));
    ++number;
    const auto judgement = ReadJudgement(line);
    if (!judgement && number > 1 && !line.empty()) {
      return Error(StatusCode::kInvalidInput,
                   "qrels: line {}: not a query, a document and a number, with tabs between",
                   number);
    }
    if (!judgement || judgement->gain <= 0) continue;
    relevant[std::string(judgement->query)][std::string(judgement->document)] = judgement->gain;
  }
  const auto asked = ForEachJsonLine(queries, {}, [&](const json::value& line) -> Result<void> {
    RetrievalQuery query{TRY(TextOf(line, "_id", true)), TRY(TextOf(line, "text", true)), {}};
    const auto found = relevant.find(query.id);
    if (found == relevant.end()) return {};
    query.relevant = std::move(found->second);
    suite.queries.push_back(std::move(query));
    return {};
  });
  if (!asked) return std::unexpected(asked.error().WithContext("queries.jsonl"));
  if (suite.queries.empty()) {
    return Error(StatusCode::kInvalidInput, "no query has a judgement that is above 0");
  }
  return suite;
}

Result<RetrievalSuite> ReadRetrievalSuite(const std::filesystem::path& folder) {
  const std::string corpus = TRY(ReadFile(folder / "corpus.jsonl", kMaxFileBytes));
  const std::string queries = TRY(ReadFile(folder / "queries.jsonl", kMaxFileBytes));
  const std::string qrels = TRY(ReadFile(TRY(FindQrels(folder)), kMaxFileBytes));
  return ParseRetrievalSuite(corpus, queries, qrels);
}

Estimate RetrievalResult::Mean(RetrievalMetric metric) const {
  std::vector<double> values;
  for (const RetrievalScores& one : scores) values.push_back(one.*metric);
  return EstimateMean(values, kSeed);
}

Result<RetrievalResult> MeasureRetrieval(const RetrievalSuite& suite, const Retrieve& retrieve) {
  RetrievalResult result;
  std::vector<double> ms;
  for (const RetrievalQuery& query : suite.queries) {
    const double start_ms = MonotonicMs();
    const std::vector<std::string> found = TRY(retrieve(query.text));
    ms.push_back(MonotonicMs() - start_ms);
    std::vector<double> gains, relevant;
    for (const std::string& id : found) {
      const auto gain = query.relevant.find(id);
      gains.push_back(gain == query.relevant.end() ? 0 : gain->second);
    }
    for (const auto& [id, gain] : query.relevant) relevant.push_back(gain);
    result.scores.push_back({.ndcg_10 = Ndcg(gains, relevant, 10),
                             .recall_1 = Recall(gains, relevant.size(), 1),
                             .recall_10 = Recall(gains, relevant.size(), 10),
                             .recall_100 = Recall(gains, relevant.size(), 100),
                             .mrr_10 = ReciprocalRank(gains, 10)});
  }
  std::ranges::sort(ms);
  result.ms_p50 = ms[ms.size() / 2];
  result.ms_p99 = ms[ms.size() * 99 / 100];
  return result;
}

}  // namespace kinglet
