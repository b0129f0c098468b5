// SPDX-License-Identifier: Apache-2.0
// Tables, records, notebooks and sources against the blocks they must become, and what nobody wrote
// in good faith.
#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/display.h"
#include "knowledge/chunker.h"
#include "knowledge/extractor.h"

namespace kinglet {
namespace {

Result<Document> TryExtract(const std::filesystem::path& path, std::string_view bytes,
                            const ExtractLimits& limits = {}) {
  const Format* format = FindFormat(path, bytes, UnknownSuffix::kReadAsText);
  if (format == nullptr) return Error(StatusCode::kNotFound, "no format");
  return ExtractDocument(path, bytes, *format, limits);
}

Document Extract(const std::filesystem::path& path, std::string_view bytes) {
  Result<Document> document = TryExtract(path, bytes);
  EXPECT_TRUE(document) << document.error().message();
  return document ? *std::move(document) : Document();
}

std::string Text(const std::filesystem::path& path, std::string_view bytes) {
  return Extract(path, bytes).text;
}

StatusCode Refusal(const std::filesystem::path& path, std::string_view bytes) {
  const Result<Document> document = TryExtract(path, bytes);
  EXPECT_FALSE(document);
  return document ? StatusCode::kUsage : document.error().code();
}

std::string Message(const std::filesystem::path& path, std::string_view bytes) {
  const Result<Document> document = TryExtract(path, bytes);
  return document ? "" : document.error().message();
}

std::vector<std::string> Blocks(const Document& document) {
  std::vector<std::string> blocks;
  for (const Block& block : document.blocks) {
    blocks.emplace_back(block.range.Of(document.text));
  }
  return blocks;
}

// "line: block", of the original.
std::vector<std::string> Lines(const Document& document) {
  std::vector<std::string> lines;
  for (const Block& block : document.blocks) {
    const auto line = LineAt(document.lines, document.text, 0, block.range.begin);
    lines.push_back(fmt::format("{}: {}", line.value_or(0), block.range.Of(document.text)));
  }
  EXPECT_TRUE(CheckDocument(document));
  return lines;
}

std::size_t LineOf(const Document& document, std::string_view words) {
  return LineAt(document.lines, document.text, 0, document.text.find(words)).value_or(0);
}

// Whatever is cut off, what is left is a document or an error.
void ExpectToSurviveTruncation(const std::filesystem::path& path, const std::string& bytes) {
  for (std::size_t end = 0; end < bytes.size(); ++end) {
    const Result<Document> document = TryExtract(path, std::string_view(bytes).substr(0, end));
    EXPECT_TRUE(!document || IsUtf8(document->text)) << end;
  }
}

TEST(LinesOfTheOriginal, OfPlainText) {
  const Document document =
      Extract("a.txt", "\n\nHens lay.\r\nThey sit.\r\n \n\n\nGeese hiss.\n\f\nDucks\nswim.");
  EXPECT_EQ(Lines(document), (std::vector<std::string>{"3: Hens lay.\nThey sit.", "8: Geese hiss.",
                                                       "10: Ducks\nswim."}));
  EXPECT_EQ(LineOf(document, "They"), 4U);
  EXPECT_EQ(LineOf(document, "swim"), 11U);
}

TEST(LinesOfTheOriginal, OfSourceCode) {
  std::string source = "import hens\n\n\n";
  for (int i = 0; i < 40; ++i) {
    source += fmt::format("def lay_{}():\n    eggs = {}\n\n    return eggs\n\n\n", i, i);
  }
  const Document document = Extract("a.py", source);
  EXPECT_GT(document.blocks.size(), 2U);
  EXPECT_EQ(LineOf(document, "import"), 1U);
  EXPECT_EQ(LineOf(document, "def lay_0"), 4U);
  EXPECT_EQ(LineOf(document, "eggs = 39"), 4U + 39 * 6 + 1);
}

TEST(LinesOfTheOriginal, OfRowsAndRecords) {
  EXPECT_EQ(Lines(Extract("a.csv", "sep=;\nname;eggs\n\n\"B\nC\";3\nD;4\n")),
            (std::vector<std::string>{"4: name: B C; eggs: 3", "6: name: D; eggs: 4"}));
  const Document records =
      Extract("a.jsonl", "{\"a\": 1, \"b\": 2}\n\n{\"a\": 3, \"b\": \"x\\ny\"}\n{\"a\": 5}\n");
  EXPECT_EQ(LineOf(records, "b: 2"), 1U);
  EXPECT_EQ(LineOf(records, "a: 3"), 3U);
  EXPECT_EQ(LineOf(records, "y"), 3U);
  EXPECT_EQ(LineOf(records, "a: 5"), 4U);
}

TEST(LinesOfTheOriginal, OfMarkdown) {
  const Document document = Extract(
      "a.md",
      "---\ntitle: Hens\n---\n\n# Eggs &amp;\n\n\nA hen\nlays.  \nDaily.\n\n- one\n- two\n\n  "
      "more\n"
      "  - three\n\n```\nint a;\n\nint b;\n```\n\n| k | v |\n|---|---|\n| x | y |\n| z | w |\n\n"
      "> said\n> *she*\n\n<b>Raw</b>\n\nSetext\n======\nThe end.\n");
  EXPECT_EQ(Lines(document),
            (std::vector<std::string>{"5: Eggs &", "8: A hen lays.\nDaily.", "12: - one",
                                      "13: - two", "15: more", "16: - three",
                                      "19: int a;\n\nint b;", "26: k: x; v: y", "27: k: z; v: w",
                                      "29: said she", "32: Raw", "34: Setext", "36: The end."}));
  EXPECT_EQ(LineOf(document, "int b;"), 21U);
}

TEST(LinesOfTheOriginal, AreNotToldWhereNobodyKnowsThem) {
  for (const char* name : {"a.html", "a.json", "a.ipynb"}) {
    const auto document = TryExtract(name,
                                     "{\"cells\": [{\"cell_type\": \"markdown\", "
                                     "\"source\": \"hen\"}], \"nbformat\": 4}");
    ASSERT_TRUE(document) << name;
    EXPECT_FALSE(document->text.empty()) << name;
    EXPECT_TRUE(document->lines.empty()) << name;
  }
}

TEST(ExtractCsv, NamesTheColumnInEachRow) {
  const Document document = Extract("hens.csv", "name,eggs\nBerta,3\nGisela,\n");
  EXPECT_EQ(Blocks(document), (std::vector<std::string>{"name: Berta; eggs: 3", "name: Gisela"}));
  EXPECT_EQ(document.blocks[0].kind, BlockKind::kTableRow);
  EXPECT_EQ(document.title, "hens.csv");
}

TEST(ExtractCsv, WritesRowsAsAPageDoes) {
  const std::string page =
      "<table><tr><th>name<th>eggs<tr><td>Berta<td>3<tr><td>Gisela<td>5</table>";
  EXPECT_EQ(Text("a.csv", "name,eggs\nBerta,3\nGisela,5\n"), Text("a.html", page));
}

TEST(ExtractCsv, TellsTheDelimiterFromTheFirstRows) {
  const std::string expected = "a: 1; b: x";
  for (const char* text :
       {"a,b\n1,x", "a;b\n1;x", "a\tb\n1\tx", "a|b\n1|x", "sep=;\na;b\n1;x", "sep=%\na%b\n1%x"}) {
    EXPECT_EQ(Text("t.csv", text), expected) << text;
  }
  EXPECT_EQ(Text("t.csv", "item;price\ntea;1,50\nmilk;0,99\nbread, dark;2,10\n"),
            "item: tea; price: 1,50\nitem: milk; price: 0,99\nitem: bread, dark; price: 2,10");
  EXPECT_EQ(Text("t.csv", "1,5;2,5\n3,5;4,5\n"), "1,5 | 2,5\n3,5 | 4,5");
  EXPECT_EQ(Text("t.csv", "word\none\ntwo\n"), "word: one\nword: two");
}

TEST(ExtractCsv, ReadsTabsWhereTheNameSaysSo) {
  EXPECT_EQ(Text("t.tsv", "a, b\tc\n1, 2\t3\n"), "a, b: 1, 2; c: 3");
  EXPECT_EQ(FindFormat("t.tsv", "x", UnknownSuffix::kSkip)->media_type,
            "text/tab-separated-values");
  EXPECT_EQ(FindFormat("t.csv", "x", UnknownSuffix::kSkip)->media_type, "text/csv");
}

TEST(ExtractCsv, ReadsQuotedFields) {
  EXPECT_EQ(
      Text("t.csv", "name,note\r\n\"Smith, J.\",\"says \"\"hi\"\"\r\nand goes\"\r\nx, \"y\" z\r\n"),
      "name: Smith, J.; note: says \"hi\" and goes\nname: x; note: y z");
  EXPECT_EQ(Text("t.csv", "part,size\npipe,5\" wide\n"), "part: pipe; size: 5\" wide");
  EXPECT_EQ(Text("t.csv", "a,b\n1,\"never closed\n2,x\n"), "a: 1; b: never closed 2,x");
}

TEST(ExtractCsv, ReadsMarksAndLineBreaksOfAnyKind) {
  EXPECT_EQ(Text("t.csv", "\xEF\xBB\xBFname,town\r\nZo\xC3\xAB,K\xC3\xB6ln\r\n"),
            "name: Zoë; town: Köln");
  EXPECT_EQ(Text("t.csv", "a,b\r1,2\r"), "a: 1; b: 2");
  EXPECT_EQ(Text("t.csv", std::string_view("\xFF\xFE"
                                           "a\0\t\0b\0\n\0c\0\t\0d\0",
                                           16)),
            "a: c; b: d");
}

TEST(ExtractCsv, ReadsRowsOfAnyLength) {
  EXPECT_EQ(Text("t.csv", "a,b,c\n1\n1,2\n1,2,3\n1,2,3,4\n\n,,\n"),
            "a: 1\na: 1; b: 2\na: 1; b: 2; c: 3\na: 1; b: 2; c: 3; 4");
}

TEST(ExtractCsv, TellsAHeaderFromData) {
  EXPECT_EQ(Text("t.csv", "1,2\n3,4\n"), "1 | 2\n3 | 4");
  EXPECT_EQ(Text("t.csv", "2024-03-05,x\n2024-03-06,y\n"), "2024-03-05 | x\n2024-03-06 | y");
  EXPECT_EQ(Text("t.csv", "x,x\na,b\n"), "x | x\na | b");
  EXPECT_EQ(Text("t.csv", "x,,y\na,b,c\n"), "x | y\na | b | c");
  EXPECT_EQ(Text("t.csv", ",x,y\n0,b,c\n"), "0; x: b; y: c") << "as pandas numbers its rows";
  EXPECT_EQ(Text("t.csv", "x,y,,\na,b,,\n"), "x: a; y: b");
  EXPECT_EQ(Text("t.csv", "only,names\n"), "only | names");
}

TEST(ExtractCsv, BoundsColumnsAndFields) {
  EXPECT_EQ(Refusal("t.csv", std::string(1'000'000, ',')), StatusCode::kLimitExceeded);
  EXPECT_NE(Message("t.csv", "a,b\n" + std::string(1'000'000, ',')).find("line 2"),
            std::string::npos);
  const std::string open = "a,b\n1,2\n3,\"" + std::string(20 << 20, 'x');
  EXPECT_EQ(Refusal("t.csv", open), StatusCode::kLimitExceeded);
  EXPECT_NE(Message("t.csv", open).find("line 3: a field of more than 1048576 bytes"),
            std::string::npos);
  std::string lines = "a,b\n1,\"";
  while (lines.size() < (4U << 20)) lines += "x,y\n";
  EXPECT_EQ(Refusal("t.csv", lines), StatusCode::kLimitExceeded);
}

TEST(ExtractCsv, StopsWhereNamesOfColumnsMakeTooMuchText) {
  std::string table;
  for (int i = 0; i < 1000; ++i) table += fmt::format("{}{:0>190}", i == 0 ? "" : ",", i) + "x";
  std::string row = "\n";
  for (int i = 0; i < 1000; ++i) row += i == 0 ? "1" : ",1";
  for (int i = 0; i < 1000; ++i) table += row;
  EXPECT_EQ(Refusal("t.csv", table), StatusCode::kLimitExceeded);
}

TEST(ExtractCsv, SurvivesWhatIsCutOff) {
  ExpectToSurviveTruncation("t.csv", "\xEF\xBB\xBFna\xC3\xAFve,\"b\"\"\r\nc\"\r\n\"1\",2;3\r\n");
  EXPECT_EQ(Text("t.csv", ""), "");
  EXPECT_EQ(Text("t.csv", "\"\n,\"\"\n\"\"\""), ",\" \"");
  std::string nul(2000, 'x');
  nul += std::string_view(",\0,\n", 4);
  EXPECT_EQ(Text("t.csv", nul), std::string(2000, 'x'));
}

TEST(ExtractJson, WritesARecordAsLines) {
  EXPECT_EQ(Text("a.json", R"({"host": "hen.example", "port": 8080, "tls": true, "ratio": 0.25,
      "none": null, "empty": "", "tags": ["a", "b", 3], "owner": {"name": "Ann",
      "address": {"town": "Ulm"}}})"),
            "host: hen.example\nport: 8080\ntls: true\nratio: 0.25\ntags: a, b, 3\n"
            "owner.name: Ann\nowner.address.town: Ulm");
}

TEST(ExtractJson, MakesABlockOfEachRecordOfAList) {
  const Document document = Extract("a.json", R"([{"name": "Berta", "eggs": [3, 4]},
      {"name": "Gisela", "lines": [{"sku": "A1", "n": 2}, {"sku": "B2"}]}])");
  EXPECT_EQ(Blocks(document), (std::vector<std::string>{
                                  "name: Berta\neggs: 3, 4",
                                  "name: Gisela\nlines.1.sku: A1\nlines.1.n: 2\nlines.2.sku: B2"}));
}

