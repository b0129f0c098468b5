// SPDX-License-Identifier: Apache-2.0
// Put, search, verify, ingest: what each promises, and what it refuses.
#include "knowledge/library.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

#include "base/digest.h"
#include "base/file.h"
#include "base/sqlite.h"
#include "knowledge/ingest.h"
#include "knowledge/library_folder_for_test.h"

namespace kinglet {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Document Page(std::string_view title, std::string_view heading, std::string_view text) {
  DocumentBuilder builder;
  builder.SetTitle(title);
  builder.AddHeading(1, heading);
  builder.AddParagraph(text);
  return std::move(builder).Finish();
}

class LibraryTest : public LibraryFolderTest {
 protected:
  Library Open(LibraryMode mode, const LibraryLimits& limits = {}) {
    Result<Library> library = Library::Open(folder_ / "library", mode, limits);
    EXPECT_TRUE(library) << library.error().message();
    return *std::move(library);
  }

  static void Put(Library& library, const std::string& uri, const Document& document) {
    const Result<void> put = library.Put(
        {.uri = uri, .media_type = "text/plain", .digest = "d" + document.text}, document, 1000);
    EXPECT_TRUE(put) << put.error().message();
  }

  // Writes a file below the folder that tests ingest.
  void Write(const std::string& name, std::string_view content) const {
    fs::create_directories((folder_ / "in" / name).parent_path());
    std::ofstream(folder_ / "in" / name, std::ios::binary) << content;
  }

