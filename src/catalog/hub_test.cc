// SPDX-License-Identifier: Apache-2.0
// Names of models outside the catalog: what they mean, and what is refused.
#include "catalog/hub.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

TEST(HubTest, ReadsItsThreeForms) {
  EXPECT_EQ(ParseHubModel("hf:a/b:Q8_0")->quant, "Q8_0");
  EXPECT_EQ(ParseHubModel("hf:a/b")->quant, "Q4_K_M");
  const auto file = ParseHubModel("hf:a/b/c/d.gguf");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->repository, "a/b");
  EXPECT_EQ(file->file, "c/d.gguf");
  EXPECT_EQ(file->quant, "");
}

TEST(HubTest, RefusesWhatIsNoRepository) {
  for (const char* model : {"hf:", "hf:a", "hf:a/", "hf:../b", "hf:a/b:", "hf:a/b:../c",
                            "hf:a/b:c/d", "hf:a/b/../../c.gguf", "hf:a/b?x:q", "hf:a b/c"}) {
    EXPECT_FALSE(ParseHubModel(model)) << model;
  }
}

TEST(HubTest, ChoosesTheFileOfAQuant) {
  const std::vector<std::string> files = {"README.md",
                                          "m-Q4_K_M.gguf",
                                          "m-IQ4_K_M.gguf",
                                          "mmproj-m-q4_k_m.gguf",
                                          "m-Q4_K_M-long.gguf",
                                          "m-q8_0-00001-of-00002.gguf",
                                          "m-q8_0-00002-of-00002.gguf",
                                          "../m-F16.gguf"};
  EXPECT_EQ(ChooseQuant(files, "q4_k_m"), "m-Q4_K_M.gguf");
  EXPECT_EQ(ChooseQuant(files, "Q8_0"), "m-q8_0-00001-of-00002.gguf");
  EXPECT_EQ(ChooseQuant(files, "Q4_K"), "");
  EXPECT_EQ(ChooseQuant(files, "F16"), "");
}

TEST(HubTest, AUrlOfOnePartMeansAllParts) {
  const auto entry = EntryOfUrl("https://example.org/x/m-00002-of-00003.gguf?download=true");
  ASSERT_TRUE(entry) << entry.error().message();
  ASSERT_EQ(entry->files.size(), 3U);
  EXPECT_EQ(entry->files[0].file, "m-00001-of-00003.gguf");
  EXPECT_EQ(entry->Url(entry->files[2]), "https://example.org/x/m-00003-of-00003.gguf");
}

TEST(HubTest, AUrlMustNameAPlainGgufFile) {
  EXPECT_TRUE(EntryOfUrl("https://example.org/m.gguf"));
  for (const char* url : {"https://example.org/", "https://example.org/m.bin",
                          "https://example.org/.gguf", "https://example.org/-m.gguf",
                          "http://example.org/m.gguf", "https://example.org/%2e%2e%2fm.gguf"}) {
    EXPECT_FALSE(EntryOfUrl(url)) << url;
  }
}

}  // namespace
}  // namespace kinglet
