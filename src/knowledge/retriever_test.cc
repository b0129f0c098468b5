// SPDX-License-Identifier: Apache-2.0
// Search by words and by meaning, with an embedder whose meanings are known.
#include "knowledge/retriever.h"

#include <algorithm>

#include <gmock/gmock.h>

#include "knowledge/library_folder_for_test.h"
#include "knowledge/meaning_embedder_for_test.h"
#include "knowledge/word_rank.h"

namespace kinglet {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class RetrieverTest : public LibraryFolderTest {
 protected:
  void Put(const std::string& uri, const std::string& text) {
    DocumentBuilder builder;
    builder.SetTitle(uri);
    builder.AddParagraph(text);
    const auto put = library_.Put({.uri = uri, .media_type = "text/plain", .digest = text},
                                  std::move(builder).Finish(), 1);
    ASSERT_TRUE(put) << put.error().message();
  }
  void Embed(Embedder& embedder, std::string_view name = "meaning") {
    const auto embedded =
        EmbedLibrary(library_, embedder, name, [](std::int64_t, std::int64_t) { return true; });
    ASSERT_TRUE(embedded) << embedded.error().message();
  }
  std::vector<std::string> Search(std::string_view query, VectorSearch* vectors = nullptr) {
    std::vector<std::string> uris;
    const auto found = Retriever{library_, vectors}.Search(query, 10);
    EXPECT_TRUE(found) << found.error().message();
    for (const Passage& passage : *found) uris.push_back(passage.document);
    return uris;
  }