  // "added a.md", ... in order, with the path below the ingested folder.
  std::vector<std::string> Ingest(Library& library, const IngestOptions& options = {}) const {
    std::vector<std::string> events;
    const fs::path paths[] = {folder_ / "in"};
    const Result<void> result =
        kinglet::Ingest(library, paths, options, [&](const IngestEvent& event) {
          events.push_back(fmt::format("{} {}", Name(event.outcome),
                                       fs::path(event.uri).lexically_relative(paths[0]).string()));
          return true;
        });
    EXPECT_TRUE(result) << result.error().message();
    return events;
  }
};

TEST_F(LibraryTest, FindsWhatWasPut) {
  Library library = Open(LibraryMode::kWrite);
  Put(library, "/a", Page("Birds", "Hens", "A hen lays eggs. Größe zählt."));
  Put(library, "/b", Page("Birds", "Ducks", "A duck swims."));
  const std::vector<Passage> passages = Search(library, "Which bird is LAYING eggs?", 5).value();
  ASSERT_THAT(passages, SizeIs(2));
  EXPECT_EQ(passages[0].document, "/a");
  EXPECT_EQ(passages[0].title, "Birds");
  EXPECT_EQ(passages[0].heading, "Hens");
  EXPECT_EQ(passages[0].text, "A hen lays eggs. Größe zählt.");
  EXPECT_GT(passages[0].score, passages[1].score);
  EXPECT_EQ(passages[0].lexical_rank, 1);
  EXPECT_EQ(passages[0].vector_rank, std::nullopt);
  EXPECT_EQ(library.Text("/a", passages[0].start_byte, passages[0].end_byte).value(),
            passages[0].text);
}

TEST_F(LibraryTest, FindsByHeading) {
  Library library = Open(LibraryMode::kWrite);
  Put(library, "/a", Page("Birds", "Installing hens", "Take a box."));
  EXPECT_THAT(Search(library, "install", 5).value(), SizeIs(1));
}

TEST_F(LibraryTest, ReadsNoSyntaxInAQuery) {
  Library library = Open(LibraryMode::kWrite);
  Put(library, "/a", Page("Birds", "Hens", "A hen AND a duck. NEAR it. don't"));
  for (const char* query : {"hen\"", "\" OR hen", "hen AND", "NEAR(hen)", "text: hen", "hen*",
                            "^hen", "-hen", "(hen", "don't'' hen; DROP TABLE chunks"}) {
    EXPECT_THAT(Search(library, query, 5).value(), SizeIs(1)) << query;
  }
  for (const char* query : {"", "  ", "?!", "\xFF", "\""}) {
    EXPECT_THAT(Search(library, query, 5).value(), IsEmpty()) << query;
  }
}

TEST_F(LibraryTest, SearchesForStopWordsOnlyIfThereIsNothingElse) {
  Library library = Open(LibraryMode::kWrite);
  Put(library, "/a", Page("A", "B", "To be or not to be."));
  EXPECT_THAT(Search(library, "to be or not to be", 5).value(), SizeIs(1));
  EXPECT_THAT(Search(library, "what is a duck", 5).value(), IsEmpty());
}

TEST_F(LibraryTest, CutsLongQueries) {
  Library library = Open(LibraryMode::kWrite, {.query_bytes = 20, .query_terms = 2});
  Put(library, "/a", Page("A", "B", "Swan, goose, hen, duck."));
  EXPECT_THAT(Search(library, "xx yy duck", 5).value(), IsEmpty());
  EXPECT_THAT(Search(library, "xxxxxxxxxxxxxxxxxxxx duck", 5).value(), IsEmpty());
  EXPECT_THAT(Search(library, "xx duck", 5).value(), SizeIs(1));
}

TEST_F(LibraryTest, CountsTerms) {
  Library library = Open(LibraryMode::kWrite);
  Put(library, "/a", Page("A", "B", "Hens lay."));
  Put(library, "/b", Page("A", "B", "The hen swims."));
  const QueryStatistics statistics = library.TermStatistics("Do hens lay bricks, hen?").value();
  EXPECT_EQ(statistics.total_chunks, 2);
  ASSERT_THAT(statistics.terms, SizeIs(3));
  EXPECT_EQ(statistics.terms[0].stem, "hen");
  EXPECT_EQ(statistics.terms[0].chunk_count, 2);
  EXPECT_EQ(statistics.terms[1].chunk_count, 1);
  EXPECT_EQ(statistics.terms[2].chunk_count, 0);
}

TEST_F(LibraryTest, ReplacesAndRemoves) {
  Library library = Open(LibraryMode::kWrite);
  Put(library, "/a", Page("A", "B", "Hens."));
  Put(library, "/a", Page("A", "B", "Ducks."));
  EXPECT_THAT(Search(library, "hens", 5).value(), IsEmpty());
  EXPECT_THAT(Search(library, "ducks", 5).value(), SizeIs(1));
  EXPECT_THAT(library.ListDocuments().value(), SizeIs(1));
  EXPECT_TRUE(library.Remove("/a"));
  EXPECT_THAT(Search(library, "ducks", 5).value(), IsEmpty());
  EXPECT_EQ(library.Remove("/a").error().code(), StatusCode::kNotFound);
  EXPECT_THAT(library.Verify().value().problems, IsEmpty());
}

TEST_F(LibraryTest, KnowsThePagesOfAPassage) {
  DocumentBuilder builder;
  builder.BeginPage();
  builder.AddParagraph("Swans sing.");
  builder.BeginPage();
  builder.AddParagraph("Hens cackle.");
  builder.BeginPage();
  builder.BeginPage();
  builder.AddParagraph("Geese hiss.");
  Library library = Open(LibraryMode::kWrite);
  Put(library, "/a", std::move(builder).Finish());
  Put(library, "/b", Page("A", "B", "Geese graze."));
  const std::vector<Passage> found = Search(library, "swans geese", 5).value();
  ASSERT_THAT(found, SizeIs(2));
  const Passage& passage = found[0];
  EXPECT_EQ(passage.page, 1);
  const auto page_of = [&](std::string_view word) {
    return passage.PageAt(passage.start_byte + static_cast<std::int64_t>(passage.text.find(word)));
  };
  EXPECT_EQ(page_of("Swans"), 1);
  EXPECT_EQ(page_of("Hens"), 2);
  EXPECT_EQ(page_of("cackle."), 2);
  EXPECT_EQ(page_of("Geese"), 4);
  EXPECT_EQ(found[1].page, std::nullopt);
  EXPECT_EQ(found[1].PageAt(found[1].start_byte), std::nullopt);
  EXPECT_THAT(library.Verify().value().problems, IsEmpty());
  EXPECT_TRUE(library.Remove("/a"));
  EXPECT_THAT(library.Verify().value().problems, IsEmpty());
}

TEST_F(LibraryTest, LeavesNoTraceOfWhatWasRemovedOrReplaced) {
  Library library = Open(LibraryMode::kWrite);
  Library reader = Open(LibraryMode::kRead);
  for (int i = 0; i < 200; ++i) {
    Put(library, fmt::format("/{}", i), Page("Birds", "Hens", fmt::format("Hen {} lays.", i)));
  }
  Put(library, "/gone", Page("Quagmarle", "Vintrosk", "Zelquist sings. " + std::string(9000, 'z')));
  Put(library, "/changed", Page("Birds", "Ducks", "Thromblex swims."));
  EXPECT_THAT(Search(reader, "zelquist", 1).value(), SizeIs(1));
  const auto traces = [&] {
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "library")) {
      std::string bytes = ReadFile(entry.path(), std::size_t{64} << 20).value();
      std::ranges::transform(bytes, bytes.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
      });
      for (const char* const word : {"zelquist", "quagmarl", "vintrosk", "thromblex"}) {
        if (bytes.find(word) != std::string::npos) found.emplace_back(word);
      }
    }
    return found;
  };
  EXPECT_THAT(traces(), SizeIs(::testing::Ge(4)));
  EXPECT_TRUE(library.Remove("/gone"));
  Put(library, "/changed", Page("Birds", "Ducks", "Ducks swim."));
  EXPECT_TRUE(library.Purge());
  EXPECT_THAT(traces(), IsEmpty());
  EXPECT_THAT(Search(reader, "zelquist thromblex", 1).value(), IsEmpty());
  EXPECT_THAT(Search(reader, "ducks", 1).value(), SizeIs(1));
  EXPECT_THAT(library.Verify().value().problems, IsEmpty());
}

