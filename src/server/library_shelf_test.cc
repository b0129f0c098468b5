// SPDX-License-Identifier: Apache-2.0
// Writers of one server wait for one another, and find the library closed by the one before.
#include "server/library_shelf.h"

#include <atomic>
#include <filesystem>
#include <thread>

#include <gtest/gtest.h>

#include "knowledge/meaning_embedder_for_test.h"

namespace kinglet {
namespace {

Document Note(const std::string& text) {
  DocumentBuilder builder;
  builder.AddParagraph(text);
  return std::move(builder).Finish();
}

TEST(LibraryShelf, LetsEachWriterHaveItsTurn) {
  const std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / "shelf";
  std::filesystem::remove_all(folder);
  LibraryShelf shelf({{"notes", folder}}, {});
  constexpr int kThreads = 4;
  constexpr int kDocuments = 5;
  std::atomic<int> put = 0;
  const auto write = [&](int thread) {
    for (int i = 0; i < kDocuments; ++i) {
      Result<LibraryWriter> library = shelf.OpenForWriting("notes");
      const std::string uri = fmt::format("{} {}", thread, i);
      if (library && (*library)->Put({.uri = uri}, Note("A note of " + uri), 1000)) ++put;
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back(write, i);
  }
  EXPECT_EQ(put, kThreads * kDocuments);
  Result<BorrowedLibrary> library = shelf.Borrow("notes");
  ASSERT_TRUE(library) << library.error().message();
  const auto documents = (*library)->ListDocuments();
  ASSERT_TRUE(documents) << documents.error().message();
  EXPECT_EQ(documents->size(), kThreads * kDocuments);
}

TEST(LibraryShelf, OpensVectorsOnceForAnEmbedder) {
  const std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) / "shelf_vectors";
  std::filesystem::remove_all(folder);
  int opened = 0;
  float turn = 0;
  LibraryShelf shelf({{"notes", folder}}, [&](Library&) {
    ++opened;
    return std::make_unique<VectorSearch>(std::make_unique<MeaningEmbedder>(turn), 1);
  });
  const auto find_boat = [&shelf]() -> std::string {
    const Result<BorrowedLibrary> library = shelf.Borrow("");
    if (!library) return library.error().message();
    const auto found = library->retriever().Search("boat", 1);
    return found && !found->empty() ? found->front().document : "nothing";
  };
  const auto embed_all = [&folder](float by) {
    Library library = Library::Open(folder, LibraryMode::kWrite).value();
    MeaningEmbedder embedder(by);
    return EmbedLibrary(library, embedder, "meaning",
                        [](std::int64_t, std::int64_t) { return true; });
  };
  ASSERT_TRUE((*shelf.OpenForWriting("notes"))->Put({.uri = "car"}, Note("An automobile."), 1000));
  EXPECT_EQ(find_boat(), "nothing");
  EXPECT_EQ(opened, 0);  // the library has no vectors
  ASSERT_TRUE(embed_all(turn));
  EXPECT_EQ(find_boat(), "car");
  {
    Result<LibraryWriter> writer = shelf.OpenForWriting("notes");
    ASSERT_TRUE(writer) << writer.error().message();
    ASSERT_TRUE((*writer)->Put({.uri = "ship"}, Note("A vessel."), 1000));
    ASSERT_TRUE(writer->Embed());
  }
  EXPECT_EQ(find_boat(), "ship");
  EXPECT_EQ(opened, 1);
  // Another process embeds the library anew.
  turn = 3;
  ASSERT_TRUE(embed_all(turn));
  EXPECT_EQ(find_boat(), "ship");
  EXPECT_EQ(opened, 2);
}

TEST(LibraryShelf, NamesWhatThereIs) {
  const LibraryShelf shelf({{"notes", "a"}, {"letters", "b"}}, {});
  EXPECT_EQ((*shelf.Find(""))->name, "notes");
  EXPECT_EQ((*shelf.Find("letters"))->folder, "b");
  const auto missing = shelf.Find("books");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code(), StatusCode::kNotFound);
  EXPECT_NE(missing.error().message().find("notes, letters"), std::string::npos);
}

}  // namespace
}  // namespace kinglet