  Library library_ = Library::Open(folder_ / "library", LibraryMode::kWrite).value();
};

TEST_F(RetrieverTest, WordsTogetherStandAboveWordsApart) {
  std::string filler;
  for (int i = 0; i < 15; ++i) filler += " Nothing much happened there that day.";
  Put("apart", "The valve is old." + filler + " Its pressure rose.");
  Put("together", "The pressure valve is old." + filler + " It rose.");
  Put("none", "Hens lay eggs.");
  EXPECT_THAT(Search("pressure valve"), ElementsAre("together", "apart"));
}

TEST_F(RetrieverTest, RareWordsCountMore) {
  for (int i = 0; i < 9; ++i) Put("common" + std::to_string(i), "The river is long and wide.");
  Put("rare", "The otter is fast.");
  EXPECT_EQ(Search("river otter").front(), "rare");
  EXPECT_GT(WeightOf(1, 10), WeightOf(9, 10));
  EXPECT_GT(WeightOf(10, 10), 0);
}

TEST_F(RetrieverTest, ScoresByWordsMeanTheSameForEveryQuery) {
  Put("a", "The otter swims in the river.");
  Put("b", "The river is wide.");
  const auto score = [this](std::string_view query) {
    const auto words = library_.TermStatistics(query).value();
    return library_.RankByWords(words, 10).value().front().score;
  };
  // 1 for each of the three parts that has all there is, and a little more for BM25.
  EXPECT_GT(score("otter"), 1.5);
  EXPECT_GT(score("otter swims"), score("otter swans"));
  EXPECT_LT(score("otter swims in the river"), 3.5);
}

TEST_F(RetrieverTest, RareWordsChooseWhereCommonOnesWouldChooseAll) {
  // More passages than are scored.
  for (int i = 0; i < 300; ++i) {
    DocumentBuilder builder;
    for (int k = 0; k < 40; ++k) {
      builder.AddHeading(1, std::to_string(k));
      builder.AddParagraph("The river is wide and long.");
    }
    ASSERT_TRUE(library_.Put({.uri = std::to_string(i)}, std::move(builder).Finish(), 1));
  }
  Put("otter", "The otter swims in the river.");
  const auto words = library_.TermStatistics("wide river otter").value();
  EXPECT_GT(words.terms[1].chunk_count, 10'000);
  const auto ranked = library_.RankByWords(words, 10).value();
  ASSERT_THAT(ranked, SizeIs(1));
  // Scored by all its words, the common ones too.
  const auto alone = library_.RankByWords(library_.TermStatistics("wide otter").value(), 1).value();
  EXPECT_NE(ranked[0].score, alone[0].score);
  EXPECT_THAT(Search("wide river"), SizeIs(10));  // there is nothing else to choose by
}

TEST_F(RetrieverTest, FindsByMeaningWhatHasNoWordOfTheQuestion) {
  Put("road", "An automobile needs petrol. It goes on roads.");
  Put("sea", "A vessel needs wind. It goes on water.");
  Put("bird", "A hen needs corn.");
  EXPECT_THAT(Search("car"), IsEmpty());
  MeaningEmbedder embedder;
  Embed(embedder);
  VectorSearch vectors(std::make_unique<MeaningEmbedder>(), 1);
  EXPECT_EQ(Search("car", &vectors).front(), "road");
  EXPECT_EQ(Search("boat", &vectors).front(), "sea");
  const auto passages = Retriever{library_, &vectors}.Search("boat corn", 3).value();
  ASSERT_THAT(passages, SizeIs(3));
  for (const Passage& passage : passages) {
    EXPECT_TRUE(passage.vector_rank);
    EXPECT_EQ(passage.lexical_rank.has_value(), passage.document == "bird");
  }
}

TEST_F(RetrieverTest, KnowsWhatIsAddedAndWhatIsGone) {
  MeaningEmbedder embedder;
  Put("road", "An automobile needs petrol.");
  Embed(embedder);
  VectorSearch vectors(std::make_unique<MeaningEmbedder>(), 1);
  EXPECT_THAT(Search("boat", &vectors), ElementsAre("road"));
  Put("sea", "A vessel needs wind.");
  EXPECT_THAT(Search("boat", &vectors), ElementsAre("road"));  // its vector is not made yet
  EXPECT_THAT(Search("vessel", &vectors), ElementsAre("sea", "road"));
  const int before = embedder.count();
  Embed(embedder);
  EXPECT_EQ(embedder.count(), before + 2);  // the probe, and what is new
  EXPECT_THAT(Search("boat", &vectors), ElementsAre("sea", "road"));
  ASSERT_TRUE(library_.Remove("road"));
  EXPECT_THAT(Search("boat", &vectors), ElementsAre("sea"));
  Put("sea", "An automobile that swims. A vessel that drives.");
  EXPECT_THAT(Search("automobile", &vectors), ElementsAre("sea"));
  Embed(embedder);
  EXPECT_THAT(Search("car", &vectors), ElementsAre("sea"));
  EXPECT_EQ(library_.CountVectors().value(), 1);
  EXPECT_THAT(library_.Verify().value().problems, IsEmpty());
}

TEST_F(RetrieverTest, AnotherEmbedderMakesAllVectorsAnew) {
  Put("road", "An automobile needs petrol.");
  MeaningEmbedder first;
  Embed(first, "first");
  VectorSearch vectors(std::make_unique<MeaningEmbedder>(), 1);
  EXPECT_TRUE(vectors.Fits(library_).value());
  // The same by another name: nothing is lost.
  MeaningEmbedder same;
  Embed(same, "second");
  EXPECT_EQ(same.count(), 1);  // the probe
  EXPECT_EQ(library_.FindEmbedder().value()->name, "second");
  MeaningEmbedder other(3);
  Embed(other, "second");
  EXPECT_EQ(other.count(), 2);
  EXPECT_FALSE(vectors.Fits(library_).value());
  EXPECT_EQ(vectors.Search(library_, vectors.Embed("car").value(), 1).error().code(),
            StatusCode::kInvalidInput);
  VectorSearch others(std::make_unique<MeaningEmbedder>(3), 1);
  EXPECT_THAT(Search("car", &others), ElementsAre("road"));
}

// Remembers what it was asked, and turns all vectors by what goes before passages.
class PrefixedEmbedder : public MeaningEmbedder {
 public:
  explicit PrefixedEmbedder(std::vector<std::string>& asked) : asked_(asked) {}

  Result<std::vector<float>> Embed(std::span<const std::string> texts) override {
    asked_.insert(asked_.end(), texts.begin(), texts.end());
    return MeaningEmbedder::Embed(texts);
  }
  std::string_view query_prefix() const override { return "query: "; }
  std::string_view passage_prefix() const override { return "passage: "; }

 private:
  std::vector<std::string>& asked_;
};

TEST_F(RetrieverTest, PrefixesGoBeforeQueriesAndPassages) {
  Put("road", "An automobile needs petrol and oil. It goes on roads, or else not at all.");
  std::vector<std::string> asked;
  PrefixedEmbedder embedder(asked);
  Embed(embedder);
  ASSERT_THAT(asked, SizeIs(4));  // the probe, the passage, its sentences
  EXPECT_THAT(asked, Each(StartsWith("passage: ")));
  EXPECT_EQ(asked[2], "passage: An automobile needs petrol and oil.");
  asked.clear();
  VectorSearch vectors(std::make_unique<PrefixedEmbedder>(asked), 1);
  EXPECT_EQ(Search("car", &vectors).front(), "road");
  EXPECT_THAT(asked, Contains("query: car"));
}

TEST_F(RetrieverTest, StopsBetweenTransactionsAndGoesOnLater) {
  for (int i = 0; i < 40; ++i) Put("d" + std::to_string(i), "An automobile of its own.");
  MeaningEmbedder embedder;
  const auto stopped =
      EmbedLibrary(library_, embedder, "meaning", [](std::int64_t done, std::int64_t count) {
        EXPECT_EQ(count, 40);
        return done == 0;
      });
  EXPECT_EQ(stopped.error().code(), StatusCode::kCancelled);
  const std::int64_t made = library_.CountVectors().value();
  EXPECT_GT(made, 0);
  EXPECT_EQ(library_.CountChunksWithoutVectors().value(), 40 - made);
  Embed(embedder);
  EXPECT_EQ(library_.CountVectors().value(), 40);
  EXPECT_EQ(library_.CountChunksWithoutVectors().value(), 0);
}

}  // namespace
}  // namespace kinglet
