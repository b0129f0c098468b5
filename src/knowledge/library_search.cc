// SPDX-License-Identifier: Apache-2.0
// Full-text search: stems of the query, joined by OR, ranked by BM25 over title, heading and text.
#include <algorithm>

#include "knowledge/cleaner.h"
#include "knowledge/fold_duplicates.h"
#include "knowledge/library.h"
#include "knowledge/library_state.h"
#include "knowledge/word_stems.h"

namespace kinglet {
namespace {

// How much a word counts in each column of chunk_index, tuned on questions about a manual: a
// heading names what its chunks are about, but a long path of headings must not outweigh the text.
constexpr double kTitleWeight = 0.5;
constexpr double kHeadingWeight = 1.0;
constexpr double kTextWeight = 1.0;

// Beyond what is wanted, since some may be copies; and how many times as many as are wanted are
// looked through at most.
constexpr std::size_t kMoreForCopies = 10;
constexpr std::size_t kMaxDepth = 32;

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

// A string of FTS5's query language: nothing between the quotes is syntax.
std::string MatchExpression(const std::vector<std::string>& stems) {
  std::string expression;
  for (const std::string& stem : stems) {
    if (!expression.empty()) expression += " OR ";
    expression += '"';
    for (const char c : stem) {
      if (c == '"') expression += '"';
      expression += c;
    }
    expression += '"';
  }
  return expression;
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

Result<std::vector<Passage>> Rank(Database& database, const std::vector<std::string>& stems,
                                  int limit) {
  std::vector<Passage> passages;
  Statement row = TRY(database.Prepare(
      "WITH best AS MATERIALIZED (SELECT rowid, bm25(chunk_index, ?3, ?4, ?5) AS cost "
      "FROM chunk_index WHERE chunk_index MATCH ?1 ORDER BY cost, rowid LIMIT ?2) "
      "SELECT chunks.id, uri, title, heading, start_byte, end_byte, chunks.text, cost, document_id "
      "FROM best JOIN chunks ON chunks.id = best.rowid "
      "JOIN documents ON documents.id = document_id ORDER BY cost, chunks.id"));
  row.Bind(1, MatchExpression(stems)).Bind(2, std::int64_t{limit});
  row.Bind(3, kTitleWeight).Bind(4, kHeadingWeight).Bind(5, kTextWeight);
  Statement pages = TRY(database.Prepare(
      "SELECT page, start_byte FROM pages WHERE document_id = ?1 AND start_byte < ?2 "
      "ORDER BY page"));
  while (TRY(row.Step())) {
    Passage passage;
    passage.chunk_id = row.Int(0);
    passage.document = row.Text(1);
    passage.title = row.Text(2);
    passage.heading = row.Text(3);
    passage.start_byte = row.Int(4);
    passage.end_byte = row.Int(5);
    passage.text = row.Text(6);
    passage.score = -row.Double(7);  // FTS5's bm25 is the better the lower
    TRY(FindPages(pages, row.Int(8), passage));
    passage.lexical_rank = static_cast<int>(passages.size()) + 1;
    passages.push_back(std::move(passage));
  }
  return passages;
}

}  // namespace

Result<std::vector<Passage>> Library::Search(std::string_view query, int limit) {
  std::vector<Passage> passages;
  const std::vector<std::string> stems = QueryStems(query, state_->limits);
  if (stems.empty() || limit <= 0) return passages;
  // Copies rank beside each other, and may fill any list.
  const auto wanted = static_cast<std::size_t>(limit);
  for (std::size_t depth = wanted + kMoreForCopies; depth <= kMaxDepth * (wanted + kMoreForCopies);
       depth *= 2) {
    std::vector<Passage> ranked = TRY(Rank(state_->database, stems, static_cast<int>(depth)));
    const bool are_all = ranked.size() < depth;
    passages = FoldDuplicates(std::move(ranked));
    if (are_all || passages.size() >= wanted) break;
  }
  passages.resize(std::min(passages.size(), wanted));
  TRY(AddCopies(state_->database, passages));
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