TEST_F(LibraryTest, TellsTheLineOfAPassageAndOfAByteInIt) {
  Library library = Open(LibraryMode::kWrite);
  std::string text;
  for (int i = 0; i < 60; ++i) text += fmt::format("Line {} of a paragraph of hens.\n", i);
  Write("a.txt", "\n" + text + "\n\nGeese hiss\nat zelquists.\n");
  Write("b.html", "<p>A zelquist.</p>");
  EXPECT_THAT(Ingest(library), SizeIs(2));
  const std::vector<Passage> passages = Search(library, "paragraph", 20).value();
  EXPECT_GT(passages.size(), 2U);
  for (const Passage& passage : passages) {
    const std::int64_t middle =
        passage.start_byte + static_cast<std::int64_t>(passage.text.find("Line", 100));
    const int number = std::stoi(passage.text.substr(passage.text.find("Line") + 5));
    const int later = std::stoi(passage.text.substr(passage.text.find("Line", 100) + 5));
    EXPECT_EQ(passage.LineAt(passage.start_byte), number + 2);
    EXPECT_EQ(passage.LineAt(middle), later + 2);
  }
  const std::vector<Passage> geese = Search(library, "geese zelquists", 2).value();
  ASSERT_THAT(geese, SizeIs(2));
  EXPECT_EQ(geese[0].LineAt(geese[0].start_byte +
                            static_cast<std::int64_t>(geese[0].text.find("zelquist"))),
            65);
  EXPECT_EQ(geese[1].LineAt(geese[1].start_byte), std::nullopt);
  EXPECT_THAT(library.Verify().value().problems, IsEmpty());
}

// As the version before pages left it.
TEST_F(LibraryTest, BringsAnOlderLibraryUpToDate) {
  for (const LibraryMode first : {LibraryMode::kRead, LibraryMode::kWrite}) {
    fs::remove_all(folder_ / "library");
    {
      Library library = Open(LibraryMode::kWrite);
      Put(library, "/a", Page("A", "B", "Geese hiss."));
    }
    {
      Database old = Database::Open(folder_ / "library/library.sqlite", false).value();
      ASSERT_TRUE(old.Execute(
          "DROP TABLE lines; DROP TABLE archives; DROP TABLE pages; DROP INDEX "
          "documents_by_digest; DROP TABLE "
          "vectors; "
          "DROP TABLE sentence_vectors; DROP TABLE document_quality; DROP TABLE personal_data; "
          "DROP TABLE ingest_problems; DROP TABLE settings; DROP INDEX documents_by_text; "
          "PRAGMA user_version=1"));
    }
    Library library = Open(first);
    EXPECT_THAT(Search(library, "geese", 5).value(), SizeIs(1));
    EXPECT_THAT(Open(LibraryMode::kRead).Verify().value().problems, IsEmpty());
    EXPECT_FALSE(library.ListQuality()->front().quality);
  }
  Library library = Open(LibraryMode::kWrite);
  ASSERT_TRUE(library.NoteMissingQuality());
  ASSERT_TRUE(library.ListQuality()->front().quality);
}

