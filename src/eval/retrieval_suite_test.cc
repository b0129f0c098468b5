// SPDX-License-Identifier: Apache-2.0
// A suite as BEIR writes it, and rankings of it.
#include "eval/retrieval_suite.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

constexpr std::string_view kCorpus =
    "{\"_id\": \"a\", \"title\": \"Hens\", \"text\": \"Hens lay.\"}\n"
    "{\"_id\": \"b\", \"text\": \"Geese hiss.\", \"metadata\": {}}\n";
constexpr std::string_view kQueries =
    "{\"_id\": \"1\", \"text\": \"who lays\"}\n{\"_id\": \"2\", \"text\": \"who hisses\"}\n"
    "{\"_id\": \"3\", \"text\": \"nobody judged\"}\n";
constexpr std::string_view kQrels =
    "query-id\tcorpus-id\tscore\n1\ta\t2\n1\tb\t1\r\n2\tb\t1\n2\ta\t0\n";

TEST(RetrievalSuite, ReadsTheLayoutOfBeir) {
  const RetrievalSuite suite = ParseRetrievalSuite(kCorpus, kQueries, kQrels).value();
  ASSERT_EQ(suite.documents.size(), 2U);
  EXPECT_EQ(suite.documents[0].title, "Hens");
  EXPECT_EQ(suite.documents[1].title, "");
  ASSERT_EQ(suite.queries.size(), 2U);
  EXPECT_EQ(suite.queries[0].relevant.size(), 2U);
  EXPECT_EQ(suite.queries[0].relevant.at("a"), 2);
  EXPECT_EQ(suite.queries[1].relevant.size(), 1U);
  EXPECT_NE(ParseRetrievalSuite(kCorpus, kQueries, "1\ta\t1\n")->digest, suite.digest);
}

TEST(RetrievalSuite, NamesTheLineThatIsWrong) {
  const auto message = [](std::string_view corpus, std::string_view qrels) {
    const auto suite = ParseRetrievalSuite(corpus, kQueries, qrels);
    return suite ? std::string() : suite.error().message();
  };
  EXPECT_NE(message("{\"_id\": 1, \"text\": \"a\"}", kQrels).find("corpus.jsonl: line 1"),
            std::string::npos);
  EXPECT_NE(message(kCorpus, "1\ta\t1\n1 a 1\n").find("line 2"), std::string::npos);
  EXPECT_NE(message(kCorpus, "1\ta\t0\n").find("no query"), std::string::npos);
  EXPECT_EQ(message(kCorpus, "1\ta\t1\n"), "");
}

TEST(RetrievalSuite, JudgesWhatIsFound) {
  const RetrievalSuite suite = ParseRetrievalSuite(kCorpus, kQueries, kQrels).value();
  const auto result = MeasureRetrieval(
      suite, [](std::string_view) { return std::vector<std::string>{"a", "x", "b"}; });
  ASSERT_TRUE(result);
  ASSERT_EQ(result->scores.size(), 2U);
  EXPECT_DOUBLE_EQ(result->scores[0].recall_1, 0.5);
  EXPECT_DOUBLE_EQ(result->scores[1].recall_1, 0);
  EXPECT_DOUBLE_EQ(result->Mean(&RetrievalScores::recall_10).mean, 1);
  EXPECT_DOUBLE_EQ(result->Mean(&RetrievalScores::recall_1).mean, 0.25);
  EXPECT_DOUBLE_EQ(result->Mean(&RetrievalScores::mrr_10).mean, (1 + 1.0 / 3) / 2);
  EXPECT_FALSE(MeasureRetrieval(suite, [](std::string_view) -> Result<std::vector<std::string>> {
    return Error(StatusCode::kFailed, "no");
  }));
}

}  // namespace
}  // namespace kinglet
