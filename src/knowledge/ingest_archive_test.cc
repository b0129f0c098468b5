// SPDX-License-Identifier: Apache-2.0
// Archives in a library: each member a document that is added, replaced, removed and left alone for
// itself; an archive that has not changed is not opened.
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "base/digest.h"
#include "base/file.h"
#include "knowledge/archive_reader.h"
#include "knowledge/ingest.h"
#include "knowledge/library_folder_for_test.h"
#include "knowledge/zip_writer_for_test.h"

namespace kinglet {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

class IngestArchiveTest : public LibraryFolderTest {
 protected:
  // Each with a time of its own.
  void Write(const std::string& name, std::string_view content) {
    std::ofstream(folder_ / "in" / name, std::ios::binary) << content;
    fs::last_write_time(folder_ / "in" / name,
                        fs::file_time_type() + std::chrono::seconds(++second_));
  }

  // "added x.zip!/a.md", with the reason where there is one.
  std::vector<std::string> Ingest(const WalkOptions& walk = {}, const std::string& name = "",
                                  int most = 1000) {
    std::vector<std::string> events;
    const fs::path paths[] = {folder_ / "in" / name};
    const auto result =
        kinglet::Ingest(library_, paths, {.walk = walk}, [&](const IngestEvent& event) {
          EXPECT_LT(event.index, event.count);
          const std::string path = event.uri.substr((folder_ / "in/").string().size());
          events.push_back(fmt::format("{} {}{}{}", Name(event.outcome), path,
                                       event.reason.empty() ? "" : ": ", event.reason));
          return --most > 0;
        });
    if (!result) events.push_back("error: " + result.error().message());
    EXPECT_THAT(library_.Verify()->problems, IsEmpty());
    return events;
  }

  std::vector<std::string> Documents() {
    std::vector<std::string> names;
    const std::vector<DocumentRecord> records = library_.ListDocuments().value();
    for (const DocumentRecord& record : records) {
      names.push_back(record.source.uri.substr((folder_ / "in/").string().size()));
    }
    return names;
  }

