// SPDX-License-Identifier: Apache-2.0
// Search by words: stems of the query, joined by OR, ranked by word_rank.h.
#include <algorithm>

#include "knowledge/cleaner.h"
#include "knowledge/library.h"
#include "knowledge/library_state.h"
#include "knowledge/word_rank.h"
#include "knowledge/word_stems.h"

namespace kinglet {
namespace {

constexpr std::int64_t kMostRows = 10'000;  // that a query scores, as long as there is a choice

// Stems of the query, each once, in order; without stop words unless it has nothing else.
std::vector<std::string> QueryStems(std::string_view query, const LibraryLimits& limits) {
  std::string cut(query);
  TruncateUtf8(cut, limits.query_bytes);
  const std::vector<WordStem> words = StemWords(cut);
  const bool only_stop_words = std::ranges::all_of(words, &WordStem::stop_word);
  std::vector<std::string> stems;
  for (const WordStem& word : words) {
    if (stems.size() == limits.query_terms) break;
    if (word.stop_word && !only_stop_words) continue;
    if (std::ranges::find(stems, word.stem) == stems.end()) stems.push_back(word.stem);
  }
  return stems;
}

// Of FTS5's query language: nothing between the quotes is syntax.
void AddPhrase(std::string_view stem, std::string& expression) {
  if (!expression.empty()) expression += " OR ";
  expression += '"';
  for (const char c : stem) {
    if (c == '"') expression += '"';
    expression += c;
  }
  expression += '"';
}

std::string AnyOf(const QueryStatistics& query) {
  std::string expression;
  for (const TermStatistic& term : query.terms) AddPhrase(term.stem, expression);
  return expression;
}

// Words that choose which passages are scored: the rarest, as many as choose no more than
// kMostRows, and at least one. Passages with none of these, but with several that are common, are
// what is given up.
std::vector<TermStatistic> ChoosingTerms(const QueryStatistics& query) {
  std::vector<TermStatistic> terms = query.terms;
  std::ranges::sort(terms, {}, &TermStatistic::chunk_count);
  std::int64_t rows = 0;
  const auto too_many = std::ranges::find_if(terms, [&rows](const TermStatistic& term) {
    const bool is_first = rows == 0;
    rows += term.chunk_count;
    return !is_first && rows > kMostRows;
  });
  terms.erase(too_many, terms.end());
  return terms;
}

WordWeights WeightsOf(const QueryStatistics& query) {
  WordWeights weights;
  for (const TermStatistic& term : query.terms) {
    weights.weights.push_back(WeightOf(term.chunk_count, query.total_chunks));
    weights.total += weights.weights.back();
  }
  return weights;
}

// The page on which the passage begins, and those that begin within it.
Result<void> FindPages(Statement& row, std::int64_t document_id, Passage& passage) {
  row.Reset();
  row.Bind(1, document_id).Bind(2, passage.end_byte);
  while (TRY(row.Step())) {
    if (row.Int(1) > passage.start_byte) {
      passage.page_breaks.push_back(row.Int(1));
    } else {
      passage.page = static_cast<int>(row.Int(0));
    }
  }
  return {};
}

}  // namespace

Result<std::vector<ScoredChunk>> Library::RankByWords(const QueryStatistics& query, int limit) {
  std::vector<ScoredChunk> ranked;
  if (query.terms.empty() || limit <= 0) return ranked;
  WordWeights weights = WeightsOf(query);
  std::string expression = AnyOf(query);
  const std::vector<TermStatistic> choosing = ChoosingTerms(query);
  if (choosing.size() < query.terms.size()) {
    std::string any_of_them;
    for (const TermStatistic& term : choosing) AddPhrase(term.stem, any_of_them);
    expression = fmt::format("({}) AND ({})", any_of_them, expression);
    weights.first_phrase = static_cast<int>(choosing.size());
  }
  Statement row = TRY(state_->database.Prepare(
      "SELECT rowid, kinglet_rank(chunk_index, ?2) AS score FROM chunk_index "
      "WHERE chunk_index MATCH ?1 ORDER BY score DESC, rowid LIMIT ?3"));
  row.Bind(1, expression).BindPointer(2, &weights, kWordWeightsType);
  row.Bind(3, std::int64_t{limit});
  while (TRY(row.Step())) ranked.push_back({row.Int(0), row.Double(1)});
  return ranked;
}

Result<std::vector<Passage>> Library::ReadPassages(std::span<const std::int64_t> chunk_ids) {
  std::vector<Passage> passages;
  Statement row = TRY(state_->database.Prepare(
      "SELECT uri, title, heading, start_byte, end_byte, chunks.text, document_id FROM chunks "
      "JOIN documents ON documents.id = document_id WHERE chunks.id = ?1"));
  Statement pages = TRY(state_->database.Prepare(
      "SELECT page, start_byte FROM pages WHERE document_id = ?1 AND start_byte < ?2 "
      "ORDER BY page"));
  Statement lines = TRY(state_->database.Prepare(kLinesUntil));
  for (const std::int64_t id : chunk_ids) {
    row.Reset();
    if (!TRY(row.Bind(1, id).Step())) continue;
    Passage passage;
    passage.chunk_id = id;
    passage.document = row.Text(0);
    passage.title = row.Text(1);
    passage.heading = row.Text(2);
    passage.start_byte = row.Int(3);
    passage.end_byte = row.Int(4);
    passage.text = row.Text(5);
    TRY(FindPages(pages, row.Int(6), passage));
    lines.Reset();
    lines.Bind(1, row.Int(6)).Bind(2, passage.start_byte).Bind(3, passage.end_byte);
    while (TRY(lines.Step())) passage.lines.push_back(ReadLineMark(lines));
    passages.push_back(std::move(passage));
  }
  return passages;
}

Result<QueryStatistics> Library::TermStatistics(std::string_view query) {
  QueryStatistics statistics;
  Database& database = state_->database;
  TRY(
      database.Execute("CREATE VIRTUAL TABLE IF NOT EXISTS temp.chunk_terms USING "
                       "fts5vocab('main', 'chunk_index', 'row')"));
  Statement count = TRY(database.Prepare("SELECT doc FROM temp.chunk_terms WHERE term = ?1"));
  for (std::string& stem : QueryStems(query, state_->limits)) {
    const bool known = TRY(count.Bind(1, stem).Step());
    statistics.terms.push_back({std::move(stem), known ? count.Int(0) : 0});
    count.Reset();
  }
  Statement total = TRY(database.Prepare("SELECT count(*) FROM chunks"));
  (void)TRY(total.Step());
  statistics.total_chunks = total.Int(0);
  return statistics;
}

}  // namespace kinglet
