// SPDX-License-Identifier: Apache-2.0
// The store: a pin and a size make a model be here, and MODEL becomes a path or an error that
// helps.
#include "catalog/store.h"

#include <gtest/gtest.h>

#include "base/digest.h"
#include "base/file.h"

namespace kinglet {
namespace {

class StoreTest : public testing::Test {
 protected:
  StoreTest() : home_(testing::TempDir() + "kinglet_store_test"), store_(home_) {
    std::filesystem::remove_all(home_);
    std::filesystem::create_directories(store_.folder());
  }
  ~StoreTest() override { std::filesystem::remove_all(home_); }

  // Puts a file with its pin into the store.
  void Put(const std::string& file, const std::string& url) {
    ASSERT_TRUE(WriteFileAtomic(store_.folder() / file, "GGUF"));
    ASSERT_TRUE(store_.WritePin(
        {.file = file},
        {.url = url, .source = "test", .bytes = 4, .sha256 = Sha256::HexOf("GGUF")}));
  }

  std::filesystem::path home_;
  Store store_;
};

TEST_F(StoreTest, NeedsPinSizeAndOrigin) {
  const ModelEntry entry = {.name = "m",
                            .files = {{.file = "m.gguf"}},
                            .sources = {{.url = "https://example.org/m.gguf"}}};
  EXPECT_FALSE(store_.Has(entry));
  Put("m.gguf", "https://example.org/m.gguf");
  EXPECT_TRUE(store_.Has(entry));
  ModelEntry other = entry;
  other.sources.front().url = "https://example.org/other/m.gguf";
  EXPECT_FALSE(store_.Has(other));
  other = entry;
  other.files.front().sha256 = std::string(64, '0');
  EXPECT_FALSE(store_.Has(other));
  ASSERT_TRUE(WriteFileAtomic(store_.folder() / "m.gguf", "GGUF and more"));
  EXPECT_FALSE(store_.Has(entry));
}

TEST_F(StoreTest, TellsFilesApart) {
  Put("a.gguf", "");
  EXPECT_EQ(ModelDigest(store_.folder() / "a.gguf"), "sha256:" + Sha256::HexOf("GGUF"));
  // A pin of another file is none.
  ASSERT_TRUE(WriteFileAtomic(store_.folder() / "a.gguf", "GGUF and more"));
  const std::string sampled = ModelDigest(store_.folder() / "a.gguf");
  EXPECT_TRUE(sampled.starts_with("sample:")) << sampled;
  std::string large(1 << 20, 'x');
  ASSERT_TRUE(WriteFileAtomic(home_ / "one", large));
  large.back() = 'y';
  ASSERT_TRUE(WriteFileAtomic(home_ / "other", large));
  EXPECT_NE(ModelDigest(home_ / "one"), ModelDigest(home_ / "other"));
  EXPECT_EQ(ModelDigest(home_ / "none"), "");
}

TEST_F(StoreTest, ListsAndRemovesWhatIsPinned) {
  Put("b.gguf", "");
  Put("a.gguf", "");
  ASSERT_TRUE(WriteFileAtomic(store_.folder() / "stray.gguf", "GGUF"));
  ASSERT_TRUE(WriteFileAtomic(store_.folder() / "broken.gguf.pin.json", "{"));
  ASSERT_EQ(store_.Files().size(), 2U);
  EXPECT_EQ(store_.Files().front().file, "a.gguf");
  const ModelEntry entry = {.name = "a", .files = {{.file = "a.gguf"}}};
  EXPECT_TRUE(store_.Remove(entry).value());
  EXPECT_FALSE(store_.Remove(entry).value());
  EXPECT_FALSE(std::filesystem::exists(store_.folder() / "a.gguf.pin.json"));
}

TEST_F(StoreTest, ResolvesPathsNamesAndHubForms) {
  Put("m-Q4_K_M.gguf", "https://huggingface.co/u/r/resolve/main/m-Q4_K_M.gguf");
  const std::filesystem::path path = store_.folder() / "m-Q4_K_M.gguf";
  for (const std::string& model :
       {path.string(), std::string("m-Q4_K_M.gguf"), std::string("hf:u/r:q4_k_m"),
        std::string("hf:u/r"), std::string("hf:u/r/m-Q4_K_M.gguf"),
        std::string("https://huggingface.co/u/r/resolve/main/m-Q4_K_M.gguf")}) {
    const auto resolved = ResolveModel(model, home_);
    ASSERT_TRUE(resolved) << resolved.error().message();
    EXPECT_EQ(*resolved, path) << model;
  }
  EXPECT_EQ(ResolveModel("./none.gguf", home_).value(), "./none.gguf");
}

TEST_F(StoreTest, SaysHowToPullWhatIsNotHere) {
  EXPECT_EQ(ResolveModel("gemma-3-270m", home_).error().message(),
            "model gemma-3-270m is not here yet; run: kinglet pull gemma-3-270m");
  EXPECT_EQ(ResolveModel("hf:u/r:Q8_0", home_).error().code(), StatusCode::kNotFound);
  EXPECT_EQ(ResolveModel("", home_).error().code(), StatusCode::kNotFound);
  EXPECT_EQ(ResolveModel("nonesuch", home_).error().code(), StatusCode::kNotFound);
}

TEST_F(StoreTest, LocksOneModelAtATime) {
  const ModelEntry entry = {.name = "a", .files = {{.file = "a.gguf"}}};
  const ModelEntry other = {.name = "b", .files = {{.file = "b.gguf"}}};
  int waits = 0;
  const auto on_wait = [&waits] { ++waits; };
  const auto stop = [] { return true; };
  {
    const auto first = StoreLock::Take(store_, entry, on_wait, stop);
    ASSERT_TRUE(first);
    EXPECT_EQ(StoreLock::Take(store_, entry, on_wait, stop).error().code(), StatusCode::kCancelled);
    EXPECT_TRUE(StoreLock::Take(store_, other, on_wait, stop));
  }
  EXPECT_TRUE(StoreLock::Take(store_, entry, on_wait, stop));
  EXPECT_EQ(waits, 1);
}

}  // namespace
}  // namespace kinglet
