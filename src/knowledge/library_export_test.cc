// SPDX-License-Identifier: Apache-2.0
// Out and in again is the same library; what a stranger wrote is refused, with its line.
#include "knowledge/library_export.h"

#include <filesystem>
#include <span>

#include <gmock/gmock.h>

#include "base/digest.h"
#include "knowledge/library_folder_for_test.h"

namespace kinglet {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

Document Pages(std::string_view title, std::span<const std::string> pages) {
  DocumentBuilder builder;
  builder.SetTitle(title);
  for (std::size_t line = 5; const std::string& page : pages) {
    builder.AtLine(line += 7, DocumentBuilder::Lines::kOwn);
    builder.BeginPage();
    builder.AddHeading(1, "About " + page);
    builder.AddParagraph(page + " lays eggs. Größe \"zählt\".");
  }
  return std::move(builder).Finish();
}

class LibraryExportTest : public LibraryFolderTest {
 protected:
  Library Open(const char* name) const {
    return Library::Open(folder_ / name, LibraryMode::kWrite).value();
  }

  static void Put(Library& library, const std::string& uri, std::span<const std::string> pages) {
    const Document document = Pages("Birds", pages);
    ASSERT_TRUE(library.Put({.uri = uri,
                             .media_type = "application/pdf",
                             .digest = Sha256::HexOf(document.text),
                             .size_bytes = 7,
                             .modified_ns = 1'700'000'000'123'456'789},
                            document, 1'700'000'000));
  }

  static std::vector<std::string> Export(Library& library) {
    std::vector<std::string> lines;
    EXPECT_TRUE(library.Export([&](const std::string& line) -> Result<void> {
      lines.push_back(line);
      return {};
    }));
    return lines;
  }

  // What the sink was told last, and the error if there is one.
  struct Imported {
    ImportCounts counts;
    Result<void> result;
  };
  static Imported Import(Library& library, std::span<const std::string> lines,
                         std::int64_t stop_after = 1000) {
    Imported imported;
    std::size_t next = 0;
    imported.result = ImportLibrary(
        library,
        [&]() -> Result<std::optional<std::string>> {
          if (next == lines.size()) return std::nullopt;
          return lines[next++];
        },
        [&](const ImportCounts& counts) {
          imported.counts = counts;
          return counts.done() < stop_after;
        });
    return imported;
  }
};

// Which passages, where they stand, how good.
std::vector<std::string> Found(Library& library, std::string_view query) {
  std::vector<std::string> found;
  const std::vector<Passage> passages = Search(library, query, 10).value();
  for (const Passage& passage : passages) {
    found.push_back(fmt::format("{} {} {} {} {} {} {}", passage.document, passage.heading,
                                passage.page.value_or(0),
                                passage.LineAt(passage.start_byte).value(), passage.start_byte,
                                passage.text, passage.score));
  }
  return found;
}

TEST_F(LibraryExportTest, WhatComesInIsWhatWentOut) {
  Library library = Open("from");
  // In another order than their names; one is replaced, so that its place is the last.
  const std::string hens[] = {"a hen", "a duck"};
  Put(library, "/c", hens);
  Put(library, "/a", hens);
  Put(library, "/b\xFF", std::span(hens).first(1));
  Put(library, "/c", std::span(hens).last(1));
  const std::vector<std::string> lines = Export(library);
  ASSERT_THAT(lines, SizeIs(4));

  Library copy = Open("to");
  const Imported imported = Import(copy, lines);
  ASSERT_TRUE(imported.result) << imported.result.error().message();
  EXPECT_EQ(imported.counts.added, 3);
  EXPECT_EQ(Export(copy), lines);
  EXPECT_THAT(copy.Verify().value().problems, IsEmpty());
  for (const char* query : {"hen", "Which ducks lay eggs?", "birds"}) {
    EXPECT_EQ(Found(copy, query), Found(library, query)) << query;
    EXPECT_FALSE(Found(copy, query).empty());
  }
}

TEST_F(LibraryExportTest, KeepsWhatIsThereAndReplacesWhatIsNot) {
  Library library = Open("from");
  const std::string birds[] = {"a hen", "a duck"};
  Put(library, "/a", birds);
  Put(library, "/b", birds);
  const std::vector<std::string> lines = Export(library);
  Put(library, "/b", std::span(birds).first(1));
  const Imported imported = Import(library, lines);
  ASSERT_TRUE(imported.result);
  EXPECT_EQ(imported.counts.unchanged, 1);
  EXPECT_EQ(imported.counts.replaced, 1);
  EXPECT_EQ(Export(library), lines);
}

TEST_F(LibraryExportTest, AnEmptyLibraryIsAFirstLine) {
  Library library = Open("from");
  const std::vector<std::string> lines = Export(library);
  EXPECT_THAT(lines, ElementsAre(R"({"format":"kinglet-library","version":1,"documents":0})"));
  EXPECT_TRUE(Import(library, lines).result);
}

TEST_F(LibraryExportTest, AnImportThatIsStoppedKeepsWhatItHas) {
  Library library = Open("from");
  const std::string birds[] = {"a hen"};
  for (const char* uri : {"/a", "/b", "/c"}) Put(library, uri, birds);
  const std::vector<std::string> lines = Export(library);
  Library copy = Open("to");
  EXPECT_EQ(Import(copy, lines, 2).result.error().code(), StatusCode::kCancelled);
  EXPECT_THAT(copy.ListDocuments().value(), SizeIs(2));
  const Imported rest = Import(copy, lines);
  EXPECT_TRUE(rest.result);
  EXPECT_EQ(rest.counts.unchanged, 2);
  EXPECT_EQ(Export(copy), lines);
}

TEST_F(LibraryExportTest, ReportsAWriterThatFails) {
  Library library = Open("from");
  const auto full = library.Export(
      [](const std::string&) { return Error(StatusCode::kFailed, "the disk is full"); });
  EXPECT_EQ(full.error().message(), "the disk is full");
  const std::string birds[] = {"a hen"};
  Put(library, "/a", birds);  // no transaction is left open
}

TEST_F(LibraryExportTest, NamesTheLineThatIsWrong) {
  Library library = Open("from");
  const std::string birds[] = {"a hen"};
  Put(library, "/a", birds);
  Put(library, "/b", birds);
  const std::vector<std::string> lines = Export(library);
  const auto import_error = [&](const std::vector<std::string>& changed) {
    fs::remove_all(folder_ / "to");
    Library copy = Open("to");
    const Imported imported = Import(copy, changed);
    EXPECT_FALSE(imported.result);
    EXPECT_EQ(imported.result.error().code(), StatusCode::kInvalidInput);
    EXPECT_THAT(copy.ListDocuments().value(), SizeIs(imported.counts.done()));
    return imported.result.error().message();
  };
  EXPECT_THAT(import_error({}), HasSubstr("line 1: not what kinglet library export writes"));
  EXPECT_THAT(import_error({"{}"}), HasSubstr("line 1: not what kinglet library export writes"));
  EXPECT_EQ(import_error({R"({"format":"kinglet-library","version":2,"documents":0})"}),
            "line 1: version 2, and this kinglet reads version 1");
  EXPECT_EQ(import_error({lines[0], lines[1]}), "line 3: the file ends after 1 of 2 documents");
  EXPECT_EQ(import_error({lines[0], lines[1], lines[2], lines[2]}),
            "line 4: more documents than the first line says");
  EXPECT_THAT(import_error({lines[0], lines[1], "{"}), HasSubstr("line 3: not JSON at byte 1"));
}

TEST_F(LibraryExportTest, ObeysThePolicyOfWhereItGoes) {
  Library library = Open("from");
  const std::string pages[] = {"Jane (jane@doe.example)", "a hen"};
  Put(library, "/a", pages);
  Put(library, "/b", std::span(pages).last(1));
  const std::vector<std::string> lines = Export(library);

  Library keeping = Open("keeping");
  EXPECT_EQ(Import(keeping, lines).counts.added, 2);
  EXPECT_EQ(Export(keeping), lines);

  Library masking = Open("masking");
  ASSERT_TRUE(masking.SetPersonalDataPolicy(PersonalDataPolicy::kMask));
  EXPECT_EQ(Import(masking, lines).counts.added, 2);
  EXPECT_EQ(Import(masking, lines).counts.unchanged, 2);
  const DocumentDetails masked = masking.ShowDocument("/a").value();
  EXPECT_EQ(masked.text.find("jane@doe"), std::string::npos);
  EXPECT_THAT(masked.text, HasSubstr("Jane ([email]) lays eggs"));
  EXPECT_EQ(masked.chunks[0].heading, "About Jane ([email])");
  const DocumentDetails whole = library.ShowDocument("/a").value();
  EXPECT_EQ(masked.text.substr(masked.pages[1]), whole.text.substr(whole.pages[1]));
  EXPECT_THAT(masking.Verify().value().problems, IsEmpty());

  Library refusing = Open("refusing");
  EXPECT_EQ(Import(refusing, lines).counts.added, 2);
  ASSERT_TRUE(refusing.SetPersonalDataPolicy(PersonalDataPolicy::kRefuse));
  const Imported imported = Import(refusing, lines);
  EXPECT_EQ(imported.counts.refused, 1);
  EXPECT_EQ(imported.counts.unchanged, 1);
  EXPECT_THAT(refusing.ListDocuments().value(), SizeIs(1));
  ASSERT_THAT(refusing.ListProblems().value(), SizeIs(1));
  EXPECT_THAT(refusing.ListProblems()->front().reason, HasSubstr("2 email"));  // in a heading, too
}

class ExportLineTest : public LibraryExportTest {
 protected:
  ExportLineTest() {
    Library library = Open("from");
    const std::string birds[] = {"a hen", "a duck"};
    Put(library, "/a", birds);
    line_ = ParseJson(Export(library)[1]).value().as_object();
  }

  std::string ErrorOf(const json::object& line) {
    const auto details = ParseExportLine(ToJson(line));
    if (details) return "none";
    EXPECT_EQ(details.error().code(), StatusCode::kInvalidInput);
    return details.error().message();
  }
  // Where that member is another.
  template <typename Value>
  std::string ErrorWith(const char* key, const Value& value) {
    json::object line = line_;
    line[key] = value;
    return ErrorOf(line);
  }
  std::string ErrorWithChunks(std::int64_t begin, std::int64_t end, const char* heading = "") {
    return ErrorWith(
        "chunks",
        json::array{json::object{{"heading", heading}, {"start_byte", begin}, {"end_byte", end}}});
  }

  json::object line_;
};

TEST_F(ExportLineTest, RefusesALineWithoutAnyOfItsMembers) {
  EXPECT_EQ(ErrorOf(line_), "none");
  for (const auto& member : line_) {
    if (member.key() == "lines") continue;  // earlier versions have none
    json::object line = line_;
    line.erase(member.key());
    EXPECT_THAT(ErrorOf(line), HasSubstr(fmt::format("\"{}\"", std::string_view(member.key()))));
    EXPECT_NE(ErrorWith(std::string(member.key()).c_str(), json::object()), "none");
  }
  for (const char* line : {"", "[]", "1", "null", "{\"text\":\"\xFF\"}", "[[[[[[[[[["}) {
    EXPECT_EQ(ParseExportLine(line).error().code(), StatusCode::kInvalidInput) << line;
  }
}

TEST_F(ExportLineTest, RefusesWhatALibraryWouldNotKeep) {
  const std::string text(line_["text"].as_string());
  EXPECT_THAT(ErrorWith("text", text + "."), HasSubstr("changed or cut"));
  EXPECT_THAT(ErrorWith("text", text + "\x1B"), HasSubstr("control characters"));
  EXPECT_THAT(ErrorWith("title", "a\nb"), HasSubstr("control characters"));
  EXPECT_THAT(ErrorWith("document", ""), HasSubstr("no name"));
  EXPECT_THAT(ErrorWith("document", std::string(1, '\0')), HasSubstr("no name"));
  EXPECT_THAT(ErrorWith("document", json::array{256}), HasSubstr("nor its bytes"));
  EXPECT_THAT(ErrorWith("media_type", "text/\x1B[2J"), HasSubstr("is none"));
  EXPECT_THAT(ErrorWith("digest", std::string(64, 'G')), HasSubstr("no SHA-256"));
  EXPECT_THAT(ErrorWith("size_bytes", -1), HasSubstr("below zero"));
  EXPECT_THAT(ErrorWith("modified_ns", 1.5), HasSubstr("whole number"));
  EXPECT_THAT(ErrorWith("ingested_at", "2026-02-30T00:00:00Z"), HasSubstr("no time"));
}

TEST_F(ExportLineTest, RefusesChunksAndPagesThatAreNotInTheText) {
  const auto size = static_cast<std::int64_t>(line_["text"].as_string().size());
  const auto umlaut = static_cast<std::int64_t>(line_["text"].as_string().find("ö"));
  EXPECT_EQ(ErrorWithChunks(0, size), "none");
  EXPECT_THAT(ErrorWithChunks(0, size + 1), HasSubstr("beyond the text"));
  EXPECT_THAT(ErrorWithChunks(-1, size), HasSubstr("beyond the text"));
  EXPECT_THAT(ErrorWithChunks(3, 3), HasSubstr("out of order"));
  EXPECT_THAT(ErrorWithChunks(0, umlaut + 1), HasSubstr("cuts a character"));
  EXPECT_THAT(ErrorWithChunks(0, 2, "\x1B"), HasSubstr("control characters"));
  const json::object chunk{{"heading", ""}, {"start_byte", 0}, {"end_byte", 2}};
  EXPECT_THAT(ErrorWith("chunks", json::array{chunk, chunk}), HasSubstr("chunk 1 is out of order"));
  EXPECT_EQ(ErrorWith("pages", json::array{0, 0, size}), "none");
  EXPECT_THAT(ErrorWith("pages", json::array{2, 1}), HasSubstr("page 2 is out of order"));
  EXPECT_THAT(ErrorWith("pages", json::array{size + 1}), HasSubstr("page 1 is"));
  EXPECT_THAT(ErrorWith("pages", json::array{-1}), HasSubstr("page 1 is"));
}

TEST_F(ExportLineTest, RefusesLinesThatAreNone) {
  const auto mark = [](const json::value& byte, const json::value& line,
                       const json::value& counts) {
    return json::object{{"start_byte", byte}, {"line", line}, {"counts", counts}};
  };
  EXPECT_EQ(ErrorWith("lines", json::array{}), "none");
  EXPECT_EQ(ErrorWith("lines", json::array{mark(0, 1, true), mark(3, 1, false)}), "none");
  EXPECT_THAT(ErrorWith("lines", 1), HasSubstr("not an array"));
  EXPECT_THAT(ErrorWith("lines", json::array{mark(0, 0, true)}), HasSubstr("mark 0"));
  EXPECT_THAT(ErrorWith("lines", json::array{mark(0, 1, 1)}), HasSubstr("mark 0"));
  EXPECT_THAT(ErrorWith("lines", json::array{mark(-1, 1, true)}), HasSubstr("mark 0"));
  EXPECT_THAT(ErrorWith("lines", json::array{mark(0, std::int64_t{1} << 40, true)}),
              HasSubstr("mark 0"));
  EXPECT_THAT(ErrorWith("lines", json::array{mark(3, 1, true), mark(2, 2, true)}),
              HasSubstr("out of order"));
  line_.erase("lines");
  EXPECT_EQ(ErrorWith("title", "of an earlier version"), "none");
}

TEST_F(ExportLineTest, RefusesAChunkThatNoPromptWouldHold) {
  const std::string text(4000, 'a');
  line_["text"] = text;
  line_["text_bytes"] = text.size();
  line_["text_digest"] = Sha256::HexOf(text);
  EXPECT_THAT(ErrorWithChunks(0, 4000), HasSubstr("4000 bytes, more than 3000"));
}

}  // namespace
}  // namespace kinglet
