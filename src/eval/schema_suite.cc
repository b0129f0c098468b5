// SPDX-License-Identifier: Apache-2.0
// Each case from an empty start: nothing that an earlier one left makes a mask cheaper. Times are
// the thread's own, so that a busy machine does not count.
#include "eval/schema_suite.h"

#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/display.h"
#include "base/file.h"
#include "base/json_lines.h"
#include "eval/schema_text.h"
#include "grammar/json_schema.h"
#include "grammar/token_mask.h"
#include "net/gzip.h"

namespace kinglet {
namespace {

constexpr std::string_view kExhausted = "a limit was passed while matching";
constexpr std::size_t kMaxCaseBytes = std::size_t{1} << 30;
constexpr JsonLimits kCaseLimits{.max_depth = 500};

Result<SchemaCase> ReadCase(const json::value& line) {
  SchemaCase schema_case;
  const json::value* const id = Find(line, "id");
  const json::value* const schema = Find(line, "schema");
  const json::value* const tests = Find(line, "tests");
  if (id == nullptr || !id->is_string() || schema == nullptr || tests == nullptr ||
      !tests->is_array()) {
    return Error(StatusCode::kInvalidInput, "a case needs an id, a schema and tests");
  }
  schema_case.id = id->get_string();
  schema_case.schema = *schema;
  for (const json::value& test : tests->get_array()) {
    const json::value* const data = Find(test, "data");
    const json::value* const valid = Find(test, "valid");
    if (data == nullptr || valid == nullptr || !valid->is_bool()) {
      return Error(StatusCode::kInvalidInput, "a test needs data and valid");
    }
    schema_case.tests.push_back({*data, valid->get_bool()});
  }
  return schema_case;
}

// The text's tokens as a model writes them: without the space that some tokenizers put in front.
std::vector<TokenId> EncodeWritten(std::string_view text, const Tokenizer& tokenizer,
                                   const TokenTrie& trie) {
  std::vector<TokenId> ids = tokenizer.Encode(text);
  if (ids.empty() || text.starts_with(' ')) return ids;
  std::string_view first = tokenizer.TokenBytes(ids[0]);
  if (!first.starts_with(' ')) return ids;
  first.remove_prefix(1);
  ids.erase(ids.begin());
  // Else by its bytes, for which every such vocabulary has tokens.
  if (const auto whole = trie.Find(first)) {
    ids.insert(ids.begin(), *whole);
    return ids;
  }
  std::vector<TokenId> pieces;
  for (std::size_t i = 0; i < first.size(); ++i) {
    pieces.push_back(trie.Find(first.substr(i, 1)).value_or(0));
  }
  ids.insert(ids.begin(), pieces.begin(), pieces.end());
  return ids;
}

// Whether the masks let the text through, as the tokenizer writes it.
bool WalkTokens(TokenMasker& masker, const Tokenizer& tokenizer, std::string_view text,
                std::vector<double>& mask_us) {
  Matcher& matcher = masker.matcher();
  Matcher::StateId state = matcher.start();
  for (const TokenId token : EncodeWritten(text, tokenizer, masker.trie())) {
    const double start_ms = ThreadCpuMs();
    const TokenMask& mask = masker.Mask(state);
    mask_us.push_back((ThreadCpuMs() - start_ms) * 1000);
    if (!IsAllowed(mask, token)) return false;
    state = matcher.Next(state, tokenizer.TokenBytes(token));
  }
  return matcher.MayEnd(state);
}

}  // namespace

Result<std::vector<SchemaCase>> ParseSchemaCases(std::string_view text) {
  std::vector<SchemaCase> cases;
  TRY(ForEachJsonLine(text, kCaseLimits, [&](const json::value& line) -> Result<void> {
    cases.push_back(TRY(ReadCase(line)));
    return {};
  }));
  return cases;
}

Result<std::vector<SchemaCase>> ReadSchemaCases(const std::filesystem::path& path) {
  const std::string shown = EscapeForDisplay(path.string());
  std::string text = TRY(ReadFile(path, kMaxCaseBytes));
  if (path.extension() == ".gz") {
    auto inflated = Gunzip(text, kMaxCaseBytes);
    if (!inflated) return Error(StatusCode::kInvalidInput, "{} is no sound gzip file", shown);
    text = *std::move(inflated);
  }
  auto cases = ParseSchemaCases(text);
  if (!cases) return std::unexpected(cases.error().WithContext(shown));
  return cases;
}

SchemaOutcome RunSchemaCase(const SchemaCase& schema_case) {
  SchemaOutcome outcome;
  Result<Grammar> grammar = CompileJsonSchema(schema_case.schema);
  if (!grammar) {
    outcome.refusal = grammar.error().message();
    return outcome;
  }
  Matcher matcher(*std::move(grammar));
  for (const SchemaCase::Test& test : schema_case.tests) {
    const bool allowed = FindText(matcher, test.data, schema_case.schema).has_value();
    outcome.Count(allowed, test.valid);
  }
  if (matcher.is_exhausted()) outcome.refusal = kExhausted;
  return outcome;
}

SchemaOutcome RunSchemaCase(const SchemaCase& schema_case, const Tokenizer& tokenizer,
                            const TokenTrie& trie) {
  SchemaOutcome outcome;
  const double start_ms = ThreadCpuMs();
  Result<Grammar> grammar = CompileJsonSchema(schema_case.schema);
  outcome.compile_ms = ThreadCpuMs() - start_ms;
  if (!grammar) {
    outcome.refusal = grammar.error().message();
    return outcome;
  }
  TokenMasker masker(trie, *std::move(grammar));
  masker.Mask(masker.matcher().start());
  outcome.first_mask_ms = ThreadCpuMs() - start_ms;
  for (const SchemaCase::Test& test : schema_case.tests) {
    // The masks first, so that no search has made their states before.
    const bool as_given = WalkTokens(masker, tokenizer, CompactText(test.data), outcome.mask_us);
    bool allowed = as_given;
    if (!allowed) {
      const auto text = FindText(masker.matcher(), test.data, schema_case.schema);
      std::vector<double> unmeasured;
      allowed = text && WalkTokens(masker, tokenizer, *text, unmeasured);
    }
    outcome.Count(allowed, test.valid);
  }
  if (masker.matcher().is_exhausted()) outcome.refusal = kExhausted;
  return outcome;
}

}  // namespace kinglet
