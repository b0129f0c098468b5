// SPDX-License-Identifier: Apache-2.0
// Files of intents, lines of examples and trained classifiers: what is read keeps its promises.
// Covers: src/router/intents.cc src/router/toml_fields.cc src/router/labelled_texts.cc
// Covers: src/router/classifier_file.cc src/router/text_features.cc
// Longest input: 4000
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "router/intents.h"
#include "router/labelled_texts.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto intents = kinglet::ParseIntents(text, "intents.toml");
  if (!intents) {
    KINGLET_CHECK(intents.error().message().starts_with("intents.toml: line "), "{}",
                  intents.error().message());
  } else if (kinglet::CheckExamples(*intents, "intents.toml")) {
    const kinglet::TrainingSet set = intents->ToTrainingSet();
    KINGLET_CHECK(set.labels.size() >= 2, "{} labels", set.labels.size());
    for (const auto& label : set.labels) {
      KINGLET_CHECK(intents->FindIntent(label) != nullptr, "{}", label);
    }
    for (const auto& one : intents->intents) {
      KINGLET_CHECK(one.endpoint.empty() || intents->FindEndpoint(one.endpoint) != nullptr, "{}",
                    one.name);
    }
  }
  if (const auto lines = kinglet::ParseIntentLines(text)) {
    for (const auto& line : *lines) KINGLET_CHECK(!line.text.empty(), "an empty text");
  }
  if (const auto classifier = kinglet::Classifier::Parse(text)) {
    KINGLET_CHECK(kinglet::Classifier::Parse(classifier->Serialize()), "not read back");
  }
  float previous = -1;
  for (const auto& [bucket, value] : kinglet::TextFeatures(text)) {
    KINGLET_CHECK(bucket<kinglet::kFeatureBuckets&& static_cast<float>(bucket)> previous, "{}",
                  bucket);
    KINGLET_CHECK(value > 0 && value <= 1, "{}", value);
    previous = static_cast<float>(bucket);
  }
  for (const auto& word : kinglet::FeaturesOfWords(text)) {
    KINGLET_CHECK(word.range.end <= size && !word.range.empty(), "{}", word.range.end);
  }
  return 0;
}