TEST_F(LibraryTest, RemembersAnArchiveUntilOneOfItsDocumentsChanges) {
  Library library = Open(LibraryMode::kWrite);
  for (const char* uri : {"/x.zip!/a", "/x.zip!/b!/c", "/x.zip!0", "/x.zip", "/y.zip!/a"}) {
    Put(library, uri, Page("T", "H", "Hens."));
  }
  EXPECT_THAT(library.ListMembers("/x.zip").value(), ElementsAre("/x.zip!/a", "/x.zip!/b!/c"));
  const ArchiveRecord x = {"/x.zip", 1, 2, "all"};
  const auto is_known = [&] { return library.FindArchive(x.uri).value() == x; };
  EXPECT_FALSE(is_known());
  ASSERT_TRUE(library.PutArchive({x.uri, 0, 0, ""}));
  ASSERT_TRUE(library.PutArchive(x));
  EXPECT_TRUE(is_known());
  Put(library, "/x.zip!0", Page("T", "H", "Geese."));
  ASSERT_TRUE(library.Remove("/y.zip!/a"));
  EXPECT_TRUE(is_known());  // those were none of its documents

  ASSERT_TRUE(library.Remove("/x.zip!/b!/c"));
  EXPECT_FALSE(is_known());
  ASSERT_TRUE(library.PutArchive(x));
  Put(library, "/x.zip!/a", Page("T", "H", "Ducks."));
  EXPECT_FALSE(is_known());
  ASSERT_TRUE(library.PutArchive(x));
  ASSERT_TRUE(library.Move("/x.zip!/a", {.uri = "/z"}));
  EXPECT_FALSE(is_known());
  EXPECT_EQ(library.Move("/x.zip!/a", {.uri = "/z"}).error().code(), StatusCode::kNotFound);
}

TEST_F(LibraryTest, ShowsADocument) {
  Library library = Open(LibraryMode::kWrite);
  Put(library, "/a", Page("T", "H", "Hens."));
  const DocumentDetails details = library.ShowDocument("/a").value();
  EXPECT_EQ(details.text, "H\n\nHens.");
  EXPECT_EQ(details.record.text_digest, Sha256::HexOf(details.text));
  ASSERT_THAT(details.chunks, SizeIs(1));
  EXPECT_EQ(details.chunks[0].range.Of(details.text), "Hens.");
  EXPECT_EQ(library.ShowDocument("/b").error().code(), StatusCode::kNotFound);
  EXPECT_EQ(library.Text("/a", 2, 100).error().code(), StatusCode::kUsage);
  EXPECT_EQ(library.Text("/a", -1, 1).error().code(), StatusCode::kUsage);
}

TEST_F(LibraryTest, HasOneWriterAndManyReaders) {
  EXPECT_EQ(Library::Open(folder_ / "library", LibraryMode::kRead).error().code(),
            StatusCode::kNotFound);
  Library writer = Open(LibraryMode::kWrite);
  const Result<Library> second = Library::Open(folder_ / "library", LibraryMode::kWrite);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), StatusCode::kBusy);
  EXPECT_THAT(second.error().message(), HasSubstr("another kinglet is writing"));
  Library reader = Open(LibraryMode::kRead);
  Put(writer, "/a", Page("A", "B", "Hens."));
  EXPECT_THAT(Search(reader, "hens", 5).value(), SizeIs(1));
}

