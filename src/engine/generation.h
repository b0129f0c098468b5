// SPDX-License-Identifier: Apache-2.0
// One request on its way through the engine: its tokens, its pages, what it has said so far, and
// whom it says it to. The engine's thread alone changes it, most of it without the engine's lock:
// other threads read its request, and with the lock the fields below that say so.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/prefix_cache.h"
#include "engine/prompt_lookup.h"
#include "engine/reasoning_budget.h"
#include "engine/sampler.h"
#include "engine/stop_matcher.h"
#include "model/kv_pages.h"
#include "text/language_model.h"
#include "text/text_stream.h"
#include "text/tokenizer.h"

namespace kinglet {

// What a step brought. The last event of a request has its end.
struct GenerationEvent {
  std::string text;                     // whole UTF-8 characters; may be empty
  std::vector<TokenId> tokens;          // that were written, if any
  std::vector<TokenOdds> odds;          // of them, where asked for
  std::optional<GenerationResult> end;  // all of it but text, tokens and odds, which came before
};

// Called by the engine's thread, one event after the other: it must be quick, and must not call the
// engine.
using GenerationSink = std::function<void(GenerationEvent)>;

class Generation {
 public:
  Generation(std::uint64_t id, GenerationRequest request, GenerationSink sink,
             const Tokenizer& tokenizer, std::size_t max_length);

  std::uint64_t id() const { return id_; }
  const GenerationRequest& request() const { return request_; }
  const PageKey& scope() const { return scope_; }

  // Prompt and answer so far. What was written last is not computed yet.
  std::span<const TokenId> tokens() const { return tokens_; }
  std::size_t prompt_tokens() const { return request_.prompt.size(); }
  bool reads_prompt() const { return tokens_.size() == prompt_tokens(); }

  // The token that these logits give, and those that the constraint leaves no choice about, are
  // told to the sink. True: they were the last, or there is none.
  bool Write(std::span<const float> logits);
  // The tokens from `length` on, and behind them at most `most` that may follow, guessed. Good
  // until the next call.
  std::span<const TokenId> WithGuess(std::size_t length, std::size_t most);
  // How many of these were right.
  void LearnOfGuess(std::size_t right) { lookup_.Learn(right); }
  double guess_accuracy() const { return lookup_.accuracy(); }
  // Where the state of the prompt's last token goes, [width]; null: the prompt has been read.
  float* RoomForState(std::size_t width);
  // The same where candidates were asked for instead of text.
  void Score(std::span<const float> logits);
  // The odds of prompt token `index`, from 1 on, after the logits of the one before it.
  void AddPromptOdds(std::size_t index, std::span<const float> logits);
  // Tells the sink of the end. Its pages have gone back before.
  void End();

  // ---- what the engine keeps with it, changed and read with the lock ----
  std::unique_ptr<KvSequence> sequence;  // while it runs
  FinishReason finish_reason = FinishReason::kCancelled;
  GenerationResult result;
  double submitted_ms = 0, started_ms = 0, first_token_ms = 0;
  std::size_t loading = 0;   // pages on their way from the disk
  std::uint64_t leader = 0;  // computes what it needs; 0: nobody
  bool cancelled = false;
  bool prompt_read = false;  // and its first token written

 private:
  // The bytes of a token, as the constraint sees it.
  std::string_view BytesOf(TokenId token) const;
  void Append(TokenId token, GenerationEvent& event);
  // Whether the constraint ends the text here; sets finish_reason.
  bool IsAtEnd();
  // The likeliest tokens, as many as were asked for.
  // total: LogSumExp of the logits.
  TokenOdds OddsOf(TokenId token, double total, std::span<const float> logits) const;
  void AddOddsOfMask(std::span<const std::uint64_t> allowed, double total,
                     std::span<const float> logits, TokenOdds& odds) const;

  std::uint64_t id_;
  GenerationRequest request_;
  GenerationSink sink_;
  const Tokenizer& tokenizer_;
  PageKey scope_;
  std::size_t max_length_;  // of prompt and answer
  std::vector<TokenId> tokens_;
  PromptLookup lookup_;
  std::vector<TokenId> ahead_;  // of WithGuess
  Sampler sampler_;
  TextStream stream_;
  StopMatcher stops_;
  std::optional<ReasoningBudget> budget_;  // of thought
  std::unique_ptr<ConstraintCursor> constraint_;
  // Where odds were asked for: of what is written, and of its likeliest beginning with an end.
  double logprob_ = 0, likeliest_whole_ = -std::numeric_limits<double>::infinity();
};

}  // namespace kinglet
