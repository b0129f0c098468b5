// SPDX-License-Identifier: Apache-2.0
// Pages come back from the disk as they went there, or not at all.
#include "engine/page_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <future>
#include <numeric>

#include <gtest/gtest.h>
#include <sys/stat.h>

namespace kinglet {
namespace {

constexpr std::size_t kBytes = 5000;
const std::string kFingerprint(64, 'a');
const PageKey kScope = ScopeKey("scope");

std::vector<TokenId> Text(std::size_t count, TokenId first = 0) {
  std::vector<TokenId> tokens(count);
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

class PageStoreTest : public testing::Test {
 protected:
  PageStoreTest() {
    std::filesystem::remove_all(folder_);
    for (std::size_t i = 0; i < kBytes; ++i) page_[i] = static_cast<std::uint8_t>(i * 7);
  }
  ~PageStoreTest() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<PageStore> Open(const std::string& fingerprint = kFingerprint) {
    auto store = PageStore::Open(folder_, fingerprint, kBytes);
    EXPECT_TRUE(store.has_value());
    return *std::move(store);
  }

  PageKey Save(PageStore& store, const PageKey& parent, const std::vector<TokenId>& tokens) {
    PrefixCache::Unsaved page{kScope, parent, PageKeyAfter(parent, tokens), tokens, page_.data()};
    std::promise<bool> saved;
    store.Save(page, [&](bool good) { saved.set_value(good); });
    EXPECT_TRUE(saved.get_future().get());
    return page.key;
  }

  static bool Load(PageStore& store, const PageKey& key, std::vector<std::uint8_t>& page) {
    std::promise<bool> loaded;
    store.Load(key, page, [&](bool sound) { loaded.set_value(sound); });
    return loaded.get_future().get();
  }

  std::filesystem::path FileOf(const PageKey& key) const {
    return folder_ / kFingerprint.substr(0, 32) / (key + ".kv");
  }

  std::filesystem::path folder_ = std::filesystem::path(testing::TempDir()) / "page_store";
  std::vector<std::uint8_t> page_ = std::vector<std::uint8_t>(kBytes);
};

TEST_F(PageStoreTest, WhatWasSavedIsThereAtTheNextStart) {
  PageKey first;
  PageKey second;
  {
    const auto store = Open();
    EXPECT_TRUE(store->found().empty());
    first = Save(*store, kScope, Text(64));
    second = Save(*store, first, Text(10, 64));
  }
  const auto store = Open();
  ASSERT_EQ(store->found().size(), 2U);
  EXPECT_EQ(store->found()[0].key, first);
  EXPECT_EQ(store->found()[1].parent, first);
  EXPECT_EQ(store->found()[1].tokens, Text(10, 64));
  std::vector<std::uint8_t> page(kBytes);
  EXPECT_TRUE(Load(*store, second, page));
  EXPECT_EQ(page, page_);
}

TEST_F(PageStoreTest, NobodyElseMayReadThePages) {
  const auto store = Open();
  const PageKey key = Save(*store, kScope, Text(64));
  struct stat file{};
  ASSERT_EQ(stat(FileOf(key).c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0600U);
  ASSERT_EQ(stat(FileOf(key).parent_path().c_str(), &file), 0);
  EXPECT_EQ(file.st_mode & 0777, 0700U);
}

TEST_F(PageStoreTest, EveryByteThatIsSpoiltIsNoticed) {
  PageKey key;
  {
    const auto store = Open();
    key = Save(*store, kScope, Text(3));
  }
  std::string bytes(std::filesystem::file_size(FileOf(key)), '\0');
  std::ifstream(FileOf(key), std::ios::binary)
      .read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  for (std::size_t at = 0; at < bytes.size(); at += at < 200 ? 1 : 97) {
    std::string spoilt = bytes;
    spoilt[at] = static_cast<char>(spoilt[at] ^ 0x10);
    std::ofstream(FileOf(key), std::ios::binary) << spoilt;
    const auto store = Open();
    std::vector<std::uint8_t> page(kBytes);
    EXPECT_FALSE(Load(*store, key, page)) << "byte " << at;
    EXPECT_FALSE(std::filesystem::exists(FileOf(key))) << "byte " << at;
  }
}

TEST_F(PageStoreTest, TornAndForeignFilesAreRemovedAtTheStart) {
  PageKey first;
  PageKey second;
  {
    const auto store = Open();
    first = Save(*store, kScope, Text(64));
    second = Save(*store, first, Text(64, 64));
  }
  std::filesystem::resize_file(FileOf(first), kBytes / 2);
  std::ofstream(folder_ / kFingerprint.substr(0, 32) / "0123.kv") << "no page at all";
  const auto store = Open();
  EXPECT_TRUE(store->found().empty());  // the second has lost its parent
  EXPECT_FALSE(std::filesystem::exists(FileOf(first)));
  EXPECT_FALSE(std::filesystem::exists(FileOf(second)));
  EXPECT_FALSE(std::filesystem::exists(folder_ / kFingerprint.substr(0, 32) / "0123.kv"));
}

TEST_F(PageStoreTest, PagesOfAnotherModelAreNotSeen) {
  {
    const auto store = Open();
    Save(*store, kScope, Text(64));
  }
  EXPECT_TRUE(Open(std::string(64, 'b'))->found().empty());
  EXPECT_EQ(Open()->found().size(), 1U);
}

TEST_F(PageStoreTest, ARemovedPageIsGone) {
  const auto store = Open();
  const PageKey key = Save(*store, kScope, Text(64));
  store->Remove(key);
  std::vector<std::uint8_t> page(kBytes);
  Save(*store, kScope, Text(60));  // the store's work is done in order
  EXPECT_FALSE(Load(*store, key, page));
}

TEST_F(PageStoreTest, ALinkInPlaceOfAPageIsNotFollowed) {
  const auto store = Open();
  const PageKey key = Save(*store, kScope, Text(64));
  const std::filesystem::path elsewhere = folder_ / "elsewhere";
  std::filesystem::rename(FileOf(key), elsewhere);
  std::filesystem::create_symlink(elsewhere, FileOf(key));
  std::vector<std::uint8_t> page(kBytes);
  EXPECT_FALSE(Load(*store, key, page));
}

TEST_F(PageStoreTest, AFolderThatCannotBeMadeIsAnError) {
  std::ofstream(folder_.string() + ".file") << "x";
  const auto store = PageStore::Open(folder_.string() + ".file", kFingerprint, kBytes);
  ASSERT_FALSE(store.has_value());
  EXPECT_EQ(store.error().code(), StatusCode::kFailed);
  std::filesystem::remove(folder_.string() + ".file");
}

TEST(PageFileTest, AHeaderComesBackAsItWasWritten) {
  const PageFileHeader header{.fingerprint = kFingerprint,
                              .scope = kScope,
                              .parent = kScope,
                              .key = PageKeyAfter(kScope, Text(64)),
                              .tokens = Text(64),
                              .payload_bytes = 12345,
                              .payload_checksum = 99};
  const std::string bytes = WritePageFileHeader(header);
  const auto read = ReadPageFileHeader(std::as_bytes(std::span(bytes)));
  ASSERT_TRUE(read.has_value()) << read.error().message();
  EXPECT_EQ(read->fingerprint, header.fingerprint);
  EXPECT_EQ(read->scope, header.scope);
  EXPECT_EQ(read->parent, header.parent);
  EXPECT_EQ(read->key, header.key);
  EXPECT_EQ(read->tokens, header.tokens);
  EXPECT_EQ(read->payload_bytes, 12345U);
  EXPECT_EQ(read->payload_checksum, 99U);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(ReadPageFileHeader(std::as_bytes(std::span(bytes).first(size)))) << size;
  }
}

}  // namespace
}  // namespace kinglet