TEST_F(LibraryTest, RefusesFilesThatAreNoLibrary) {
  fs::create_directories(folder_ / "library");
  const fs::path file = folder_ / "library" / "library.sqlite";
  std::ofstream(file) << std::string(5000, 'x');
  EXPECT_EQ(Library::Open(folder_ / "library", LibraryMode::kRead).error().code(),
            StatusCode::kInvalidInput);
  fs::remove(file);
  ASSERT_TRUE(Database::Open(file, true).value().Execute("CREATE TABLE t(x)"));
  EXPECT_EQ(Library::Open(folder_ / "library", LibraryMode::kRead).error().code(),
            StatusCode::kInvalidInput);
}

TEST_F(LibraryTest, VerifyNoticesDamage) {
  {
    Library library = Open(LibraryMode::kWrite);
    Put(library, "/a", Page("A", "B", "Hens lay eggs."));
    Put(library, "/b", Page("A", "B", "Ducks swim."));
    EXPECT_EQ(library.Verify().value().documents, 2);
    EXPECT_EQ(library.Verify().value().chunks, 2);
  }
  const auto damage = [&](const std::string& sql) {
    const fs::path copy = folder_ / "damaged";
    fs::remove_all(copy);
    fs::copy(folder_ / "library", copy);
    Database database = Database::Open(copy / "library.sqlite", false).value();
    EXPECT_TRUE(database.Execute(sql)) << sql;
    return Library::Open(copy, LibraryMode::kRead).value().Verify().value().problems;
  };
  EXPECT_THAT(damage("UPDATE documents SET text = 'Hans', text_bytes = 4 WHERE uri = '/a'"),
              Not(IsEmpty()));
  EXPECT_THAT(damage("UPDATE documents SET text_digest = 'x' WHERE uri = '/a'"), SizeIs(1));
  EXPECT_THAT(damage("UPDATE chunks SET end_byte = 7 WHERE id = 1"), SizeIs(1));
  EXPECT_THAT(damage("UPDATE chunks SET start_byte = -1 WHERE id = 1"), SizeIs(1));
  EXPECT_THAT(damage("UPDATE chunks SET heading = 'Ducks' WHERE id = 1"),
              ElementsAre(HasSubstr("full-text index")));
  EXPECT_THAT(damage("DELETE FROM chunks WHERE id = 2"), ElementsAre(HasSubstr("full-text index")));
  EXPECT_THAT(damage("SELECT 1"), IsEmpty());
}

TEST_F(LibraryTest, IngestReadsNewAndChangedFilesOnly) {
  Write("a.txt", "Hens.");
  Write("b/c.md", "# Ducks\n\nSwim.");
  Library library = Open(LibraryMode::kWrite);
  EXPECT_THAT(Ingest(library), ElementsAre("added a.txt", "added b/c.md"));
  EXPECT_THAT(Ingest(library), ElementsAre("unchanged a.txt", "unchanged b/c.md"));
  Write("a.txt", "Geese.");
  fs::last_write_time(folder_ / "in/b/c.md", fs::file_time_type::clock::now());
  EXPECT_THAT(Ingest(library), ElementsAre("replaced a.txt", "unchanged b/c.md"));
  EXPECT_THAT(Search(library, "geese", 5).value(), SizeIs(1));
  EXPECT_THAT(Search(library, "hens", 5).value(), IsEmpty());
}

