// SPDX-License-Identifier: Apache-2.0
// Questions about given passages, some of which the passages do not answer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "knowledge/passage.h"

namespace kinglet {

struct PassageQuestion {
  std::string id;
  std::string question;
  std::string group;  // the document that the passages are of, by which sets are split
  std::shared_ptr<const std::vector<Passage>> passages;  // shared by its neighbours
  std::vector<std::string> answers;    // gold ones; none: the passages do not answer it
  std::vector<std::string> sentences;  // gold ones of the passages that carry the answer, if given
  bool has_short_answers = false;      // `answers` are spans, not texts of some sentences
  // Whether a passage of its own is among `passages`; unset: they were given, not found.
  std::optional<bool> gold_retrieved;
};

// Told apart by their first bytes: SQuAD 2.0's JSON (a paragraph a passage, the group an article),
// CLAPNQ's lines (the group a title), or lines of {"id", "question", "passages", "answers"}, a
// passage being a text or {"title", "text"}. kInvalidInput says where.
Result<std::vector<PassageQuestion>> ParseQuestionSet(std::string_view text);

// `limit` of them (0: all), half answerable where there are enough, drawn by the seed; those of one
// passage stay together.
std::vector<PassageQuestion> DrawQuestions(std::vector<PassageQuestion> questions,
                                           std::size_t limit, std::uint64_t seed);

// What a prompt shows of passages, and what puts them in its order.
json::array ToJson(std::span<const Passage> passages);

// SHA-256 of what is asked, and of what there is to read about it.
std::string DigestOfQuestions(std::span<const PassageQuestion> questions);

}  // namespace kinglet
