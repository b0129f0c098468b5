// SPDX-License-Identifier: Apache-2.0
// Masks against the automaton asked token by token, and walks against the validator.
#include "grammar/token_mask.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/json.h"
#include "grammar/gbnf.h"
#include "grammar/json_schema.h"
#include "grammar/json_validator.h"

namespace kinglet {
namespace {

// Bytes, words, pieces of JSON and of characters, twins.
std::vector<std::string> Vocabulary() {
  std::vector<std::string> tokens = {""};
  for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
  for (const char* const token : {"{\"",
                                  "\":",
                                  "\":\"",
                                  "\",\"",
                                  "\"}",
                                  "},",
                                  "]}",
                                  "[]",
                                  "{}",
                                  "true",
                                  "false",
                                  "null",
                                  "na",
                                  "name",
                                  "names",
                                  "age",
                                  " the",
                                  "The",
                                  "thing",
                                  "12",
                                  "123",
                                  "2024",
                                  "-0",
                                  ".5",
                                  "e5",
                                  "\\n",
                                  "\\\"",
                                  "\\u00",
                                  "é",
                                  "日本",
                                  "\xE6\x97",
                                  "\xA5x",
                                  "a.b",
                                  "a@b",
                                  "abcdefghijklmnop",
                                  "extraordinarily",
                                  "name",
                                  "\"name",
                                  "\"name\":",
                                  "x-a",
                                  "x-",
                                  "----------------"}) {
    tokens.emplace_back(token);
  }
  return tokens;
}

const char* const kSchemas[] = {
    R"({"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer","minimum":-3,"maximum":120}},"required":["name"]})",
    R"({"type":"object","properties":{"name":{"type":"string","maxLength":7}},"additionalProperties":false})",
    R"({"type":"array","items":{"enum":["name","names",12,null,true,[1],{"a":1}]},"minItems":1,"maxItems":4})",
    R"({"type":"string","pattern":"^[a-z]+(@[a-z]{2,5})?$"})",
    R"({"type":"string","format":"date-time"})",
    R"({"type":"string","pattern":"[a-z]+","maxLength":40})",
    R"({"type":"string","pattern":"^[^/]+$","maxLength":20})",
    R"({"type":"string","pattern":"^[0-9a-zA-Z_-]{1,24}$"})",
    R"({"type":"object","patternProperties":{"[A-Z]":{"type":"integer"}},"additionalProperties":false})",
    R"({"type":"string","pattern":"[0-9]+-x","maxLength":20,"minLength":9})",
    R"({"type":"string","pattern":"^[^,\"]+$","maxLength":3})",
    R"({"type":"string","pattern":"^[a-f]*$","maxLength":5,"not":{"enum":["ab","x"]}})",
    R"({"type":"string","pattern":"^(\\S+\\s+){0,9}\\S+$"})",
    R"({"type":"string","pattern":"^/?([^/]+/)*[^/]+/?$"})",
    R"({"type":"string","format":"email"})",
    R"({"type":"number","exclusiveMinimum":0.5,"multipleOf":0.25})",
    R"({"type":"object","patternProperties":{"^x-":{"type":"integer"}},"additionalProperties":{"type":"boolean"}})",
    R"({"$ref":"#/$defs/tree","$defs":{"tree":{"type":"object","properties":{"name":{"type":"string","minLength":1},"sons":{"type":"array","items":{"$ref":"#/$defs/tree"}}},"required":["name"],"additionalProperties":false}}})",
    R"({"anyOf":[{"type":"string","maxLength":3},{"type":"integer"},{"type":"object","maxProperties":2}]})",
    R"({"not":{"type":["object","array","number"]}})",
    R"({"oneOf":[{"properties":{"kind":{"const":"a"},"n":{"type":"integer"}},"required":["kind","n"],"type":"object"},{"properties":{"kind":{"const":"b"}},"required":["kind"],"type":"object"}]})",
    R"({"type":"array","contains":{"const":12},"maxContains":2,"items":{"type":"integer","minimum":0,"maximum":20}})",
    "true"};

// A token that is allowed, likelier one that leads to an end; nothing: it ends here.
std::optional<TokenId> Draw(TokenMasker& masker, Matcher::StateId state, std::mt19937& random,
                            bool hurries) {
  const bool may_end = masker.matcher().MayEnd(state);
  if (may_end && (hurries || random() % 3 == 0)) return std::nullopt;
  const TokenMask mask = masker.Mask(state);
  std::vector<TokenId> allowed;
  for (std::size_t id = 0; id < masker.trie().vocab_size(); ++id) {
    if (IsAllowed(mask, static_cast<TokenId>(id))) allowed.push_back(static_cast<TokenId>(id));
  }
  if (allowed.empty()) return std::nullopt;
  if (hurries) {
    for (const char* const end : {"}", "]", "\"", "\"}"}) {
      for (const TokenId id : allowed) {
        if (masker.trie().bytes(id) == end) return id;
      }
    }
  }
  return allowed[random() % allowed.size()];
}

TEST(TokenMaskTest, AllowsJustTheTokensThatTheAutomatonSurvives) {
  const std::vector<std::string> vocabulary = Vocabulary();
  const TokenTrie trie(std::vector<std::string_view>(vocabulary.begin(), vocabulary.end()));
  std::mt19937 random(1);
  std::size_t compared = 0;
  for (const char* const schema : kSchemas) {
    auto grammar = CompileJsonSchema(*ParseJson(schema));
    ASSERT_TRUE(grammar) << grammar.error().message();
    TokenMasker masker(trie, *std::move(grammar));
    Matcher& matcher = masker.matcher();
    for (int walk = 0; walk < 8; ++walk) {
      Matcher::StateId state = matcher.start();
      for (int step = 0; step < 25; ++step) {
        const TokenMask mask = masker.Mask(state);
        for (std::size_t id = 0; id < vocabulary.size(); ++id) {
          const bool survives =
              !vocabulary[id].empty() &&
              matcher.Next(state, std::string_view(vocabulary[id])) != Matcher::kDead;
          ASSERT_EQ(IsAllowed(mask, static_cast<TokenId>(id)), survives)
              << schema << ": token " << vocabulary[id];
          ++compared;
        }
        const auto token = Draw(masker, state, random, /*hurries=*/false);
        if (!token) break;
        state = matcher.Next(state, trie.bytes(*token));
      }
    }
  }
  EXPECT_GT(compared, 100'000U);
}

TEST(TokenMaskTest, LeadsToValidValuesAlone) {
  const std::vector<std::string> vocabulary = Vocabulary();
  const TokenTrie trie(std::vector<std::string_view>(vocabulary.begin(), vocabulary.end()));
  std::mt19937 random(2);
  for (const char* const schema : kSchemas) {
    const json::value parsed = *ParseJson(schema);
    auto grammar = CompileJsonSchema(parsed);
    ASSERT_TRUE(grammar) << grammar.error().message();
    const auto validator = JsonValidator::Create(parsed);
    ASSERT_TRUE(validator) << validator.error().message();
    TokenMasker masker(trie, *std::move(grammar));
    int ended = 0;
    for (int walk = 0; walk < 40; ++walk) {
      Matcher::StateId state = masker.matcher().start();
      std::string text;
      for (int step = 0; step < 2000; ++step) {
        const auto token = Draw(masker, state, random, /*hurries=*/step > 20);
        if (!token) break;
        text += trie.bytes(*token);
        state = masker.matcher().Next(state, trie.bytes(*token));
      }
      if (!masker.matcher().MayEnd(state)) continue;
      ++ended;
      const Result<json::value> value = ParseJson(text, {.max_depth = 500});
      ASSERT_TRUE(value) << schema << ": " << text;
      const Result<void> valid = (*validator)->Validate(*value);
      ASSERT_TRUE(valid) << schema << ": " << text << ": " << valid.error().message();
    }
    EXPECT_GE(ended, 5) << schema;
  }
}

TEST(TokenMaskTest, KnowsWhatMustFollow) {
  const std::vector<std::string> vocabulary = Vocabulary();
  const TokenTrie trie(std::vector<std::string_view>(vocabulary.begin(), vocabulary.end()));
  auto grammar = CompileJsonSchema(*ParseJson(
      R"({"type":"object","properties":{"name":{"type":"string"}},"required":["name"],"additionalProperties":false})"));
  ASSERT_TRUE(grammar);
  TokenMasker masker(trie, *std::move(grammar));
  Matcher& matcher = masker.matcher();
  EXPECT_EQ(masker.Forced(matcher.start(), 100), "{\"name\":\"");
  EXPECT_EQ(masker.Forced(matcher.start(), 3), "{\"n");
  const auto end = matcher.Next(matcher.start(), std::string_view("{\"name\":\"a\""));
  EXPECT_EQ(masker.Forced(end, 100), "}");
}

TEST(TokenMaskTest, GivesUpWhereALimitIsPassed) {
  const std::vector<std::string> vocabulary = Vocabulary();
  const TokenTrie trie(std::vector<std::string_view>(vocabulary.begin(), vocabulary.end()));
  auto grammar = ParseGbnf("root ::= (\"a\" | \"b\")* \"a\" (\"a\" | \"b\"){12}");
  ASSERT_TRUE(grammar) << grammar.error().message();
  TokenMasker masker(trie, *std::move(grammar), {.max_states = 100});
  std::mt19937 random(3);
  Matcher::StateId state = masker.matcher().start();
  for (int i = 0; i < 5000 && state != Matcher::kDead; ++i) {
    state = masker.matcher().Next(state, static_cast<std::uint8_t>(random() % 2 == 0 ? 'a' : 'b'));
  }
  EXPECT_EQ(state, Matcher::kDead);
  EXPECT_TRUE(masker.matcher().is_exhausted());
}

}  // namespace
}  // namespace kinglet
