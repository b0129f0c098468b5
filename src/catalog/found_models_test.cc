// SPDX-License-Identifier: Apache-2.0
// Caches of other programs: laid out here as they lay them out.
#include "catalog/found_models.h"

#include <gtest/gtest.h>

#include "base/file.h"

namespace kinglet {
namespace {

namespace fs = std::filesystem;

class FoundModelsTest : public testing::Test {
 protected:
  FoundModelsTest() : folder_(testing::TempDir() + "kinglet_found_models_test") {
    fs::remove_all(folder_);
  }
  ~FoundModelsTest() override { fs::remove_all(folder_); }

  void Write(const fs::path& path, std::string_view content) {
    fs::create_directories((folder_ / path).parent_path());
    ASSERT_TRUE(WriteFileAtomic(folder_ / path, content));
  }
  std::vector<CachedModel> Find() const {
    return FindCachedModels({.huggingface = folder_ / "hub", .ollama = folder_ / "ollama"});
  }

  fs::path folder_;
};

TEST_F(FoundModelsTest, FindsNothingWhereNothingIs) { EXPECT_TRUE(Find().empty()); }

TEST_F(FoundModelsTest, FollowsHuggingFacesLinksToBlobs) {
  const fs::path repository = "hub/models--user--some-repo";
  Write(repository / "blobs/abc", "GGUF");
  fs::create_directories(folder_ / repository / "snapshots/c0/sub");
  fs::create_symlink("../../../blobs/abc", folder_ / repository / "snapshots/c0/sub/m.gguf");
  fs::create_symlink("../../blobs/gone", folder_ / repository / "snapshots/c0/gone.gguf");
  Write(repository / "snapshots/c0/README.md", "x");
  const auto models = Find();
  ASSERT_EQ(models.size(), 1U);
  EXPECT_EQ(models[0].name, "user/some-repo/sub/m.gguf");
  EXPECT_EQ(models[0].bytes, 4U);
  EXPECT_EQ(models[0].cache, "huggingface");
}

TEST_F(FoundModelsTest, FollowsOllamasManifestsToBlobs) {
  const fs::path library = "ollama/manifests/registry.ollama.ai/library";
  Write("ollama/blobs/sha256-abc", "GGUF!");
  Write(library / "llama3.2/1b",
        R"({"layers": [{"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:x"},
            {"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:abc"}]})");
  Write(
      library / "gone/1b",
      R"({"layers": [{"mediaType": "application/vnd.ollama.image.model", "digest": "sha256:d"}]})");
  Write(library / "hostile/1b",
        R"({"layers": [{"mediaType": "application/vnd.ollama.image.model",
                        "digest": "sha256:/../../hub"}]})");
  Write(library / "broken/1b", "{");
  Write(library / "strange/1b", R"({"layers": [3, {"mediaType": 4, "digest": []}]})");
  const auto models = Find();
  ASSERT_EQ(models.size(), 1U);
  EXPECT_EQ(models[0].name, "llama3.2:1b");
  EXPECT_EQ(models[0].path, folder_ / "ollama/blobs/sha256-abc");
  EXPECT_EQ(models[0].bytes, 5U);
}

TEST_F(FoundModelsTest, AFileThatIsNoGgufTellsNothing) {
  Write("m.gguf", "GGUF");
  EXPECT_FALSE(ReadGgufFacts(folder_ / "m.gguf"));
  EXPECT_FALSE(ReadGgufFacts(folder_ / "none.gguf"));
}

}  // namespace
}  // namespace kinglet
