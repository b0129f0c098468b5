// SPDX-License-Identifier: Apache-2.0
// A passage as programs read it, on the command line and over HTTP.
#include "knowledge/passage.h"

#include <algorithm>

namespace kinglet {

std::optional<int> Passage::PageAt(std::int64_t byte) const {
  if (!page) return std::nullopt;
  const auto turned = std::ranges::upper_bound(page_breaks, byte) - page_breaks.begin();
  return *page + static_cast<int>(turned);
}

std::optional<int> Passage::LineAt(std::int64_t byte) const {
  const auto line = kinglet::LineAt(lines, text, static_cast<std::size_t>(start_byte),
                                    static_cast<std::size_t>(byte));
  return line ? std::optional(static_cast<int>(*line)) : std::nullopt;
}

json::object ToJson(const Passage& passage) {
  json::object object{{"document", passage.document},
                      {"title", passage.title},
                      {"heading", passage.heading},
                      {"page", OrNull(passage.page)},
                      {"line", OrNull(passage.LineAt(passage.start_byte))},
                      {"start_byte", passage.start_byte},
                      {"end_byte", passage.end_byte},
                      {"text", passage.text},
                      {"score", passage.score},
                      {"lexical_rank", OrNull(passage.lexical_rank)},
                      {"vector_rank", OrNull(passage.vector_rank)},
                      {"similarity", OrNull(passage.similarity)}};
  if (!passage.also_in.empty()) {
    object["also_in"] = json::array(passage.also_in.begin(), passage.also_in.end());
  }
  return object;
}

}  // namespace kinglet