  Library library_ = Library::Open(folder_ / "library", LibraryMode::kWrite).value();
  int second_ = 0;
};

TEST_F(IngestArchiveTest, KeepsEachMemberAsADocument) {
  Write("x.zip", WriteZip({{"a.md", "# Hens\n\nThey lay."}, {"b/c.txt", "Geese hiss."}}));
  Write("y.tar.gz", WriteTar({{.name = "./a.md", .content = "Ducks swim."}}, "gzip"));
  Write("z.md", "Swans.");
  EXPECT_THAT(Ingest(), ElementsAre("added x.zip!/a.md", "added x.zip!/b/c.txt",
                                    "added y.tar.gz!/a.md", "added z.md"));
  const auto find = [&](const char* name) {
    return library_.FindDocument((folder_ / "in" / name).string()).value().value();
  };
  EXPECT_EQ(find("x.zip!/a.md").title, "Hens");
  EXPECT_EQ(find("x.zip!/a.md").source.media_type, "text/markdown");
  EXPECT_EQ(find("x.zip!/b/c.txt").title, "c.txt");
  EXPECT_EQ(find("x.zip!/b/c.txt").source.digest, Sha256::HexOf("Geese hiss."));
  EXPECT_EQ(find("x.zip!/b/c.txt").source.size_bytes, 11);
  EXPECT_THAT(Ingest(), ElementsAre("unchanged x.zip", "unchanged y.tar.gz", "unchanged z.md"));
}

TEST_F(IngestArchiveTest, ComparesTheMembersOfAChangedArchive) {
  Write("x.zip", WriteZip({{"a.md", "Hens."}, {"b.md", "Geese."}, {"c.md", "Ducks."}}));
  EXPECT_EQ(Ingest().size(), 3U);
  Write("x.zip", WriteZip({{"b.md", "Geese."}, {"c.md", "Swans."}, {"d.md", "Doves."}}));
  EXPECT_THAT(Ingest(), ElementsAre("unchanged x.zip!/b.md", "replaced x.zip!/c.md",
                                    "added x.zip!/d.md", "removed x.zip!/a.md"));
  EXPECT_THAT(Ingest(), ElementsAre("unchanged x.zip"));
  EXPECT_THAT(Documents(), ElementsAre("x.zip!/b.md", "x.zip!/c.md", "x.zip!/d.md"));
}

TEST_F(IngestArchiveTest, OpensAnArchiveAgainWhoseDocumentWasRemoved) {
  Write("x.zip", WriteZip({{"a.md", "Hens."}, {"b.md", "Geese."}}));
  EXPECT_EQ(Ingest().size(), 2U);
  ASSERT_TRUE(library_.Remove((folder_ / "in/x.zip!/a.md").string()));
  EXPECT_THAT(Ingest(), ElementsAre("added x.zip!/a.md", "unchanged x.zip!/b.md"));
}

TEST_F(IngestArchiveTest, RemovesAllOfAnArchiveByItsName) {
  Write("x.zip", WriteZip({{"a.md", "Hens."}, {"b/c.md", "Geese."}}));
  Write("x.zip.md", "Ducks.");
  EXPECT_EQ(Ingest().size(), 3U);
  ASSERT_TRUE(library_.Remove((folder_ / "in/x.zip").string()));
  EXPECT_THAT(Documents(), ElementsAre("x.zip.md"));
  EXPECT_EQ(library_.Remove((folder_ / "in/x.zip").string()).error().code(), StatusCode::kNotFound);
  EXPECT_THAT(Ingest(),
              ElementsAre("added x.zip!/a.md", "added x.zip!/b/c.md", "unchanged x.zip.md"));
}

TEST_F(IngestArchiveTest, RemovesTheDocumentsOfAnArchiveThatIsGone) {
  Write("x.zip", WriteZip({{"a.md", "Hens."}, {"b.md", "Geese."}}));
  Write("y.md", "Ducks.");
  EXPECT_EQ(Ingest().size(), 3U);
  const std::string bytes = ReadFile(folder_ / "in/x.zip", 10'000).value();
  fs::remove(folder_ / "in/x.zip");
  EXPECT_THAT(Ingest(),
              ElementsAre("unchanged y.md", "removed x.zip!/a.md", "removed x.zip!/b.md"));
  // Back as it was.
  second_ = 0;
  Write("x.zip", bytes);
  EXPECT_THAT(Ingest(), ElementsAre("added x.zip!/a.md", "added x.zip!/b.md", "unchanged y.md"));
}

TEST_F(IngestArchiveTest, FollowsAnArchiveThatWasMoved) {
  Write("x.zip", WriteZip({{"a.md", "# Hens"}, {"b.txt", "Geese."}}));
  EXPECT_EQ(Ingest().size(), 2U);
  fs::rename(folder_ / "in/x.zip", folder_ / "in/y.zip");
  EXPECT_THAT(Ingest(),
              ElementsAre("moved y.zip!/a.md", "added y.zip!/b.txt", "removed x.zip!/b.txt"));
  EXPECT_THAT(Documents(), ElementsAre("y.zip!/a.md", "y.zip!/b.txt"));
  fs::rename(folder_ / "in/y.zip", folder_ / "in/x.zip");
  EXPECT_EQ(Ingest().size(), 3U);
  EXPECT_THAT(Documents(), ElementsAre("x.zip!/a.md", "x.zip!/b.txt"));
}

TEST_F(IngestArchiveTest, LeavesAMemberWhereItIsWhenAFileHasTheSameBytes) {
  Write("x.zip", WriteZip({{"a.md", "# Hens"}}));
  EXPECT_EQ(Ingest().size(), 1U);
  Write("y.md", "# Hens");
  EXPECT_THAT(Ingest(), ElementsAre("unchanged x.zip", "added y.md"));
  EXPECT_THAT(Documents(), ElementsAre("x.zip!/a.md", "y.md"));
}

TEST_F(IngestArchiveTest, TellsOfMembersThatFailAndTriesThemAgain) {
  const std::string inner = WriteZip({{"a.md", "1"}});
  Write("x.tar", WriteTar({{.name = "a.md", .content = "Hens."},
                           {.name = "../b.md", .content = "Geese."},
                           {.name = "a.md", .content = "Ducks."},
                           {.name = "c.zip", .content = inner},
                           {.name = "d.bin", .content = "x"},
                           {.name = "e.html", .content = std::string(20'000, '<')},
                           {.name = "f.md", .content = "Swans."}}));
  const auto rest = [](const char* outcome) {
    return ElementsAre(fmt::format("{} x.tar!/a.md", outcome),
                       "failed x.tar!/../b.md: its name leads out of the archive",
                       "failed x.tar!/a.md: an earlier member of its archive has the same name",
                       StartsWith("failed x.tar!/c.zip: an archive in an archive"),
                       StartsWith("skipped x.tar!/d.bin: "), testing::_,
                       fmt::format("{} x.tar!/f.md", outcome));
  };
  EXPECT_THAT(Ingest(), rest("added"));
  EXPECT_THAT(Ingest(), rest("unchanged"));
}

TEST_F(IngestArchiveTest, KeepsTheDocumentsOfAnArchiveThatCannotBeRead) {
  const std::string bytes = WriteZip({{"a.md", "Hens."}, {"b.md", "Geese."}});
  Write("x.zip", bytes);
  EXPECT_EQ(Ingest().size(), 2U);
  Write("x.zip", bytes.substr(0, bytes.size() / 2));
  EXPECT_THAT(Ingest(), ElementsAre("failed x.zip: it is no zip archive, or only a part of one"));
  Write("x.zip", WriteZip({{"folder/", ""}}));
  EXPECT_THAT(Ingest(), ElementsAre("failed x.zip: it holds no files"));
  EXPECT_THAT(Documents(), ElementsAre("x.zip!/a.md", "x.zip!/b.md"));
  EXPECT_THAT(Ingest({}, "none.zip"), ElementsAre(HasSubstr("failed none.zip: cannot read")));
}

TEST_F(IngestArchiveTest, AppliesPatternsToMembers) {
  Write("x.zip", WriteZip({{"a.md", "Hens."}, {"b.txt", "Geese."}, {".c.md", "Ducks."}}));
  Write("y.txt", "Swans.");
  EXPECT_THAT(Ingest({.include = {"*.md"}}), ElementsAre("added x.zip!/a.md"));
  EXPECT_THAT(Ingest({.include = {"*.md"}}), ElementsAre("unchanged x.zip"));
  // What is left out this time is not gone; what is let in now is read.
  EXPECT_THAT(Ingest({.include = {"*.txt"}}), ElementsAre("added x.zip!/b.txt", "added y.txt"));
  EXPECT_THAT(Ingest({.hidden = true}),
              ElementsAre("unchanged x.zip!/a.md", "unchanged x.zip!/b.txt", "added x.zip!/.c.md",
                          "unchanged y.txt"));
  EXPECT_THAT(Ingest({.exclude = {"x*"}}), ElementsAre("unchanged y.txt"));
  // Whoever includes the archive wants its members.
  Write("x.zip", WriteZip({{"a.md", "Doves."}, {"b.bin", "Geese."}}));
  EXPECT_THAT(Ingest({.include = {"*.zip"}}),
              ElementsAre("replaced x.zip!/a.md", StartsWith("skipped x.zip!/b.bin"),
                          "removed x.zip!/.c.md", "removed x.zip!/b.txt"));
}

TEST_F(IngestArchiveTest, ReadsANamedArchive) {
  Write("x.zip", WriteZip({{"a.md", "Hens."}, {"b.bin", "x"}}));
  const auto skipped = StartsWith("skipped x.zip!/b.bin");
  EXPECT_THAT(Ingest({.include = {"*.txt"}}, "x.zip"), IsEmpty());
  EXPECT_THAT(Ingest({.include = {"x.*"}}, "x.zip"), ElementsAre("added x.zip!/a.md", skipped));
  Write("x.zip", WriteZip({{"a.md", "Geese."}, {"b.bin", "x"}}));
  EXPECT_THAT(Ingest({}, "x.zip"), ElementsAre("replaced x.zip!/a.md", skipped));
}

TEST_F(IngestArchiveTest, GoesOnWhereItWasStopped) {
  ZipMembers members;
  for (int i = 10; i < 40; ++i) members.emplace_back(fmt::format("{}.md", i), fmt::format("{}", i));
  Write("x.zip", WriteZip(members));
  const std::vector<std::string> first = Ingest({}, "", 5);
  ASSERT_EQ(first.size(), 6U);
  EXPECT_EQ(first.back(), "error: interrupted");
  EXPECT_EQ(Documents().size(), 5U);
  const std::vector<std::string> second = Ingest();
  ASSERT_EQ(second.size(), members.size());
  EXPECT_EQ(second[4], "unchanged x.zip!/14.md");
  EXPECT_EQ(second[5], "added x.zip!/15.md");
}

// A reader that was taken over, or is not there.
TEST_F(IngestArchiveTest, OutlivesItsReader) {
  Write("x.zip", WriteZip({{"a.md", "Hens."}}));
  const fs::path paths[] = {folder_ / "in"};
  const auto reason_of = [&](const std::string& script, int timeout_ms) {
    std::ofstream(folder_ / "reader") << "#!/bin/sh\n" << script << "\n";
    fs::permissions(folder_ / "reader", fs::perms::owner_all);
    std::string reason;
    EXPECT_TRUE(kinglet::Ingest(
        library_, paths,
        {.reading = {.timeout_ms = timeout_ms, .program = (folder_ / "reader").string()}},
        [&](const IngestEvent& event) {
          EXPECT_EQ(event.outcome, IngestOutcome::kFailed);
          reason = event.reason;
          return true;
        }));
    return reason;
  };
  EXPECT_THAT(reason_of("yes", 60'000), HasSubstr("what is no member of an archive"));
  EXPECT_THAT(reason_of("printf x", 60'000), HasSubstr("what is no member of an archive"));
  EXPECT_THAT(reason_of("kill -SEGV $$", 60'000), HasSubstr("was ended by signal 11"));
  EXPECT_THAT(reason_of("exec sleep 60", 100), HasSubstr("no member within 100 ms"));
  EXPECT_THAT(reason_of("exit 7", 60'000), HasSubstr("exit status 7"));
  EXPECT_THAT(Documents(), IsEmpty());
}

}  // namespace
}  // namespace kinglet

// As the program's own: Ingest starts this file again to read an archive.
int main(int argc, char** argv) {
  if (argc == 4 && argv[1] == std::string_view("read-archive")) {
    const auto result = kinglet::ServeArchive(argv[2], argv[3]);
    if (!result) fmt::print(stderr, "kinglet: {}\n", result.error().message());
    return result ? 0 : 3;
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