TEST_F(LibraryTest, IngestFollowsFilesThatMoveAndForgetsThoseThatAreGone) {
  Write("a.md", "# Hens\n\nHens lay.");
  Write("b.txt", "Ducks swim.");
  Write("c.txt", "Geese hiss.");
  Library library = Open(LibraryMode::kWrite);
  Ingest(library);
  const std::int64_t id = Search(library, "hens", 1).value()[0].chunk_id;
  fs::create_directories(folder_ / "in/new");
  fs::rename(folder_ / "in/a.md", folder_ / "in/new/d.md");
  fs::rename(folder_ / "in/b.txt", folder_ / "in/e.txt");  // which is its title
  EXPECT_THAT(Ingest(library),
              ElementsAre("unchanged c.txt", "added e.txt", "moved new/d.md", "removed b.txt"));
  const Passage moved = Search(library, "hens", 1).value()[0];
  EXPECT_EQ(moved.chunk_id, id);
  EXPECT_EQ(moved.document, (folder_ / "in/new/d.md").string());
  EXPECT_THAT(Ingest(library),
              ElementsAre("unchanged c.txt", "unchanged e.txt", "unchanged new/d.md"));
  // A copy of a file that is still there is a document of its own.
  fs::copy_file(folder_ / "in/new/d.md", folder_ / "in/copy.md");
  EXPECT_THAT(Ingest(library), ElementsAre("unchanged c.txt", "added copy.md", "unchanged e.txt",
                                           "unchanged new/d.md"));
  EXPECT_THAT(library.Verify().value().problems, IsEmpty());
  // What an exclude hides is not gone, and an empty folder may be a disk that is not there.
  EXPECT_THAT(Ingest(library, {.walk = {.exclude = {"new", "c*"}}}),
              ElementsAre("unchanged e.txt"));
  EXPECT_THAT(library.ListDocuments().value(), SizeIs(4));
  fs::remove_all(folder_ / "in");
  fs::create_directories(folder_ / "in");
  EXPECT_THAT(Ingest(library), IsEmpty());
  EXPECT_THAT(library.ListDocuments().value(), SizeIs(4));
}

TEST_F(LibraryTest, IngestSkipsWhatNobodyAskedFor) {
  Write("a.txt", "Hens.");
  Write(".hidden.txt", "Ducks.");
  Write("style.css", "p {}");
  Write("old/b.txt", "Geese.");
  Write("image.png", std::string_view("\x89PNG\r\n\x1A\n\0\0", 10));
  fs::create_symlink(folder_ / "in", folder_ / "in/loop");
  Library library = Open(LibraryMode::kWrite);
  EXPECT_THAT(Ingest(library, {.walk = {.exclude = {"old"}}}),
              ElementsAre("added a.txt", "skipped image.png", "skipped style.css"));
  EXPECT_THAT(Ingest(library, {.walk = {.include = {"*.css", "old/*"}}}),
              ElementsAre("added old/b.txt", "added style.css"));
  EXPECT_THAT(
      Ingest(library, {.walk = {.include = {"*.txt"}, .hidden = true, .follow_links = true}}),
      ElementsAre("added .hidden.txt", "unchanged a.txt", "unchanged old/b.txt"));
}

TEST_F(LibraryTest, IngestReportsAFailureAndGoesOn) {
  Write("a.html", "<p>Hens.");
  std::string deep;
  for (int i = 0; i < 2000; ++i) deep += "<b>";
  Write("b.html", deep);
  Write("c.txt", "Ducks.");
  Library library = Open(LibraryMode::kWrite);
  EXPECT_THAT(Ingest(library), ElementsAre("added a.html", "failed b.html", "added c.txt"));
  const fs::path missing[] = {folder_ / "nothing"};
  std::vector<std::string> reasons;
  EXPECT_TRUE(kinglet::Ingest(library, missing, {}, [&](const IngestEvent& event) {
    reasons.push_back(event.reason);
    return true;
  }));
  EXPECT_THAT(reasons, ElementsAre(HasSubstr("No such file")));
}

TEST_F(LibraryTest, IngestStopsWhenAsked) {
  Write("a.txt", "Hens.");
  Write("b.txt", "Ducks.");
  Library library = Open(LibraryMode::kWrite);
  const fs::path paths[] = {folder_ / "in"};
  const Result<void> result =
      kinglet::Ingest(library, paths, {}, [](const IngestEvent&) { return false; });
  EXPECT_EQ(result.error().code(), StatusCode::kCancelled);
  EXPECT_THAT(library.ListDocuments().value(), SizeIs(1));
}

TEST_F(LibraryTest, RefusesMoreDocumentsThanItsLimit) {
  Library library = Open(LibraryMode::kWrite, {.documents = 1});
  Put(library, "/a", Page("A", "B", "Hens."));
  Put(library, "/a", Page("A", "B", "Ducks."));
  EXPECT_EQ(library.Put({.uri = "/b"}, Page("A", "B", "Geese."), 0).error().code(),
            StatusCode::kLimitExceeded);
}

}  // namespace
}  // namespace kinglet
