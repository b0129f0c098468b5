// SPDX-License-Identifier: Apache-2.0
// What a model says after each token of a text, by the bits of the logits: for tests that no batch,
// chunk, thread count or placement of pages changes them.
#pragma once

#include <cstring>
#include <map>
#include <random>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "model/model.h"

namespace kinglet {

// Position -> a digest of the logits that follow its token.
using LogitDigests = std::map<std::size_t, std::size_t>;

inline std::size_t Digest(std::span<const float> logits) {
  const auto* bytes = reinterpret_cast<const char*>(logits.data());
  return std::hash<std::string_view>()({bytes, logits.size_bytes()});
}

inline std::vector<TokenId> RandomTokens(const Model& model, std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<TokenId> tokens(count);
  for (TokenId& token : tokens) {
    token = static_cast<TokenId>(random() % model.config().vocab_size);
  }
  return tokens;
}

// Appends the tokens from the sequence's length on, `chunk` at a time; digests of each chunk's
// last.
inline LogitDigests RunAlone(Model& model, KvSequence& sequence, std::span<const TokenId> tokens,
                             std::size_t chunk) {
  LogitDigests digests;
  while (sequence.length() < tokens.size()) {
    const std::size_t first = sequence.length();
    const std::size_t count = std::min(chunk, tokens.size() - first);
    EXPECT_TRUE(model.Forward(tokens.subspan(first, count), sequence));
    digests[first + count - 1] = Digest(model.Logits(count - 1));
  }
  return digests;
}
inline LogitDigests RunAlone(Model& model, std::span<const TokenId> tokens, std::size_t chunk) {
  KvSequence sequence = model.NewSequence();
  return RunAlone(model, sequence, tokens, chunk);
}

// The same tokens in pieces of many lengths beside those of other sequences.
inline LogitDigests RunMixed(Model& model, std::span<const TokenId> tokens,
                             std::size_t other_count) {
  constexpr std::size_t kPieces[] = {1, 5, 33, 3, 40, 9, 2, 64, 16};
  std::vector<std::vector<TokenId>> others;
  std::vector<KvSequence> sequences;
  for (std::size_t i = 0; i < other_count; ++i) {
    others.push_back(RandomTokens(model, tokens.size(), static_cast<unsigned>(100 + i)));
    sequences.push_back(model.NewSequence());
  }
  KvSequence sequence = model.NewSequence();
  LogitDigests digests;
  for (std::size_t turn = 0; sequence.length() < tokens.size(); ++turn) {
    std::size_t room = kStepTokens;
    std::vector<BatchItem> batch;
    const auto add = [&](KvSequence& s, std::span<const TokenId> text, std::size_t piece,
                         std::size_t logits) {
      const std::size_t count = std::min({piece, room, text.size() - s.length()});
      if (count == 0) return;
      batch.push_back({&s, text.subspan(s.length(), count), std::min(logits, count)});
      room -= count;
    };
    std::size_t before = 0;  // tokens of the batch that come before ours
    for (std::size_t i = 0; i < other_count; ++i) {
      if (i == other_count / 2) {
        before = kStepTokens - room;
        add(sequence, tokens, kPieces[turn % std::size(kPieces)], 1);
      }
      add(sequences[i], others[i], kPieces[(turn * 2 + i * 3) % std::size(kPieces)] / 3 + 1, i % 3);
    }
    const std::size_t length = sequence.length();
    EXPECT_TRUE(model.Forward(batch));
    const std::size_t added = sequence.length() - length;
    digests[sequence.length() - 1] = Digest(model.Logits(before + added - 1));
  }
  return digests;
}

// All that `some` has is in `all`.
inline void ExpectSame(const LogitDigests& all, const LogitDigests& some, std::string_view what) {
  EXPECT_FALSE(some.empty()) << what;
  for (const auto& [position, digest] : some) {
    const auto at = all.find(position);
    ASSERT_NE(at, all.end()) << what << " position " << position;
    EXPECT_EQ(at->second, digest) << what << " position " << position;
  }
}

}  // namespace kinglet
