// SPDX-License-Identifier: Apache-2.0
// The retrieved passages cut into what may be quoted: one sentence, or two that follow each other.
// What tries to instruct the model carries nothing, and is not quoted.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "answer/answer.h"
#include "answer/terms.h"
#include "knowledge/passage.h"

namespace kinglet {

// One or two sentences of a passage: bytes [begin, end) of its text.
struct Window {
  std::size_t passage = 0;  // index into Evidence::passages()
  std::size_t begin = 0;
  std::size_t end = 0;
  int sentence_count = 1;
  int word_count = 0;
  StemSet stems;
};

class Evidence {
 public:
  explicit Evidence(std::vector<Passage> passages);

  std::span<const Passage> passages() const { return passages_; }
  std::span<const Window> windows() const { return windows_; }
  // Stems of a passage's text, heading and title together.
  const StemSet& passage_stems(std::size_t passage) const { return passage_stems_[passage]; }
  const StemSet& heading_stems(std::size_t passage) const { return heading_stems_[passage]; }

  std::string_view Text(const Window& window) const;
  Quote ToQuote(const Window& window) const;

 private:
  std::vector<Passage> passages_;
  std::vector<Window> windows_;
  std::vector<StemSet> passage_stems_;
  std::vector<StemSet> heading_stems_;
};

}  // namespace kinglet
