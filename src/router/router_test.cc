// SPDX-License-Identifier: Apache-2.0
#include "router/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "router/hash_embedder_for_test.h"

namespace kinglet {
namespace {

using testing::HasSubstr;

constexpr std::string_view kFile = R"(default = "talk"
embedder = "hash"

[out_of_scope]
rejection = 0.1
examples = ["how tall is the moon", "good morning", "sing me a song", "what time is it"]

[[endpoint]]
name = "big"
url = "https://example.com/v1"

[[intent]]
name = "bills"
mode = "extract"
schema = "bill.json"
examples = ["where is my invoice", "you charged my card twice", "send me the invoice",
            "how do I pay the invoice", "refund my invoice", "charged for what"]

[[intent]]
name = "law"
mode = "hand_over"
endpoint = "big"
examples = ["is this clause of the contract binding", "the contract says I sue", "a contract",
            "my lawyer has a contract", "what does the contract say", "sue for the contract"]

[[intent]]
name = "talk"
mode = "chat"
)";

class RouterTest : public testing::Test {
 protected:
  RouterTest()
      : folder_(std::filesystem::absolute(testing::TempDir()) / "router" /
                testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    Write("intents.toml", kFile);
    Write("bill.json", "{}");
  }
  ~RouterTest() override { std::filesystem::remove_all(folder_); }

  void Write(const char* name, std::string_view text) {
    ASSERT_TRUE(WriteFileAtomic(folder_ / name, text));
  }
  void WriteChanged(std::string_view from, std::string_view to) {
    std::string text(kFile);
    text.replace(text.find(from), from.size(), to);
    Write("intents.toml", text);
  }
  static EmbedderOpener OpenHash(std::uint64_t seed) {
    return [seed](const std::string&) -> Result<std::unique_ptr<Embedder>> {
      return std::make_unique<HashEmbedder>(seed);
    };
  }
  Result<TrainingSet> Train() {
    ThreadPool pool(1);
    return TrainRouter(folder_ / "intents.toml", folder_ / "trained", OpenHash(1), pool);
  }
  Result<std::unique_ptr<Router>> Open(std::uint64_t seed = 1) {
    return Router::Open(folder_ / "intents.toml", folder_ / "trained", OpenHash(seed));
  }
  std::string OpenError(std::uint64_t seed = 1) {
    const auto router = Open(seed);
    return router ? "" : router.error().message();
  }

  const std::filesystem::path folder_;
};

TEST_F(RouterTest, SaysTheIntentAndWhatItUses) {
  ASSERT_TRUE(Train());
  const auto router = Open();
  ASSERT_TRUE(router) << router.error().message();
  const auto law = (*router)->Route("is the contract binding");
  ASSERT_TRUE(law);
  ASSERT_NE(law->intent, nullptr);
  EXPECT_EQ(law->intent->name, "law");
  EXPECT_EQ(law->uses, law->intent);
  EXPECT_EQ(law->endpoint->url, "https://example.com/v1");
  ASSERT_EQ(law->alternatives.size(), 1U);
  EXPECT_EQ(law->alternatives[0].intent->name, "bills");
  EXPECT_NEAR(law->confidence + law->alternatives[0].confidence, 1, 1e-9);
  const auto bills = (*router)->Route("send the invoice");
  ASSERT_TRUE(bills);
  EXPECT_EQ(bills->intent->name, "bills");
  EXPECT_EQ(bills->uses->schema, folder_ / "bill.json");
  EXPECT_EQ(bills->endpoint, nullptr);
}

TEST_F(RouterTest, GivesTheDefaultWhatIsOutOfScope) {
  ASSERT_TRUE(Train());
  const auto router = Open();
  ASSERT_TRUE(router) << router.error().message();
  const std::string text = "sing a song of the moon, good morning";
  const auto none = (*router)->Route(text);
  ASSERT_TRUE(none);
  EXPECT_EQ(none->intent, nullptr);
  EXPECT_EQ(none->uses->name, "talk");
  EXPECT_LT(none->scope_score, none->threshold);
  EXPECT_EQ(none->alternatives.size(), 2U);
  const auto why = (*router)->Explain(text, *none);
  ASSERT_TRUE(why);
  EXPECT_EQ(why->words.size(), 8U);
  const json::object reply = ToJson(text, *none, &*why);
  EXPECT_TRUE(reply.at("intent").is_null());
  EXPECT_TRUE(reply.at("out_of_scope").as_bool());
  EXPECT_EQ(reply.at("uses").at("intent"), "talk");
  EXPECT_EQ(reply.at("why").at("words").as_array().size(), 8U);
}

TEST_F(RouterTest, TakesChangedSettingsAndRefusesWhatIsStale) {
  EXPECT_THAT(OpenError(), HasSubstr("was never trained: kinglet intents train "));
  ASSERT_TRUE(Train());
  EXPECT_EQ(OpenError(), "");
  EXPECT_THAT(OpenError(2), HasSubstr("has another embedder than it was trained with"));
  WriteChanged("mode = \"chat\"", "mode = \"quote\"");
  EXPECT_EQ(OpenError(), "");
  WriteChanged("\"a contract\"", "\"the contract\"");
  EXPECT_THAT(OpenError(), HasSubstr("has other examples than it was trained with"));
  WriteChanged("embedder = \"hash\"\n", "");
  EXPECT_THAT(OpenError(), HasSubstr("has another embedder than it was trained with"));
  Write("intents.toml", kFile);
  ASSERT_TRUE(WriteFileAtomic(TrainedFile(folder_ / "intents.toml", folder_ / "trained"), "x"));
  EXPECT_THAT(OpenError(), HasSubstr("not a sound file of a trained classifier"));
}

TEST_F(RouterTest, LooksAtTheFilesThatItNames) {
  Write("bill.json", "{");
  EXPECT_THAT(Train().error().message(), HasSubstr("intents.toml: line 12: "));
  Write("bill.json", "{}");
  WriteChanged("default", "examples = \"more.jsonl\"\ndefault");
  EXPECT_THAT(Train().error().message(), HasSubstr("more.jsonl"));
  Write("more.jsonl", "{\"text\": \"one\", \"intent\": \"nobody\"}\n");
  EXPECT_THAT(Train().error().message(), HasSubstr("more.jsonl: line 1: there is no intent"));
  Write("more.jsonl", "{\"text\": \"a bill\", \"intent\": \"bills\"}\n");
  const auto set = Train();
  ASSERT_TRUE(set) << set.error().message();
  EXPECT_EQ(set->texts.back().text, "a bill");
}

}  // namespace
}  // namespace kinglet