TEST(ExtractJson, MakesABlockOfEachRecordThatHasAName) {
  EXPECT_EQ(Blocks(Extract("a.json", R"({"Berta": {"eggs": 3, "age": 2}, "Gisela": {"eggs": 5}})")),
            (std::vector<std::string>{"Berta.eggs: 3\nBerta.age: 2", "Gisela.eggs: 5"}));
}

TEST(ExtractJson, MakesSectionsOfListsInAnObject) {
  const Document document =
      Extract("a.json", R"({"hens": [{"name": "Berta"}, {"name": "Gisela"}], "farm": "Hill",
      "grid": [[1, 2], [3, 4]], "loose": ["x", {"a": 1}, null, "y"]})");
  EXPECT_EQ(Blocks(document),
            (std::vector<std::string>{"farm: Hill", "hens", "name: Berta", "name: Gisela", "grid",
                                      "1 | 2", "3 | 4", "loose", "- x", "a: 1", "- y"}));
  EXPECT_EQ(document.headings[document.blocks[3].heading], "hens");
  EXPECT_EQ(document.headings[document.blocks[0].heading], "");
}

TEST(ExtractJson, SetsLongTextsApartUnderTheirNames) {
  const std::string prose = "Hens lay.\\n\\nThey sleep.";
  const Document document =
      Extract("a.json", R"([{"title": "Hens", "id": 7, "body": ")" + prose + R"("}])");
  EXPECT_EQ(Blocks(document), (std::vector<std::string>{"Hens", "title: Hens\nid: 7", "body",
                                                        "Hens lay.", "They sleep."}));
  EXPECT_EQ(document.headings[document.blocks[4].heading], "Hens > body");
  EXPECT_EQ(document.blocks[4].kind, BlockKind::kParagraph);
  const std::string text(250, 'x');
  EXPECT_EQ(Text("a.json", R"({"a": {"note": ")" + text + R"("}})"), "a.note\n\n" + text);
}

