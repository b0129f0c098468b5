// SPDX-License-Identifier: Apache-2.0
// Documents, questions and which answer which, in the layout of BEIR (Thakur et al. 2021); and how
// well a library finds them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <string_view>
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
};

// corpus.jsonl and queries.jsonl of {"_id", "title", "text"}, qrels/test.tsv or, where there is
// none, another .tsv of qrels/, the first by name. kInvalidInput names file and line.
Result<RetrievalSuite> ReadRetrievalSuite(const std::filesystem::path& folder);
Result<RetrievalSuite> ParseRetrievalSuite(std::string_view corpus, std::string_view queries,
                                           std::string_view qrels);

// The ids of documents that a query finds, the best first, each once.
using Retrieve = std::function<Result<std::vector<std::string>>(std::string_view query)>;

struct RetrievalResult {
  std::size_t queries = 0;
  Estimate ndcg_10, recall_1, recall_10, recall_100, mrr_10;
  double ms_p50 = 0, ms_p99 = 0;  // of a search
};

Result<RetrievalResult> MeasureRetrieval(const RetrievalSuite& suite, const Retrieve& retrieve);

}  // namespace kinglet
