// SPDX-License-Identifier: Apache-2.0
// Byte-level BPE: R. Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units"
// (2016), on bytes as in GPT-2.
#include "text/byte_pair_encoder.h"

#include <bit>
#include <future>
#include <utility>

#include "base/utf8.h"
#include "text/hash.h"

namespace kinglet {
namespace {

// With fewer a thread costs more than it saves.
constexpr std::size_t kMergesForTwoThreads = 20'000;

std::uint64_t PairKey(TokenId left, TokenId right) {
  return (std::uint64_t{static_cast<std::uint32_t>(left)} << 32U) |
         static_cast<std::uint32_t>(right);
}

}  // namespace

BytePairEncoder::BytePairEncoder(const TokenTable& tokens, PreTokenizer pre_tokenizer,
                                 TokenId unknown)
    : tokens_(tokens),
      pre_tokenizer_(std::move(pre_tokenizer)),
      unknown_(unknown),
      seed_(RandomSeed()),
      whole_(static_cast<std::size_t>(tokens.size())) {
  for (std::size_t byte = 0; byte < byte_tokens_.size(); ++byte) {
    const char character = static_cast<char>(byte);
    byte_tokens_[byte] = tokens.FindText({&character, 1});
  }
}

Result<std::unique_ptr<TextEncoder>> BytePairEncoder::Create(const TokenTable& tokens,
                                                             const std::vector<std::string>& merges,
                                                             PreTokenizer pre_tokenizer,
                                                             TokenId unknown) {
  std::unique_ptr<BytePairEncoder> encoder(
      new BytePairEncoder(tokens, std::move(pre_tokenizer), unknown));
  TRY(encoder->AddMerges(merges));
  return encoder;
}

Result<BytePairEncoder::NamedMerge> BytePairEncoder::ReadMerge(std::size_t rank,
                                                               std::string_view merge,
                                                               std::string& both) const {
  // A token of one space is spelled otherwise, so the first space after a character splits.
  const std::size_t space = merge.find(' ', 1);
  both.clear();
  if (space == std::string_view::npos || !AppendByteLevel(merge.substr(0, space), both))
    return Error(StatusCode::kInvalidInput, "merge {} of the vocabulary is not two tokens", rank);
  const std::size_t left_bytes = both.size();
  if (!AppendByteLevel(merge.substr(space + 1), both))
    return Error(StatusCode::kInvalidInput, "merge {} of the vocabulary is not two tokens", rank);
  const NamedMerge named = {.left = tokens_.Find(std::string_view(both).substr(0, left_bytes)),
                            .right = tokens_.Find(std::string_view(both).substr(left_bytes)),
                            .merged = tokens_.Find(both)};
  if (named.left == kNoToken || named.right == kNoToken || named.merged == kNoToken)
    return Error(StatusCode::kInvalidInput,
                 "merge {} of the vocabulary names a token that it does not have", rank);
  return named;
}

Result<std::vector<BytePairEncoder::NamedMerge>> BytePairEncoder::ReadMerges(
    const std::vector<std::string>& merges) const {
  std::vector<NamedMerge> named(merges.size());
  const auto read = [&](std::size_t begin, std::size_t end) -> Result<void> {
    std::string both;  // the bytes of left and right
    for (std::size_t rank = begin; rank < end; ++rank) {
      named[rank] = TRY(ReadMerge(rank, merges[rank], both));
    }
    return {};
  };
  // Look-ups of strings all over the vocabulary are most of what a start waits for.
  const std::size_t split = merges.size() < kMergesForTwoThreads ? 0 : merges.size() / 2;
  std::future<Result<void>> first;
  if (split > 0) first = std::async(std::launch::async, read, 0, split);
  const Result<void> second = read(split, merges.size());
  if (split > 0) TRY(first.get());  // the lower rank's error first
  TRY(second);
  return named;
}

Result<void> BytePairEncoder::AddMerges(const std::vector<std::string>& merges) {
  if (merges.size() >= Merge::kNone / 4)
    return Error(StatusCode::kInvalidInput, "the vocabulary has {} merges, too many",
                 merges.size());
  slots_.resize(std::bit_ceil(merges.size() * 2 + 1));
  const std::vector<NamedMerge> read = TRY(ReadMerges(merges));
  for (std::size_t rank = 0; rank < read.size(); ++rank) {
    const auto& [left, right, merged] = read[rank];
    // Text never becomes a control token, whatever the merges say.
    if (!tokens_.IsText(left) || !tokens_.IsText(right) || !tokens_.IsText(merged)) continue;
    std::size_t at = HashNumber(PairKey(left, right), seed_) & (slots_.size() - 1);
    while (slots_[at].left != kNoToken && (slots_[at].left != left || slots_[at].right != right))
      at = (at + 1) & (slots_.size() - 1);
    if (slots_[at].left != kNoToken) continue;  // said twice: the better rank came first
    slots_[at] = {left, right, {static_cast<std::uint32_t>(rank), merged}};
  }
  return {};
}

Merge BytePairEncoder::Look(TokenId left, TokenId right) const {
  if (left == kNoToken) return {};
  std::size_t at = HashNumber(PairKey(left, right), seed_) & (slots_.size() - 1);
  for (;; at = (at + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[at];
    if (slot.left == left && slot.right == right) return slot.merge;
    if (slot.left == kNoToken) return {};
  }
}

void BytePairEncoder::Encode(std::string_view text, std::vector<TokenId>& ids) const {
  SymbolMerger merger;
  while (!text.empty()) {
    const std::size_t valid_bytes = ValidUtf8Prefix(text);
    EncodeValid(text.substr(0, valid_bytes), merger, ids);
    text.remove_prefix(valid_bytes);
    std::size_t broken_bytes = 0;
    while (broken_bytes < text.size()) {
      const Utf8Character character = DecodeUtf8(text.substr(broken_bytes));
      if (character.state == Utf8State::kValid) break;
      broken_bytes += character.size_bytes;
    }
    if (broken_bytes > 0) EncodeWord(text.substr(0, broken_bytes), merger, ids);
    text.remove_prefix(broken_bytes);
  }
}

void BytePairEncoder::EncodeValid(std::string_view utf8, SymbolMerger& merger,
                                  std::vector<TokenId>& ids) const {
  std::string normalized;
  utf8 = pre_tokenizer_.Normalize(utf8, normalized);
  std::size_t begin = 0;
  for (const std::uint32_t end : pre_tokenizer_.Split(utf8)) {
    EncodeWord(utf8.substr(begin, end - begin), merger, ids);
    begin = end;
  }
}

void BytePairEncoder::EncodeWord(std::string_view word, SymbolMerger& merger,
                                 std::vector<TokenId>& ids) const {
  const TokenId token = tokens_.FindText(word);
  std::atomic<Whole>* whole = nullptr;
  if (token != kNoToken) {
    whole = &whole_[static_cast<std::size_t>(token)];
    if (pre_tokenizer_.whole_words() || whole->load(std::memory_order_relaxed) == Whole::kYes) {
      ids.push_back(token);
      return;
    }
  }
  merger.symbols.clear();
  for (std::uint32_t i = 0; i < word.size(); ++i)
    merger.symbols.push_back({i, 1, byte_tokens_[static_cast<unsigned char>(word[i])]});
  merger.Run([this](const MergeSymbol& left, const MergeSymbol& right) {
    return Look(left.id, right.id);
  });
  for (const MergeSymbol& symbol : merger.symbols) {
    const TokenId id = symbol.id == kNoToken ? unknown_ : symbol.id;
    if (id != kNoToken) ids.push_back(id);
  }
  if (whole != nullptr) {
    const bool is_whole = merger.symbols.size() == 1 && merger.symbols[0].id == token;
    whole->store(is_whole ? Whole::kYes : Whole::kNo, std::memory_order_relaxed);
  }
}

}  // namespace kinglet
