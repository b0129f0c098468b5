// SPDX-License-Identifier: Apache-2.0
// Text with places for the fields of a line of data: "What is {question}?". {{ and }} are braces.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"

namespace kinglet {

class PromptTemplate {
 public:
  PromptTemplate() = default;
  // kInvalidInput: a brace that is alone, or a place without a name.
  static Result<PromptTemplate> Parse(std::string_view text);

  // Strings stand as they are, other values as JSON. kInvalidInput: the line has no such field, or
  // it is null.
  Result<std::string> Fill(const json::value& line) const;

 private:
  struct Piece {
    std::string text;
    bool is_field = false;
  };
  std::vector<Piece> pieces_;
};

// A field as a text, as templates have it.
Result<std::string> FieldText(const json::value& line, std::string_view name);

}  // namespace kinglet
