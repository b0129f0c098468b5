// SPDX-License-Identifier: Apache-2.0
// Prompts of real models' templates against Jinja2's, byte for byte; what it refuses is refused.
#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "text/chat_template.h"

namespace kinglet {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFileBytes = std::size_t{16} << 20;
constexpr std::int64_t kDateOfGoldens = 1'768'478'400;  // 2026-01-15T12:00:00Z

// The goldens were made by a Jinja2 without this tag, which transformers adds and so do we.
bool IsRefusedForGenerationTag(const json::object& row) {
  const json::value* error = row.if_contains("error");
  return error != nullptr &&
         std::string_view(error->as_string()).find("'generation'") != std::string_view::npos;
}

struct Score {
  int passed = 0;
  int with_text = 0;
};

// Compares every row of folder/goldens.json: {template, context, expected text or error}.
Score CheckGoldens(const fs::path& folder) {
  Score score;
  const auto text = ReadFile(folder / "goldens.json", kMaxFileBytes);
  if (!text) {
    ADD_FAILURE() << text.error().message();
    return score;
  }
  const auto rows = ParseJson(*text);
  if (!rows) {
    ADD_FAILURE() << rows.error().message();
    return score;
  }
  for (const json::value& value : rows->as_array()) {
    const json::object& row = value.as_object();
    const std::string file(row.at("template").as_string());
    const std::string name = file + ", " + std::string(row.at("case").as_string());
    const json::value* expected = row.if_contains("expected");
    if (expected == nullptr && IsRefusedForGenerationTag(row)) continue;
    const auto source = ReadFile(folder / file, kMaxFileBytes);
    const auto parsed = ChatTemplate::Parse(source.value_or(""));
    const auto prompt = parsed ? parsed->Render(row.at("context").as_object(), {}, kDateOfGoldens)
                               : Result<RenderedPrompt>(std::unexpected(parsed.error()));
    if (expected == nullptr) {
      EXPECT_FALSE(prompt) << name << " renders, but should be refused: " << row.at("error");
      continue;
    }
    ++score.with_text;
    const std::string& wanted = std::string(expected->as_string());
    if (prompt && prompt->text == wanted) {
      ++score.passed;
    } else {
      ADD_FAILURE() << name << ":\n"
                    << (prompt ? prompt->text : prompt.error().message()) << "\nexpected:\n"
                    << wanted;
    }
  }
  return score;
}

TEST(ChatTemplateGolden, KeptTemplatesRenderAsInJinja2) {
  const Score score = CheckGoldens(fs::path(KINGLET_TEST_DATA) / "chat-templates");
  EXPECT_EQ(score.passed, score.with_text);
  EXPECT_EQ(score.with_text, 21);
}

TEST(ChatTemplateGolden, EveryRealTemplateRendersAsInJinja2) {
  const char* const root = std::getenv("KINGLET_SHARED");
  if (root == nullptr) GTEST_SKIP() << "KINGLET_SHARED is not set";
  const Score score = CheckGoldens(fs::path(root) / "data" / "chat-templates");
  EXPECT_EQ(score.passed, score.with_text);
  EXPECT_EQ(score.with_text, 378);
}

}  // namespace
}  // namespace kinglet
