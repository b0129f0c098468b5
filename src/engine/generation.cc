// SPDX-License-Identifier: Apache-2.0
// A token becomes text, text is looked through for stop strings, and what is certain is told.
#include "engine/generation.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "base/clock.h"

namespace kinglet {
namespace {

// Tokens that are written without a choice at a time: a step must not grow long for others.
constexpr std::size_t kMaxForced = 16;

// allowed: empty where all are.
bool IsIn(TokenId token, std::span<const std::uint64_t> allowed) {
  const auto id = static_cast<std::size_t>(token);
  return allowed.empty() || (allowed[id / 64] >> (id % 64) & 1) != 0;
}

}  // namespace

Generation::Generation(std::uint64_t id, GenerationRequest request, GenerationSink sink,
                       const Tokenizer& tokenizer, std::size_t max_length)
    : id_(id),
      request_(std::move(request)),
      sink_(std::move(sink)),
      tokenizer_(tokenizer),
      scope_(ScopeKey(request_.terms.scope)),
      max_length_(max_length),
      tokens_(request_.prompt),
      lookup_(tokenizer),
      sampler_(request_.sampling, static_cast<std::size_t>(tokenizer.vocab_size())),
      stops_(request_.stop) {
  const auto wanted = static_cast<std::size_t>(std::max(0, request_.max_tokens));
  max_length_ = std::min(max_length_, request_.prompt.size() + wanted);
  result.prompt_tokens = static_cast<int>(request_.prompt.size());
  tokens_.reserve(max_length_);
  if (request_.reasoning_budget) {
    budget_.emplace(*request_.reasoning_budget, request_.reasoning_begun, tokenizer_);
  }
  if (request_.constraint != nullptr) constraint_ = request_.constraint->Begin();
}

TokenOdds Generation::OddsOf(TokenId token, double total, std::span<const float> logits) const {
  TokenOdds odds{.token = token,
                 .logprob = Logprob(logits[static_cast<std::size_t>(token)], total)};
  const auto count = static_cast<std::size_t>(std::max(0, request_.top_logprobs));
  if (count > 0) odds.top = TopLogits(logits, count);
  for (auto& [id, logprob] : odds.top) logprob = Logprob(logprob, total);
  return odds;
}

void Generation::AddOddsOfMask(std::span<const std::uint64_t> allowed, double total,
                               std::span<const float> logits, TokenOdds& odds) const {
  double all = 0;
  double ends = 0;
  for (std::size_t word = 0; word < allowed.size(); ++word) {
    for (std::uint64_t bits = allowed[word]; bits != 0; bits &= bits - 1) {
      const std::size_t id = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
      const double probability = std::exp(static_cast<double>(Logprob(logits[id], total)));
      all += probability;
      if (tokenizer_.IsEndOfGeneration(static_cast<TokenId>(id))) ends += probability;
    }
  }
  odds.allowed = static_cast<float>(std::log(all));
  odds.end = static_cast<float>(std::log(ends));
}

std::string_view Generation::BytesOf(TokenId token) const {
  return constraint_ == nullptr ? tokenizer_.TokenBytes(token) : constraint_->TokenBytes(token);
}

bool Generation::IsAtEnd() {
  if (constraint_ == nullptr || !constraint_->Allowed().empty()) return false;
  finish_reason = constraint_->MayEnd() ? FinishReason::kStop : FinishReason::kLength;
  return true;
}

void Generation::Append(TokenId token, GenerationEvent& event) {
  event.tokens.push_back(token);
  tokens_.push_back(token);
  if (constraint_ != nullptr) constraint_->Advance(token);
  if (budget_) budget_->Saw(BytesOf(token));
  event.text += stops_.Push(stream_.Push(BytesOf(token)));
}

bool Generation::Write(std::span<const float> logits) {
  finish_reason = FinishReason::kLength;
  if (tokens_.size() >= max_length_ || IsAtEnd()) return true;
  const auto allowed =
      constraint_ == nullptr ? std::span<const std::uint64_t>() : constraint_->Allowed();
  TokenId token = sampler_.Choose(logits, tokens_, allowed);
  if (const auto forced = budget_ ? budget_->Forced() : std::nullopt) {
    if (IsIn(*forced, allowed)) token = *forced;
  }
  TokenOdds odds;
  if (request_.logprobs) {
    const double total = LogSumExp(logits);
    odds = OddsOf(token, total, logits);
    if (!allowed.empty()) AddOddsOfMask(allowed, total, logits, odds);
    likeliest_whole_ = std::max(likeliest_whole_, logprob_ + static_cast<double>(odds.end));
    logprob_ += static_cast<double>(odds.logprob);
  }
  if (tokenizer_.IsEndOfGeneration(token) && !request_.ignore_end) {
    finish_reason = FinishReason::kStop;
    result.end_logprob = odds.end;
    return true;
  }
  GenerationEvent event;
  if (request_.logprobs) event.odds.push_back(std::move(odds));
  Append(token, event);
  // Whose odds are asked for is chosen, one by one.
  if (constraint_ != nullptr && !request_.logprobs) {
    for (const TokenId next : constraint_->Forced(kMaxForced)) {
      if (stops_.stopped() || tokens_.size() >= max_length_) break;
      Append(next, event);
    }
  }
  if (first_token_ms == 0) first_token_ms = MonotonicMs();
  sink_(std::move(event));
  if (stops_.stopped()) finish_reason = FinishReason::kStop;
  if (stops_.stopped() || IsAtEnd()) return true;
  if (request_.likeliest_beginning && logprob_ <= likeliest_whole_) return true;
  return tokens_.size() >= max_length_;
}

std::span<const TokenId> Generation::WithGuess(std::size_t length, std::size_t most) {
  most = std::min(most, max_length_ - std::min(max_length_, tokens_.size() + 1));
  const std::span<const TokenId> guess = lookup_.Guess(tokens_, prompt_tokens(), most);
  ahead_.assign(tokens_.begin() + static_cast<std::ptrdiff_t>(length), tokens_.end());
  ahead_.insert(ahead_.end(), guess.begin(), guess.end());
  return ahead_;
}

float* Generation::RoomForState(std::size_t width) {
  if (!reads_prompt()) return nullptr;
  result.state.resize(width);
  return result.state.data();
}

void Generation::Score(std::span<const float> logits) {
  const double total = LogSumExp(logits);
  for (const TokenId id : request_.candidates) {
    result.candidate_logprobs.push_back(Logprob(logits[static_cast<std::size_t>(id)], total));
  }
  first_token_ms = MonotonicMs();
  finish_reason = FinishReason::kStop;
}

void Generation::AddPromptOdds(std::size_t index, std::span<const float> logits) {
  result.prompt_odds.push_back(OddsOf(tokens_[index], LogSumExp(logits), logits));
}

void Generation::End() {
  const double now_ms = MonotonicMs();
  GenerationEvent event;
  if (!stops_.stopped()) {
    event.text = stops_.Push(stream_.Finish());
    if (stops_.stopped()) {
      finish_reason = FinishReason::kStop;
    } else {
      event.text += stops_.Finish();
    }
  }
  result.stop = stops_.stop();
  result.finish_reason = finish_reason;
  result.is_whole = constraint_ == nullptr || (constraint_->MayEnd() && !stops_.stopped());
  result.queue_ms = (started_ms > 0 ? started_ms : now_ms) - submitted_ms;
  if (started_ms > 0) {
    result.prefill_ms = (first_token_ms > 0 ? first_token_ms : now_ms) - started_ms;
  }
  if (first_token_ms > 0) result.decode_ms = now_ms - first_token_ms;
  event.end = std::move(result);
  sink_(std::move(event));
}

}  // namespace kinglet