TEST(ExtractJson, TakesItsTitle) {
  EXPECT_EQ(Extract("a.json", R"({"title": "Hens", "name": "x"})").title, "Hens");
  EXPECT_EQ(Extract("a.json", R"({"name": "kinglet", "title": 3})").title, "kinglet");
  EXPECT_EQ(Extract("a.json", R"([{"name": "kinglet"}])").title, "a.json");
}

TEST(ExtractJson, MakesSectionsOfWhatIsTooLargeForARecord) {
  std::string large = R"({"version": 2, "packages": {)";
  for (int i = 0; i < 300; ++i) {
    large += fmt::format(R"({}"p{}": {{"version": "1.{}"}})", i == 0 ? "" : ",", i, i);
  }
  const Document document = Extract("a.json", large + "}}");
  EXPECT_EQ(document.headings.back(), "packages");
  EXPECT_EQ(Blocks(document)[0], "version: 2");
  EXPECT_NE(document.text.find("p299.version: 1.299"), std::string::npos);
  for (const Chunk& chunk : ChunkDocument(document)) EXPECT_LE(chunk.range.size(), 1500U);
}

TEST(ExtractJson, ReadsScalarsAndOtherEncodings) {
  EXPECT_EQ(Text("a.json", "\"just a text\""), "just a text");
  EXPECT_EQ(Text("a.json", "12345678901234"), "12345678901234");
  EXPECT_EQ(Text("a.json", "\xEF\xBB\xBF{\"a\": \"\\u00e9\"}"), "a: é");
  EXPECT_EQ(Text("a.json", "{\"a\": \"caf\xE9\"}"), "a: café");
  EXPECT_EQ(Text("a.json", R"({"a": "b\u0000c\u001b[2J"})"), "a: bc[2J");
}

TEST(ExtractJson, RefusesWhatIsNoneOrNestsTooDeep) {
  EXPECT_EQ(Refusal("a.json", R"({"a": 1)"), StatusCode::kInvalidInput);
  EXPECT_NE(Message("a.json", R"({"a": 1,})").find("byte"), std::string::npos);
  EXPECT_EQ(Refusal("a.json", std::string(100'000, '[')), StatusCode::kInvalidInput);
  EXPECT_NE(Message("a.json", std::string(100'000, '[')).find("deep"), std::string::npos);
  std::string objects;
  for (int i = 0; i < 10'000; ++i) objects += "{\"a\":";
  EXPECT_NE(Message("a.json", objects).find("deep"), std::string::npos);
}

TEST(ExtractJson, StopsWhereNamesMakeTooMuchText) {
  const std::string name(190, 'n');
  std::string deep;
  std::string close;
  for (int i = 0; i < 60; ++i) {
    deep += "{\"" + name + "\":";
    close += "}";
  }
  std::string leaves = "{";
  for (int i = 0; i < 90; ++i) leaves += fmt::format("{}\"{}\":1", i == 0 ? "" : ",", i);
  std::string list = "[";
  for (int i = 0; i < 200; ++i) list += (i == 0 ? "" : ",") + deep + leaves + "}" + close;
  EXPECT_EQ(Refusal("a.json", list + "]"), StatusCode::kLimitExceeded);
}

TEST(ExtractJson, SurvivesWhatIsCutOff) {
  ExpectToSurviveTruncation("a.json", R"({"t": "\u00e9x", "l": [{"a": [1, [2]]}, null], "o": {}})");
  ExpectToSurviveTruncation("a.jsonl", "{\"t\": \"\xC3\xA9\"}\n[1, 2]\n\n{\"o\": {}}\n");
}

TEST(ExtractJsonLines, ReadsARecordALine) {
  const Document document =
      Extract("a.jsonl", "{\"q\": \"Why?\", \"n\": 1}\r\n\n{\"q\": \"How?\"}\n[1, 2]\n\"x\"");
  EXPECT_EQ(Blocks(document),
            (std::vector<std::string>{"q: Why?\nn: 1", "q: How?", "1 | 2", "- x"}));
  EXPECT_EQ(Text("a.json", "{\"q\": 1}\n{\"q\": 2}\n"), "q: 1\n\nq: 2");
}

TEST(ExtractJsonLines, NamesTheLineThatIsBroken) {
  EXPECT_EQ(Refusal("a.ndjson", "{\"a\": 1}\n\n{\"a\": \n"), StatusCode::kInvalidInput);
  EXPECT_TRUE(Message("a.ndjson", "{\"a\": 1}\n\n{\"a\": \n").starts_with("line 3: "));
}

TEST(ExtractNotebook, ReadsTextsAndCodeButNoOutputs) {
  const Document document = Extract("a.ipynb", R"({"nbformat": 4, "metadata": {}, "cells": [
      {"cell_type": "markdown", "source": ["# Eggs\n", "\n", "We *count* them."]},
      {"cell_type": "code", "source": "n = 3\n\nprint(n)\n",
       "outputs": [{"output_type": "stream", "text": ["out of the machine"]}]},
      {"cell_type": "markdown", "source": "---\n\n## More\n---\n"},
      {"cell_type": "raw", "source": "Raw."}]})");
  EXPECT_EQ(document.title, "Eggs");
  EXPECT_EQ(Blocks(document), (std::vector<std::string>{"Eggs", "We count them.",
                                                        "n = 3\n\nprint(n)", "More", "Raw."}));
  EXPECT_EQ(document.blocks[2].kind, BlockKind::kCode);
  EXPECT_EQ(document.headings[document.blocks[4].heading], "Eggs > More");
}

TEST(ExtractNotebook, ReadsTheOldVersion) {
  const Document document = Extract("a.ipynb", R"({"nbformat": 3, "metadata": {"title": "Old"},
      "worksheets": [{"cells": [{"cell_type": "heading", "level": 2, "source": ["Eggs"]},
      {"cell_type": "code", "input": ["1 + 1"], "outputs": []}]}]})");
  EXPECT_EQ(document.title, "Old");
  EXPECT_EQ(Blocks(document), (std::vector<std::string>{"Eggs", "1 + 1"}));
}

TEST(ExtractNotebook, RefusesOtherJson) {
  EXPECT_EQ(Refusal("a.ipynb", "{}"), StatusCode::kInvalidInput);
  EXPECT_EQ(Refusal("a.ipynb", R"({"cells": 3})"), StatusCode::kInvalidInput);
  EXPECT_EQ(Text("a.ipynb", R"({"cells": [3, {"cell_type": "code"}, {"source": [1]}]})"), "");
}

TEST(ExtractSourceCode, CutsBeforeDefinitions) {
  const std::string code =
      "# Counts eggs.\n# By Ann.\n\nimport os\n\n\ndef count(hens):\n    n = 0\n\n    return "
      "n\n\n\n"
      "def main():\n    pass\n";
  const Document document = Extract("eggs.py", code);
  EXPECT_EQ(Blocks(document),
            (std::vector<std::string>{"# Counts eggs.\n# By Ann.", "import os",
                                      "def count(hens):\n    n = 0\n\n    return n",
                                      "def main():\n    pass"}));
  EXPECT_EQ(document.blocks[2].kind, BlockKind::kCode);
  EXPECT_EQ(document.title, "eggs.py");
}

TEST(ExtractSourceCode, KeepsWhatClosesWithWhatItOpened) {
  EXPECT_EQ(Blocks(Extract("a.cc", "int f() {\n  g();\n\n}\n\nint h();\n")),
            (std::vector<std::string>{"int f() {\n  g();\n\n}", "int h();"}));
}

TEST(ExtractSourceCode, KeepsWholeFunctionsOfAClassInChunks) {
  std::string code = "class Hens {\n";
  for (int i = 0; i < 20; ++i) {
    code += fmt::format("\n  int Count{}() {{\n    // {}\n\n    return {};\n  }}\n", i,
                        std::string(300, 'x'), i);
  }
  const Document document = Extract("Hens.java", code + "}\n");
  for (const Chunk& chunk : ChunkDocument(document)) {
    const std::string_view text = chunk.range.Of(document.text);
    EXPECT_LE(text.size(), 1500U);
    EXPECT_EQ(std::ranges::count(text, '{') - text.starts_with("class"),
              std::ranges::count(text, '}') - text.ends_with("\n}"))
        << text;
  }
}

TEST(ExtractSourceCode, SurvivesAnyLayout) {
  std::string stairs;
  for (std::size_t i = 0; i < 3000; ++i) stairs += "\n" + std::string(i, ' ') + "x\n";
  EXPECT_FALSE(Text("a.c", stairs).empty());
  EXPECT_EQ(Text("a.c", std::string(1 << 20, '\n')), "");
  EXPECT_EQ(Text("a.c", std::string(1 << 20, 'x')).size(), 1U << 20);
  EXPECT_EQ(Text("a.c", "\n\n  }\n\n\n"), "  }");
}

TEST(FindFormat, KnowsLanguagesBySuffix) {
  EXPECT_EQ(FindFormat("a.PY", "x", UnknownSuffix::kSkip)->media_type, "text/x-python");
  EXPECT_EQ(FindFormat("a.yml", "x", UnknownSuffix::kSkip)->media_type, "text/x-yaml");
  EXPECT_EQ(FindFormat("a.tex", "x", UnknownSuffix::kSkip)->media_type, "text/x-tex");
  EXPECT_EQ(FindFormat("a.svg", "x", UnknownSuffix::kSkip), nullptr);
}

TEST(FindFormat, ReadsWhatBelongsToPagesOnRequestAlone) {
  for (const char* name : {"a.css", "a.js", "a.mjs"}) {
    EXPECT_EQ(FindFormat(name, "x", UnknownSuffix::kSkip), nullptr) << name;
    EXPECT_NE(FindFormat(name, "x", UnknownSuffix::kReadAsText), nullptr) << name;
  }
  EXPECT_EQ(FindFormat("a.js", "x", UnknownSuffix::kReadAsText)->media_type, "text/javascript");
}

}  // namespace
}  // namespace kinglet
