// SPDX-License-Identifier: Apache-2.0
// Sets of questions, of claims and of passages that give orders, and calibrations: what is read has
// what each row needs.
// Covers: src/eval/question_set.cc src/eval/claim_set.cc src/eval/injections.cc
// Longest input: 4000
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "answer/confidence.h"
#include "base/check.h"
#include "eval/answer_match.h"
#include "eval/claim_set.h"
#include "eval/injections.h"
#include "eval/question_set.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto questions = kinglet::ParseQuestionSet(text);
  if (questions) {
    for (const auto& question : *questions) {
      KINGLET_CHECK(question.passages != nullptr && !question.passages->empty(), "{}", question.id);
    }
    const auto some = kinglet::DrawQuestions(*questions, 3, 1);
    KINGLET_CHECK(some.size() <= 3 && (some.size() == 3 || some.size() == questions->size()), "{}",
                  some.size());
  }
  if (const auto rows = kinglet::ParseClaimSet(text)) {
    for (const auto& row : *rows) KINGLET_CHECK(!row.claims.empty(), "a row without a claim");
  }
  if (const auto cases = kinglet::ParseInjections(text)) {
    for (const auto& one : *cases) {
      KINGLET_CHECK(kinglet::HoldsAnswer(one.clean, {&one.answer, 1}), "{}", one.id);
    }
  }
  const auto value = kinglet::ParseJson(text);
  if (!value) return 0;
  const auto calibration = kinglet::ParseCalibration(*value);
  if (calibration) {
    const auto again = kinglet::ParseCalibration(kinglet::ToJson(*calibration));
    KINGLET_CHECK(again && again->questions == calibration->questions, "not read back");
  }
  return 0;
}
