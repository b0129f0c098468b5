// SPDX-License-Identifier: Apache-2.0
// The schemas of two suites, case by case, against what is on record: a case that is not right and
// is not known to be refused fails, and nothing invalid is ever written.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "eval/schema_suite.h"
#include "grammar/grammar_constraint.h"
#include "model/vocabulary_from_gguf.h"
#include "tensor/gguf.h"

namespace kinglet {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxBytes = std::size_t{1} << 28;

fs::path Shared(std::string_view below) {
  const char* const root = std::getenv("KINGLET_SHARED");
  return root == nullptr ? fs::path() : fs::path(root) / "data" / below;
}

// The cases that are refused, a line each.
std::set<std::string> OnRecord(std::string_view name) {
  const auto text = ReadFile(fs::path(KINGLET_TEST_DATA) / "schemas" / name, kMaxBytes);
  EXPECT_TRUE(text) << text.error().message();
  std::set<std::string> lines;
  for (std::size_t at = 0; text && at < text->size();) {
    const std::size_t end = std::min(text->find('\n', at), text->size());
    lines.insert(text->substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

void Check(const std::string& id, const SchemaOutcome& outcome,
           const std::set<std::string>& known) {
  EXPECT_EQ(outcome.invalid_accepted, 0U) << id;
  if (!outcome.right()) {
    EXPECT_TRUE(known.contains(id))
        << id << ": " << outcome.valid_refused << " valid refused " << outcome.refusal;
  }
}

std::vector<SchemaCase> MaskBench() {
  const fs::path path = Shared("maskbench/cases.jsonl.gz");
  if (path.empty() || !fs::exists(path)) return {};
  auto cases = ReadSchemaCases(path);
  EXPECT_TRUE(cases) << cases.error().message();
  return cases ? *std::move(cases) : std::vector<SchemaCase>();
}

TEST(SchemaGolden, MaskBenchComesToWhatIsOnRecord) {
  const std::vector<SchemaCase> cases = MaskBench();
  if (cases.empty()) GTEST_SKIP() << "KINGLET_SHARED has no maskbench";
  const std::set<std::string> known = OnRecord("maskbench_refused.txt");
  for (std::size_t i = 0; i < cases.size(); i += KINGLET_EVERY) {
    Check(cases[i].id, RunSchemaCase(cases[i]), known);
  }
}

// Token by token, by vocabularies of four kinds.
TEST(SchemaGolden, MasksLetThroughWhatTheGrammarDoes) {
  const std::vector<SchemaCase> cases = MaskBench();
  if (cases.empty()) GTEST_SKIP() << "KINGLET_SHARED has no maskbench";
  for (const char* const name : {"llama-bpe", "qwen2", "llama-spm", "gpt-2"}) {
    const auto file = GgufFile::Open(Shared(fmt::format("tokenizers/ggml-vocab-{}.gguf", name)));
    ASSERT_TRUE(file) << file.error().message();
    auto vocabulary = ReadVocabulary(*file);
    ASSERT_TRUE(vocabulary) << vocabulary.error().message();
    const auto tokenizer = Tokenizer::Create(*std::move(vocabulary));
    ASSERT_TRUE(tokenizer) << tokenizer.error().message();
    const auto trie = MakeTokenTrie(**tokenizer);
    for (std::size_t i = 0; i < cases.size(); i += 150 * KINGLET_EVERY) {
      const SchemaOutcome plain = RunSchemaCase(cases[i]);
      const SchemaOutcome masked = RunSchemaCase(cases[i], **tokenizer, *trie);
      EXPECT_EQ(masked.right(), plain.right()) << name << ": " << cases[i].id;
      EXPECT_EQ(masked.invalid_accepted, 0U) << name << ": " << cases[i].id;
    }
  }
}

TEST(SchemaGolden, TheOfficialSuiteComesToWhatIsOnRecord) {
  const fs::path suite = Shared("json-schema-test-suite/tests");
  if (suite.empty() || !fs::exists(suite)) GTEST_SKIP() << "KINGLET_SHARED has no suite";
  const std::set<std::string> known = OnRecord("suite_refused.txt");
  for (const char* const draft : {"draft4", "draft6", "draft7", "draft2019-09", "draft2020-12"}) {
    for (const fs::directory_entry& entry : fs::directory_iterator(suite / draft)) {
      if (entry.path().extension() != ".json" || entry.path().stem() == "format") continue;
      const auto text = ReadFile(entry.path(), kMaxBytes);
      ASSERT_TRUE(text);
      const auto groups = ParseJson(*text);
      ASSERT_TRUE(groups) << entry.path() << ": " << groups.error().message();
      for (std::size_t i = 0; i < groups->as_array().size(); ++i) {
        const json::object& group = groups->as_array()[i].as_object();
        SchemaCase each{.id = fmt::format("{}/{}/{}", draft, entry.path().stem().string(), i),
                        .schema = group.at("schema")};
        // Without a word of its own a schema is of its folder's draft.
        if (each.schema.is_object() && !each.schema.get_object().contains("$schema")) {
          each.schema.get_object()["$schema"] = fmt::format(
              "http://json-schema.org/{}/schema#", std::string(draft) == "draft4"   ? "draft-04"
                                                   : std::string(draft) == "draft6" ? "draft-06"
                                                                                    : "draft-07");
        }
        for (const json::value& test : group.at("tests").as_array()) {
          each.tests.push_back({test.at("data"), test.at("valid").as_bool()});
        }
        Check(each.id, RunSchemaCase(each), known);
      }
    }
  }
}

}  // namespace
}  // namespace kinglet
