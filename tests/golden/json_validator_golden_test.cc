// SPDX-License-Identifier: Apache-2.0
// The validator's verdicts against those of the official suite of JSON Schema and of MaskBench.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "eval/schema_suite.h"
#include "grammar/json_validator.h"

namespace kinglet {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFileBytes = std::size_t{16} << 20;
constexpr JsonLimits kLimits = {.max_depth = 400};

struct Folder {
  const char* name;
  JsonSchemaDraft draft;
};
constexpr std::array<Folder, 5> kFolders = {{
    {"draft4", JsonSchemaDraft::k4},
    {"draft6", JsonSchemaDraft::k6},
    {"draft7", JsonSchemaDraft::k7},
    {"draft2019-09", JsonSchemaDraft::k2019},
    {"draft2020-12", JsonSchemaDraft::k2020},
}};

// Cases beside those of refRemote.json that refer to documents which are not in the schema.
constexpr std::array<std::string_view, 9> kRemoteCases = {{
    "validate definition against metaschema",
    "remote ref, containing refs itself",
    "strict-tree schema, guards against misspelled properties",
    "tests for implementation dynamic anchor and reference link",
    "$ref and $dynamicAnchor are independent of order - $defs first",
    "$ref and $dynamicAnchor are independent of order - $ref first",
    "$ref to $dynamicRef finds detached $dynamicAnchor",
    "refs to future drafts are processed as future drafts",
    "refs to historic drafts are processed as historic drafts",
}};

// $schema names a document that is not there either, and would say that "minimum" means nothing.
constexpr std::string_view kRemoteVocabulary =
    "no validation: invalid number, but it still validates";

// Draft 7 lets a validator look into contentEncoding; later ones take it for a comment.
constexpr std::string_view kContentFile = "optional/content.json";

struct Score {
  int verdicts = 0;  // all as they should be, unless a failure was added
  int refused = 0;   // cases
};

fs::path Shared(std::string_view part) {
  const char* const root = std::getenv("KINGLET_SHARED");
  return root == nullptr ? fs::path() : fs::path(root) / "data" / part;
}

bool IsRemote(std::string_view file, std::string_view name) {
  return file == "refRemote.json" || std::ranges::find(kRemoteCases, name) != kRemoteCases.end();
}

void CheckCase(const json::value& of, const ValidatorOptions& options, std::string_view file,
               Score& score) {
  const std::string name(of.at("description").as_string());
  const auto validator = JsonValidator::Create(of.at("schema"), options);
  if (IsRemote(file, name)) {
    ASSERT_FALSE(validator) << file << ", " << name;
    EXPECT_EQ(validator.error().code(), StatusCode::kInvalidInput) << file << ", " << name;
    ++score.refused;
    return;
  }
  ASSERT_TRUE(validator) << file << ", " << name << ": " << validator.error().message();
  for (const json::value& test : of.at("tests").as_array()) {
    const std::string_view what = test.at("description").as_string();
    const auto verdict = (*validator)->Validate(test.at("data"));
    EXPECT_TRUE(verdict || verdict.error().code() == StatusCode::kInvalidInput) << name;
    const bool expected = test.at("valid").as_bool() && what != kRemoteVocabulary;
    EXPECT_EQ(verdict.has_value(), expected)
        << file << ", " << name << ", " << what << ": " << ToJson(test.at("data")) << " in "
        << ToJson(of.at("schema")) << (verdict ? "" : "\n" + verdict.error().message());
    ++score.verdicts;
  }
}

Score CheckFile(const fs::path& folder, const std::string& file, const ValidatorOptions& options) {
  Score score;
  const auto text = ReadFile(folder / file, kMaxFileBytes);
  EXPECT_TRUE(text) << file;
  const auto cases = ParseJson(text.value_or("[]"), kLimits);
  EXPECT_TRUE(cases) << file;
  if (!cases) return score;
  for (const json::value& of : cases->as_array()) CheckCase(of, options, file, score);
  return score;
}

std::vector<std::string> JsonFilesIn(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") names.push_back(entry.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

TEST(JsonValidatorGolden, HasTheVerdictsOfTheSuite) {
  const fs::path suite = Shared("json-schema-test-suite/tests");
  if (suite.empty()) GTEST_SKIP() << "KINGLET_SHARED is not set";
  constexpr std::array<int, 5> kVerdicts = {597, 812, 900, 1224, 1251};
  constexpr std::array<int, 5> kRefused = {10, 13, 13, 17, 22};
  for (std::size_t i = 0; i < kFolders.size(); ++i) {
    const auto& [name, draft] = kFolders[i];
    Score all;
    for (const std::string& file : JsonFilesIn(suite / name)) {
      const Score score =
          CheckFile(suite / name, file, {.default_draft = draft, .check_formats = false});
      all.verdicts += score.verdicts;
      all.refused += score.refused;
    }
    EXPECT_EQ(all.verdicts, kVerdicts[i]) << name;
    EXPECT_EQ(all.refused, kRefused[i]) << name;
  }
}

TEST(JsonValidatorGolden, HasTheVerdictsOfTheOptionalSuite) {
  const fs::path suite = Shared("json-schema-test-suite/tests");
  if (suite.empty()) GTEST_SKIP() << "KINGLET_SHARED is not set";
  int verdicts = 0;
  for (const auto& [name, draft] : kFolders) {
    for (const std::string& file : JsonFilesIn(suite / name / "optional")) {
      const std::string path = "optional/" + file;
      if (path == kContentFile) continue;
      verdicts +=
          CheckFile(suite / name, path,
                    {.default_draft = draft, .check_formats = file == "format-assertion.json"})
              .verdicts;
    }
  }
  EXPECT_EQ(verdicts, 628);
}

TEST(JsonValidatorGolden, KnowsFormatsAsTheSuiteDoes) {
  const fs::path suite = Shared("json-schema-test-suite/tests");
  if (suite.empty()) GTEST_SKIP() << "KINGLET_SHARED is not set";
  // Formats that are not checked.
  constexpr std::array<std::string_view, 3> kUnknown = {"regex.json", "ecmascript-regex.json",
                                                        "uri-template.json"};
  int verdicts = 0;
  for (const auto& [name, draft] : kFolders) {
    for (const std::string& file : JsonFilesIn(suite / name / "optional" / "format")) {
      if (std::ranges::find(kUnknown, file) != kUnknown.end()) continue;
      verdicts +=
          CheckFile(suite / name, "optional/format/" + file, {.default_draft = draft}).verdicts;
    }
  }
  EXPECT_EQ(verdicts, 2529);
}

TEST(JsonValidatorGolden, HasTheVerdictsOfMaskBench) {
  const fs::path cases = Shared("maskbench/cases.jsonl.gz");
  if (cases.empty()) GTEST_SKIP() << "KINGLET_SHARED is not set";
  // A pattern that is none, for the format "regex".
  constexpr std::string_view kRegexCase = "JsonSchemaStore---chutzpah";
  const auto read = ReadSchemaCases(cases);
  ASSERT_TRUE(read) << read.error().message();
  int schemas = 0;
  int verdicts = 0;
  int with_regex = 0;
  for (const SchemaCase& of : *read) {
    const auto validator = JsonValidator::Create(of.schema);
    ASSERT_TRUE(validator) << of.id << ": " << validator.error().message();
    ++schemas;
    for (const SchemaCase::Test& test : of.tests) {
      const auto verdict = (*validator)->Validate(test.data);
      if (verdict && !test.valid && of.id == kRegexCase) {
        ++with_regex;
      } else {
        EXPECT_EQ(verdict.has_value(), test.valid)
            << of.id << ": " << ToJson(test.data)
            << (verdict ? "" : "\n" + verdict.error().message());
      }
      ++verdicts;
    }
  }
  EXPECT_EQ(schemas, 6653);
  EXPECT_EQ(verdicts, 21772);
  EXPECT_EQ(with_regex, 1);
}

}  // namespace
}  // namespace kinglet
