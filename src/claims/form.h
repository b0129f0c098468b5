// SPDX-License-Identifier: Apache-2.0
// Forms to be filled in from a text: questions about one paragraph become the fields of a JSON
// Schema, their gold answers what is to stand there.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "claims/asked_prompts.h"
#include "eval/question_set.h"

namespace kinglet {

struct Form {
  std::string group;
  std::string text;  // that it is filled in from
  json::value schema;
  std::vector<std::vector<std::string>> gold;  // of each field, the answers that are right
};

// One for each paragraph that answers at least two of these questions, which have their own
// passages; `limit` of them, from all over the data.
std::vector<Form> MakeForms(std::span<const PassageQuestion> questions, std::size_t limit);

// The schema is shown; whether it is enforced, too, is the difference.
ClaimPrompt PromptOf(const Form& form, bool enforced);

struct FormScore {
  bool is_valid = false;         // the reply as it stands is JSON that satisfies the schema
  bool is_valid_inside = false;  // or what stands in its first block of Markdown code
  double f1 = 0;                 // mean over the fields; nothing where it is not valid at all
};
Result<FormScore> ScoreForm(const Form& form, std::string_view reply);

}  // namespace kinglet
