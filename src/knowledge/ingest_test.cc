// SPDX-License-Identifier: Apache-2.0
// Files that are read ahead of the library, by several threads: nothing is lost, in any order that
// they come in, nor when nobody wants the rest.
#include "knowledge/ingest.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

namespace fs = std::filesystem;

constexpr int kFiles = 60;

class IngestTest : public testing::Test {
 protected:
  IngestTest() : folder_(fs::absolute(testing::TempDir()) / "ingest_test") {
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "in");
    for (int i = 0; i < kFiles; ++i) Write(i, "Hen");
  }
  ~IngestTest() override { fs::remove_all(folder_); }

  // Some take long to read, others are read at once.
  void Write(int i, std::string_view bird) const {
    std::ofstream file(folder_ / fmt::format("in/{:02}.html", i));
    for (int n = 0; n < (i % 7 == 0 ? 3000 : 3); ++n) {
      file << fmt::format("<p>{} {} lays egg {}.</p>\n", bird, i, n);
    }
  }

  Library Open() const { return Library::Open(folder_ / "library", LibraryMode::kWrite).value(); }

  // What came of the files, in order; stops after `most` of them.
  Result<std::vector<IngestOutcome>> Ingest(Library& library, std::size_t most = kFiles + 1) const {
    std::vector<IngestOutcome> outcomes;
    const fs::path paths[] = {folder_ / "in"};
    const auto result = kinglet::Ingest(library, paths, {}, [&](const IngestEvent& event) {
      EXPECT_EQ(event.index, outcomes.size());
      outcomes.push_back(event.outcome);
      return outcomes.size() < most;
    });
    if (!result) return std::unexpected(result.error());
    return outcomes;
  }

  const fs::path folder_;
};

TEST_F(IngestTest, TellsOfFilesInTheirOrder) {
  Library library = Open();
  EXPECT_EQ(Ingest(library).value(), std::vector<IngestOutcome>(kFiles, IngestOutcome::kAdded));
  for (int i = 0; i < kFiles; i += 2) Write(i, "Goose");
  const std::vector<IngestOutcome> again = Ingest(library).value();
  for (int i = 0; i < kFiles; ++i) {
    EXPECT_EQ(again[static_cast<std::size_t>(i)],
              i % 2 == 0 ? IngestOutcome::kReplaced : IngestOutcome::kUnchanged);
  }
  EXPECT_EQ(library.ListDocuments()->size(), std::size_t{kFiles});
  EXPECT_TRUE(library.Verify()->problems.empty());
}

TEST_F(IngestTest, LeavesWhatIsReadAheadWhenItIsStopped) {
  Library library = Open();
  EXPECT_EQ(Ingest(library, 5).error().code(), StatusCode::kCancelled);
  EXPECT_EQ(library.ListDocuments()->size(), 5U);
  EXPECT_EQ(Ingest(library).value().size(), std::size_t{kFiles});
  EXPECT_EQ(library.ListDocuments()->size(), std::size_t{kFiles});
}

}  // namespace
}  // namespace kinglet
