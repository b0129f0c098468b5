// SPDX-License-Identifier: Apache-2.0
// The wording of the prompt.
#include "answer/prompt.h"

#include <algorithm>
#include <tuple>

namespace kinglet {
namespace {

constexpr std::size_t kPromptBytes = 3000;  // of passages, after the first

}  // namespace

std::span<const Passage> ToRead(std::span<const Passage> passages) {
  std::size_t count = 0;
  std::size_t bytes = 0;
  while (count < std::min(kPromptPassages, passages.size())) {
    bytes += passages[count].text.size();
    if (count > 0 && bytes > kPromptBytes) break;
    ++count;
  }
  return passages.first(count);
}

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
