// SPDX-License-Identifier: Apache-2.0
// The wording of the prompt.
#include "answer/prompt.h"

#include <algorithm>
#include <tuple>

namespace kinglet {

std::vector<ChatMessage> BuildMessages(std::span<const Passage> passages, std::string_view question,
                                       std::string_view instruction) {
  std::vector<const Passage*> ordered;
  for (const Passage& passage : passages) ordered.push_back(&passage);
  std::ranges::sort(ordered, {}, [](const Passage* passage) {
    return std::tie(passage->document, passage->start_byte);
  });
  std::string user = "Documents:\n";
  for (const Passage* passage : ordered) {
    user +=
        fmt::format("\n## {}\n{}\n", passage->heading.empty() ? passage->title : passage->heading,
                    passage->text);
  }
  if (!question.empty()) user += fmt::format("\nQuestion: {}", question);
  user += fmt::format("\n{}", instruction);
  return {{"system", "You answer questions about the given documents. You use nothing else."},
          {"user", std::move(user)}};
}

}  // namespace kinglet
