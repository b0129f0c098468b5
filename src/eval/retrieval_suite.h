// SPDX-License-Identifier: Apache-2.0
// Documents, questions and which answer which, in the layout of BEIR (Thakur et al. 2021); and how
// well a library finds them.
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "eval/retrieval_metrics.h"

namespace kinglet {

struct RetrievalDocument {
  std::string id;
  std::string title;
  std::string text;
};

struct RetrievalQuery {
  std::string id;
  std::string text;
  std::map<std::string, double, std::less<>> relevant;  // documents, and their gains above 0
};

struct RetrievalSuite {
  std::vector<RetrievalDocument> documents;
  std::vector<RetrievalQuery> queries;  // that have something relevant
  std::string digest;                   // SHA-256 of all three files
};

// corpus.jsonl and queries.jsonl of {"_id", "title", "text"}, qrels/test.tsv or, where there is
// none, another .tsv of qrels/, the first by name. kInvalidInput names file and line.
Result<RetrievalSuite> ReadRetrievalSuite(const std::filesystem::path& folder);
Result<RetrievalSuite> ParseRetrievalSuite(std::string_view corpus, std::string_view queries,
                                           std::string_view qrels);

// The ids of documents that a query finds, the best first, each once.
using Retrieve = std::function<Result<std::vector<std::string>>(std::string_view query)>;

// Of one query.
struct RetrievalScores {
  double ndcg_10 = 0, recall_1 = 0, recall_10 = 0, recall_100 = 0, mrr_10 = 0;
};
using RetrievalMetric = double RetrievalScores::*;
inline constexpr std::array<std::pair<const char*, RetrievalMetric>, 5> kRetrievalMetrics = {
    {{"ndcg_10", &RetrievalScores::ndcg_10},
     {"recall_1", &RetrievalScores::recall_1},
     {"recall_10", &RetrievalScores::recall_10},
     {"recall_100", &RetrievalScores::recall_100},
     {"mrr_10", &RetrievalScores::mrr_10}}};

struct RetrievalResult {
  std::vector<RetrievalScores> scores;  // by query
  double ms_p50 = 0, ms_p99 = 0;        // of a search

  Estimate Mean(RetrievalMetric metric) const;
};

Result<RetrievalResult> MeasureRetrieval(const RetrievalSuite& suite, const Retrieve& retrieve);

}  // namespace kinglet
