// SPDX-License-Identifier: Apache-2.0
// Spans of given texts: the constraint for quotes. A letter of ASCII may be written small or large,
// since models begin an answer with a capital; the span is what stands in the text. A state is the
// list of places where the span so far ends, so that a mask is a walk along the texts, and not of
// the vocabulary.
#pragma once

#include <memory>
#include <span>

#include "grammar/token_trie.h"
#include "text/token_constraint.h"

namespace kinglet {

// The texts are copied. No span holds the end of one text and the beginning of another.
std::shared_ptr<const TokenConstraint> MakeSpanConstraint(std::shared_ptr<const TokenTrie> trie,
                                                          std::span<const SpanSource> sources);

}  // namespace kinglet
