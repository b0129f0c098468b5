// SPDX-License-Identifier: Apache-2.0
// A passage's document is named by its text, so that it is found again without a table.
#include "eval/passage_library.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "answer/prompt.h"
#include "base/clock.h"
#include "base/digest.h"

namespace kinglet {
namespace {

bool IsOf(const Passage& found, std::string_view uri) {
  return found.document == uri || std::ranges::count(found.also_in, uri) > 0;
}

bool HoldsOneOf(std::span<const Passage> found, const std::vector<Passage>& own) {
  return std::ranges::any_of(own, [&](const Passage& passage) {
    const std::string uri = Sha256::HexOf(passage.text);
    return std::ranges::any_of(found, [&](const Passage& one) { return IsOf(one, uri); });
  });
}

}  // namespace

Result<void> PutPassages(Library& library, std::span<const PassageQuestion> questions) {
  std::set<std::string> known;
  for (const PassageQuestion& question : questions) {
    for (const Passage& passage : *question.passages) {
      const std::string digest = Sha256::HexOf(passage.text);
      if (!known.insert(digest).second) continue;
      DocumentBuilder builder;
      builder.SetTitle(passage.title);
      builder.AddParagraph(passage.text);
      TRY(library.Put({.uri = digest, .media_type = "text/plain", .digest = digest},
                      std::move(builder).Finish(), UnixSeconds()));
    }
  }
  return {};
}

Result<void> RetrievePassages(const Retriever& retriever, std::span<PassageQuestion> questions) {
  for (PassageQuestion& question : questions) {
    const std::vector<Passage> found = TRY(retriever.Search(question.question, kPromptPassages));
    const std::span<const Passage> read = ToRead(found);
    question.gold_retrieved = HoldsOneOf(read, *question.passages);
    question.passages = std::make_shared<const std::vector<Passage>>(read.begin(), read.end());
  }
  return {};
}

}  // namespace kinglet
