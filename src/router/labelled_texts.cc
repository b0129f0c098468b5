// SPDX-License-Identifier: Apache-2.0
// Strict: a member that is misspelt would be an example that is silently of no intent.
#include "router/labelled_texts.h"

#include <algorithm>
#include <map>
#include <random>
#include <utility>

#include "base/json_lines.h"
#include "router/text_features.h"

namespace kinglet {
namespace {

constexpr JsonLimits kLineLimits = {.max_bytes = std::size_t{1} << 20U, .max_depth = 4};

Result<IntentLine> ReadLine(const json::value& value) {
  IntentLine line{.text = TRY(TextOf(value, "text"))};
  if (IsBlank(line.text)) return Error(StatusCode::kInvalidInput, "\"text\" is empty");
  for (const auto& member : value.get_object()) {
    if (member.key() == "text" || member.key() == "intent") continue;
    return Error(StatusCode::kInvalidInput, "there is no member {:?}: \"text\" and \"intent\" are",
                 std::string_view(member.key()));
  }
  const json::value* const intent = Find(value, "intent");
  if (intent == nullptr) {
    return Error(StatusCode::kInvalidInput,
                 "\"intent\" is missing: null says that the text is of none");
  }
  if (!intent->is_null()) line.intent = TRY(TextOf(value, "intent"));
  return line;
}

// The library's own draws otherwise on each of them.
void Shuffle(std::vector<IntentLine>& lines, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  for (std::size_t i = lines.size(); i > 1; --i) std::swap(lines[i - 1], lines[random() % i]);
}

}  // namespace

Result<void> ForEachIntentLine(std::string_view text,
                               const std::function<Result<void>(IntentLine)>& take) {
  return ForEachJsonLine(text, kLineLimits, [&](const json::value& value) -> Result<void> {
    return take(TRY(ReadLine(value)));
  });
}

Result<std::vector<IntentLine>> ParseIntentLines(std::string_view text) {
  std::vector<IntentLine> lines;
  const auto read = ForEachIntentLine(text, [&](IntentLine line) -> Result<void> {
    lines.push_back(std::move(line));
    return {};
  });
  if (!read) return std::unexpected(read.error());
  return lines;
}

std::vector<IntentLine> DrawExamples(std::vector<IntentLine> lines, int count, std::uint64_t seed) {
  Shuffle(lines, seed);
  std::map<std::string, int> taken;
  std::erase_if(
      lines, [&](const IntentLine& line) { return line.intent && ++taken[*line.intent] > count; });
  return lines;
}

HeldOut HoldOutAFifth(std::vector<IntentLine> lines, std::uint64_t seed) {
  constexpr int kEvery = 5;
  Shuffle(lines, seed);
  std::map<std::optional<std::string>, int> seen;
  HeldOut out;
  for (IntentLine& line : lines) {
    const bool held = ++seen[line.intent] % kEvery == 0;
    (held ? out.held : out.rest).push_back(std::move(line));
  }
  return out;
}

TrainingSet TrainingSetOf(const std::vector<IntentLine>& lines) {
  std::map<std::string, int> indices;
  for (const IntentLine& line : lines) {
    if (line.intent) indices[*line.intent] = 0;
  }
  TrainingSet set;
  for (auto& [label, index] : indices) {
    index = static_cast<int>(set.labels.size());
    set.labels.push_back(label);
  }
  for (const IntentLine& line : lines) {
    set.texts.push_back({line.text, line.intent ? indices.at(*line.intent) : kNoLabel});
  }
  return set;
}

}  // namespace kinglet
