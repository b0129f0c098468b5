// SPDX-License-Identifier: Apache-2.0
// The file of examples is the user's own: what is learnt can be read there, changed and removed.
#include "router/corrections.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "base/display.h"
#include "base/file.h"
#include "router/text_features.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{256} << 20U;

json::object LineJson(const IntentLine& line) {
  return {{"text", line.text}, {"intent", OrNull(line.intent)}};
}

// Of what the classifier sees as one text the latest, in the order of the first.
std::vector<IntentLine> LatestOfEach(const std::vector<IntentLine>& given) {
  std::vector<IntentLine> latest;
  std::map<std::string, std::size_t> seen;
  for (const IntentLine& line : given) {
    const auto [at, is_new] = seen.try_emplace(SeenWords(line.text), latest.size());
    if (is_new) {
      latest.push_back(line);
    } else {
      latest[at->second] = line;
    }
  }
  return latest;
}

bool HasExamples(const Intents& intents, std::size_t intent) {
  return std::ranges::count(intents.examples, intent, &IntentExample::intent) > 0;
}

}  // namespace

Corrections SortCorrections(const std::vector<IntentLine>& given, const Intents& intents) {
  std::map<std::string, std::optional<std::string>> examples;
  for (const IntentExample& example : intents.examples) {
    const auto intent = example.intent;
    examples[SeenWords(example.text)] =
        intent ? std::optional(intents.intents[*intent].name) : std::optional<std::string>();
  }
  std::string empty_default;
  if (const auto index = intents.default_intent; index && !HasExamples(intents, *index)) {
    empty_default = intents.intents[*index].name;
  }
  Corrections sorted;
  for (IntentLine& line : LatestOfEach(given)) {
    const std::string name = line.intent.value_or("");
    if (!name.empty() && intents.FindIntent(name) == nullptr) {
      sorted.left_out.push_back({std::move(line), "there is no such intent"});
      continue;
    }
    if (IsBlank(line.text)) {
      sorted.left_out.push_back({std::move(line), "it is blank"});
      continue;
    }
    if (name.empty() || name == empty_default) line.intent.reset();
    const auto known = examples.find(SeenWords(line.text));
    if (known == examples.end()) {
      sorted.added.push_back(std::move(line));
    } else if (const std::optional<std::string>& of = known->second; of == line.intent) {
      ++sorted.known;
    } else {
      const std::string other = of ? Quoted(*of) : "what is out of scope";
      sorted.left_out.push_back({std::move(line), "it is an example of " + other});
    }
  }
  return sorted;
}

Result<void> KeepCorrections(const Corrections& corrections, const std::filesystem::path& file) {
  if (corrections.added.empty()) return {};
  Intents intents = TRY(ReadIntents(file));
  if (intents.examples_file.empty()) {
    return Error(StatusCode::kUsage,
                 "{} names no file that corrections could be kept in: examples = "
                 "\"examples.jsonl\" does",
                 file.string());
  }
  std::string lines;
  for (const IntentLine& line : corrections.added) lines += ToJson(LineJson(line)) + '\n';
  TRY(AddExamples(lines, intents.examples_file, intents));
  TRY(CheckExamples(intents, file.string()));
  std::string text = TRY(ReadFile(intents.examples_file, kMaxFileBytes));
  if (!text.empty() && !text.ends_with('\n')) text += '\n';
  return WriteFileAtomic(intents.examples_file, text + lines);
}

json::object ToJson(const Corrections& corrections) {
  json::array added;
  for (const IntentLine& line : corrections.added) added.push_back(LineJson(line));
  json::array left_out;
  for (const auto& [line, why] : corrections.left_out) {
    json::object left = LineJson(line);
    left["why"] = why;
    left_out.push_back(std::move(left));
  }
  return {
      {"added", std::move(added)}, {"known", corrections.known}, {"left_out", std::move(left_out)}};
}

}  // namespace kinglet
