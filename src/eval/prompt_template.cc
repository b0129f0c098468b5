// SPDX-License-Identifier: Apache-2.0
// Braces and what is between them, as Python's str.format has them, formats left out.
#include "eval/prompt_template.h"

namespace kinglet {

Result<PromptTemplate> PromptTemplate::Parse(std::string_view text) {
  PromptTemplate parsed;
  std::string plain;
  while (!text.empty()) {
    const char c = text.front();
    if ((c == '{' || c == '}') && text.size() > 1 && text[1] == c) {
      plain += c;
      text.remove_prefix(2);
    } else if (c == '{') {
      const std::size_t end = text.find('}');
      const std::string_view name = text.substr(1, end == std::string_view::npos ? end : end - 1);
      if (end == std::string_view::npos || name.empty() || name.find('{') != name.npos) {
        return Error(StatusCode::kInvalidInput,
                     "a {{ begins no {{field}} here; the character itself is written {{{{");
      }
      parsed.pieces_.push_back({.text = std::move(plain)});
      parsed.pieces_.push_back({.text = std::string(name), .is_field = true});
      plain.clear();
      text.remove_prefix(end + 1);
    } else if (c == '}') {
      return Error(StatusCode::kInvalidInput,
                   "a }} ends no {{field}} here; the character itself is written }}}}");
    } else {
      plain += c;
      text.remove_prefix(1);
    }
  }
  parsed.pieces_.push_back({.text = std::move(plain)});
  return parsed;
}

Result<std::string> PromptTemplate::Fill(const json::value& line) const {
  std::string filled;
  for (const Piece& piece : pieces_) {
    filled += piece.is_field ? TRY(FieldText(line, piece.text)) : piece.text;
  }
  return filled;
}

Result<std::string> FieldText(const json::value& line, std::string_view name) {
  const json::value* const value = Find(line, name);
  if (value == nullptr || value->is_null()) {
    return Error(StatusCode::kInvalidInput, "there is no field {:?}", name);
  }
  return value->is_string() ? std::string(value->get_string()) : ToJson(*value);
}

}  // namespace kinglet
