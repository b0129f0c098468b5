// SPDX-License-Identifier: Apache-2.0
// Passages of questions become a library, and are found in it or not.
#include "eval/passage_library.h"

#include <filesystem>
#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

class PassageLibraryTest : public testing::Test {
 protected:
  PassageLibraryTest() : folder_(testing::TempDir() + "kinglet_passage_library_test") {
    std::filesystem::remove_all(folder_);
    library_ = std::make_unique<Library>(Library::Open(folder_, LibraryMode::kWrite).value());
    Add("Who lays eggs?", "Hens lay eggs all year.");
    Add("What do hens eat?", "Hens lay eggs all year.");
    Add("Who hisses at foxes?", "Geese hiss at foxes.");
    Add("Who hisses at foxes?", "Ducks swim in ponds.");
    Add("Zyx?", "Swans are white.");
    for (const char* name : {"Ann", "Bob", "Cid", "Dan"}) {
      Add("Who keeps a cat?", std::string(name) + " keeps a cat.");
    }
  }
  ~PassageLibraryTest() override {
    library_.reset();
    std::filesystem::remove_all(folder_);
  }

  void Add(std::string question, std::string text) {
    questions_.push_back({.question = std::move(question),
                          .passages = std::make_shared<const std::vector<Passage>>(
                              std::vector<Passage>{{.title = "T", .text = std::move(text)}})});
  }

  std::string folder_;
  std::unique_ptr<Library> library_;
  std::vector<PassageQuestion> questions_;
};

TEST_F(PassageLibraryTest, HoldsEachTextOnce) {
  ASSERT_TRUE(PutPassages(*library_, questions_));
  EXPECT_EQ(library_->ListDocuments()->size(), 8U);
}

TEST_F(PassageLibraryTest, ReadsQuestionsFromWhatIsFound) {
  ASSERT_TRUE(PutPassages(*library_, questions_));
  ASSERT_TRUE(RetrievePassages({*library_}, questions_));
  ASSERT_FALSE(questions_[0].passages->empty());
  EXPECT_EQ(questions_[0].passages->front().text, "Hens lay eggs all year.");
  EXPECT_EQ(questions_[0].gold_retrieved, true);
  ASSERT_FALSE(questions_[3].passages->empty());
  EXPECT_EQ(questions_[3].passages->front().text, "Geese hiss at foxes.");
  EXPECT_EQ(questions_[3].gold_retrieved, false) << "its own passage is about ducks";
  EXPECT_TRUE(questions_[4].passages->empty());
  EXPECT_EQ(questions_[4].gold_retrieved, false);
  EXPECT_EQ(questions_[5].passages->size(), 3U) << "as many as a model is given to read";
}

}  // namespace
}  // namespace kinglet
