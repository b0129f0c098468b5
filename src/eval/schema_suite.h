// SPDX-License-Identifier: Apache-2.0
// What schemas come to, case by case: compiled or refused, valid values allowed token by token,
// invalid ones refused; and what each mask costs.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "grammar/token_trie.h"
#include "text/tokenizer.h"

namespace kinglet {

struct SchemaCase {
  struct Test {
    json::value data;
    bool valid = false;
  };
  std::string id;
  json::value schema;
  std::vector<Test> tests;
};

struct SchemaOutcome {
  std::string refusal;  // why the schema was refused; empty: it was compiled
  std::size_t invalid_accepted = 0;
  std::size_t valid_refused = 0;
  double compile_ms = 0;
  double first_mask_ms = 0;     // compiled, and the first mask
  std::vector<double> mask_us;  // of each token of each test

  void Count(bool allowed, bool valid) {
    if (allowed && !valid) ++invalid_accepted;
    if (!allowed && valid) ++valid_refused;
  }
  bool right() const { return refusal.empty() && invalid_accepted == 0 && valid_refused == 0; }
};

// Lines of {"id", "schema", "tests": [{"data", "valid"}]}; kInvalidInput names the line.
Result<std::vector<SchemaCase>> ParseSchemaCases(std::string_view text);
// Of a file of such lines, a gzip stream where its name ends in .gz. Errors name the file.
Result<std::vector<SchemaCase>> ReadSchemaCases(const std::filesystem::path& path);

// The grammar alone: which values it can write.
SchemaOutcome RunSchemaCase(const SchemaCase& schema_case);

// The masks, too. A value counts as allowed where some spelling of it is (schema_text.h): a grammar
// writes each value in one way. That spelling is then taken through the masks, token by token.
SchemaOutcome RunSchemaCase(const SchemaCase& schema_case, const Tokenizer& tokenizer,
                            const TokenTrie& trie);

}  // namespace kinglet
