// SPDX-License-Identifier: Apache-2.0
#include "router/classifier.h"

#include <numeric>

#include <gtest/gtest.h>

#include "router/hash_embedder_for_test.h"

namespace kinglet {
namespace {

// Of birds, of bills and of neither.
TrainingSet SomeTexts() {
  TrainingSet set{.labels = {"birds", "bills"}};
  const char* const patterns[] = {"where is the {}", "tell me of a {}", "I saw one {} more",
                                  "what about {}s", "another {} today"};
  const char* const words[2][4] = {{"kestrel", "swift", "falcon", "rook"},
                                   {"invoice", "receipt", "payment", "refund"}};
  for (int label = 0; label < 2; ++label) {
    for (const char* word : words[label]) {
      for (const char* pattern : patterns) {
        set.texts.push_back({fmt::format(fmt::runtime(pattern), word), label});
      }
    }
  }
  for (const char* text :
       {"sing a song", "how tall is the moon", "good morning", "what time is it"}) {
    set.texts.push_back({text, kNoLabel});
  }
  return set;
}

Classifier Train(const TrainingSet& set, Embedder* embedder, int threads = 2) {
  ThreadPool pool(threads);
  auto classifier = Classifier::Train(set, embedder, pool);
  EXPECT_TRUE(classifier) << classifier.error().message();
  return *std::move(classifier);
}

TEST(Classifier, TellsLabelsApartByWordsAndWithAnEmbedder) {
  HashEmbedder embedder;
  for (Embedder* const with :
       {static_cast<Embedder*>(nullptr), static_cast<Embedder*>(&embedder)}) {
    const Classifier classifier = Train(SomeTexts(), with);
    EXPECT_EQ(classifier.width(), with == nullptr ? 0U : embedder.width());
    const auto bird = classifier.Classify("do you know a falcon or a rook", with);
    const auto bill = classifier.Classify("send me the invoice and the receipts", with);
    ASSERT_TRUE(bird && bill);
    EXPECT_EQ(bird->best, 0U);
    EXPECT_EQ(bill->best, 1U);
    EXPECT_GT(bill->confidence(), 0.5);
    EXPECT_LE(bill->confidence(), 1);
    EXPECT_NEAR(std::accumulate(bill->probabilities.begin(), bill->probabilities.end(), 0.0), 1,
                1e-9);
    EXPECT_FALSE(bill->out_of_scope);
  }
}

TEST(Classifier, TellsWhatIsOutOfScope) {
  TrainingSet set = SomeTexts();
  const Classifier classifier = Train(set, nullptr);
  const auto none = classifier.Classify("sing me a song in the morning", nullptr);
  const auto bird = classifier.Classify("where is the kestrel", nullptr);
  ASSERT_TRUE(none && bird);
  EXPECT_TRUE(none->out_of_scope);
  EXPECT_LT(none->scope_score, bird->scope_score);
  set.rejection = 0;
  EXPECT_FALSE(Train(set, nullptr).Classify("sing me a song", nullptr)->out_of_scope);
}

TEST(Classifier, IsTheSameOnEachNumberOfThreads) {
  HashEmbedder embedder;
  const TrainingSet set = SomeTexts();
  EXPECT_EQ(Train(set, &embedder, 1).Serialize(), Train(set, &embedder, 3).Serialize());
}

TEST(Classifier, IsSureWithinReasonOfAFew) {
  TrainingSet set{.labels = {"a", "b"}};
  for (int i = 0; i < 5; ++i) {
    set.texts.push_back({fmt::format("alpha {}", i), 0});
    set.texts.push_back({fmt::format("beta {}", i), 1});
  }
  const auto result = Train(set, nullptr).Classify("alpha alpha", nullptr);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->best, 0U);
  EXPECT_LT(result->confidence(), 0.999);
}

TEST(Classifier, EvidenceAddsUpToTheMargin) {
  HashEmbedder embedder;
  const Classifier classifier = Train(SomeTexts(), &embedder);
  const std::string text = "where is the invoice of the swift";
  const auto birds = classifier.Explain(text, 0, &embedder);
  const auto bills = classifier.Explain(text, 1, &embedder);
  ASSERT_TRUE(birds && bills);
  const auto sum = [](const Evidence& one) { return one.by_words + one.by_meaning + one.constant; };
  EXPECT_NEAR(sum(*birds) + sum(*bills), 0, 1e-6);  // against the mean of both
  ASSERT_EQ(bills->words.size(), 7U);
  EXPECT_EQ(bills->words[3].word, "invoice");
  EXPECT_GT(bills->words[3].weight, bills->words[6].weight);
  double words = 0;
  for (const Evidence::Word& word : bills->words) words += word.weight;
  EXPECT_NEAR(words, bills->by_words, 1e-9);
  const auto probabilities = classifier.Classify(text, &embedder)->probabilities;
  EXPECT_EQ(sum(*bills) > sum(*birds), probabilities[1] > probabilities[0]);
}

TEST(Classifier, IsReadBackAsItWas) {
  HashEmbedder embedder;
  const TrainingSet set = SomeTexts();
  const Classifier classifier = Train(set, &embedder);
  const std::string bytes = classifier.Serialize();
  const auto read = Classifier::Parse(bytes);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(read->digest(), set.Digest());
  EXPECT_EQ(read->labels(), set.labels);
  const std::string text = "a refund for the kestrel";
  EXPECT_EQ(read->Classify(text, &embedder)->probabilities,
            classifier.Classify(text, &embedder)->probabilities);
  EXPECT_EQ(read->Serialize(), bytes);
}

TEST(Classifier, RefusesBytesThatHaveChanged) {
  const std::string bytes = Train(SomeTexts(), nullptr).Serialize();
  EXPECT_FALSE(Classifier::Parse(""));
  EXPECT_FALSE(Classifier::Parse(bytes.substr(0, bytes.size() - 1)));
  EXPECT_FALSE(Classifier::Parse(bytes + "x"));
  std::string changed = bytes;
  changed[bytes.size() / 2] ^= 1;
  EXPECT_FALSE(Classifier::Parse(changed));
  std::string later = bytes;
  later.replace(later.find("\"version\":1"), 11, "\"version\":2");
  EXPECT_FALSE(Classifier::Parse(later));
}

TEST(Classifier, KnowsItsEmbedder) {
  HashEmbedder embedder, other(2);
  const Classifier by_meaning = Train(SomeTexts(), &embedder);
  const Classifier by_words = Train(SomeTexts(), nullptr);
  EXPECT_TRUE(*by_meaning.Fits(&embedder));
  EXPECT_FALSE(*by_meaning.Fits(&other));
  EXPECT_FALSE(*by_meaning.Fits(nullptr));
  EXPECT_TRUE(*by_words.Fits(nullptr));
  EXPECT_FALSE(*by_words.Fits(&embedder));
}

TEST(Classifier, RefusesTooFewLabelsAndTexts) {
  ThreadPool pool(1);
  TrainingSet one{.labels = {"a"}, .texts = {{"x", 0}, {"y", 0}}};
  EXPECT_FALSE(Classifier::Train(one, nullptr, pool));
  TrainingSet few{.labels = {"a", "b"}, .texts = {{"x", 0}, {"y", 0}, {"z", 1}}};
  EXPECT_FALSE(Classifier::Train(few, nullptr, pool));
}

TEST(TrainingSet, DigestTellsEachPart) {
  const TrainingSet set = SomeTexts();
  TrainingSet changed = set;
  changed.seed = 2;
  EXPECT_NE(changed.Digest(), set.Digest());
  changed = set;
  changed.rejection = 0.1;
  EXPECT_NE(changed.Digest(), set.Digest());
  changed = set;
  changed.labels[0] = "fowl";
  EXPECT_NE(changed.Digest(), set.Digest());
  changed = set;
  changed.texts[0].label = 1;
  EXPECT_NE(changed.Digest(), set.Digest());
  EXPECT_EQ(set.Digest(), SomeTexts().Digest());
}

}  // namespace
}  // namespace kinglet
