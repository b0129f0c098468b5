// SPDX-License-Identifier: Apache-2.0
// The door through which everything above the engine asks a language model: chat in, text out, odds
// of given tokens. engine/ fulfils it with real weights, tests with a script.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "text/token_constraint.h"
#include "text/vocabulary.h"

namespace kinglet {

struct ChatMessage {
  std::string role;  // "system", "user", "assistant"
  std::string content;
};

// Names and meanings as llama.cpp's and OpenAI's users know them. The defaults are greedy.
struct SamplingOptions {
  float temperature = 0.0F;        // 0: greedy, repeatable
  int top_k = 40;                  // 0: off
  float top_p = 0.95F;             // 1: off
  float min_p = 0.05F;             // 0: off
  float repeat_penalty = 1.0F;     // 1: off; over the last 64 tokens
  float presence_penalty = 0.0F;   // 0: off
  float frequency_penalty = 0.0F;  // 0: off
  std::uint64_t seed = 0;
  std::vector<std::pair<TokenId, float>> logit_bias;  // added to the logits
};

enum class ServiceClass {
  kInteractive,  // somebody waits
  kBatch,        // whenever there is room
};

// For whom a request is served, and how well. One who has the model for himself needs none of it.
struct ServiceTerms {
  ServiceClass service_class = ServiceClass::kInteractive;
  std::uint64_t account = 0;  // accounts share the machine evenly
  // Prompts of one scope reuse what others of it have computed; it is the name of a secret.
  std::string scope;
  bool lasting = false;  // what the prompt leaves is kept on the disk, where there is room for it
  // Not let in (kLimitExceeded) where the first token would come later than this after now.
  std::optional<double> first_byte_budget_ms;
  std::optional<double> timeout_ms;  // ends then with what is written (kLength)
};

struct GenerationRequest {
  std::vector<TokenId> prompt;
  SamplingOptions sampling;
  int max_tokens = 512;
  std::vector<std::string> stop;  // generation ends before the first of these; may straddle tokens
  bool ignore_end = false;        // goes on after an end-of-text token, for measurements
  bool logprobs = false;          // of each token, and
  int top_logprobs = 0;           // of so many likeliest ones beside it
  std::optional<int> reasoning_budget;  // tokens of a thought; then its end is written
  bool reasoning_begun = false;         // by the prompt
  // Of what a constraint allows, with logprobs: ends (kLength) once what is written is less likely
  // than some beginning of it with its end, for then nothing longer can be likelier than that one.
  bool likeliest_beginning = false;
  bool prompt_logprobs = false;  // the same of the prompt; nothing of it comes from a cache then
  // What the text must be: no other token is written, and where only an end is left it ends.
  std::shared_ptr<const TokenConstraint> constraint;
  // Instead of text: how likely each of these is to come next.
  std::vector<TokenId> candidates;
  // What the layer so deep leaves of the prompt's last token is asked for; 0: the first, 1: the
  // last.
  std::optional<double> state_depth;
  ServiceTerms terms;
  // Asked between pieces of the prompt and between tokens, where there is one: true ends the
  // generation (kCancelled) even while no text comes.
  std::function<bool()> interrupted;
};

enum class FinishReason { kStop, kLength, kCancelled };

// Natural logarithms of probabilities, before temperature and filters.
struct TokenOdds {
  TokenId token = 0;
  float logprob = 0;
  float allowed = 0;  // of all tokens that its constraint allows, together
  float end = -std::numeric_limits<float>::infinity();  // that the text, which may end, ends here
  std::vector<std::pair<TokenId, float>> top;           // the likeliest first
};

struct GenerationResult {
  std::string text;  // whole UTF-8 characters, stop string and end-of-text token left out
  std::vector<TokenId> tokens;
  std::vector<TokenOdds> odds;         // of the tokens, where logprobs were asked for
  std::vector<TokenOdds> prompt_odds;  // of the prompt's second token to its last, likewise
  std::vector<float> candidate_logprobs;
  std::vector<float> state;  // [width] of the residual stream, where asked for
  float end_logprob = 0;  // that it ended, where odds were asked for and a constraint let it choose
  FinishReason finish_reason = FinishReason::kStop;
  std::string stop;      // which stop string ended it; empty: none
  bool is_whole = true;  // false: it ended where its constraint lets no text end
  int prompt_tokens = 0;
  int cached_tokens = 0;  // of the prompt, taken from an earlier request's KV pages
  double queue_ms = 0;    // until its first step
  double prefill_ms = 0;  // from there to its first token
  double decode_ms = 0;   // from there to its end
  // What admission had foreseen for queue_ms + prefill_ms.
  double predicted_first_token_ms = 0;
};

// Sees text as it comes, in whole UTF-8 characters. Returns false to stop the generation
// (kCancelled).
using TextSink = std::function<bool(std::string_view)>;

// Sees what comes of several requests: text of one of them, or its end, which has all of it.
// Returns false to stop those that are left (kCancelled).
using BatchSink =
    std::function<bool(std::size_t request, std::string_view text, const GenerationResult* end)>;

class LanguageModel {
 public:
  virtual ~LanguageModel() = default;

  // Tokens that a prompt and its answer may hold together.
  virtual int context_tokens() const = 0;

  // The prompt of a conversation, by the model's chat template, ready for the assistant's turn.
  // Contents can never become control tokens.
  virtual Result<std::vector<TokenId>> EncodeChat(std::span<const ChatMessage> messages) const = 0;

  // Plain text to tokens: no control tokens read, none added.
  virtual std::vector<TokenId> EncodeText(std::string_view text) const = 0;

  virtual std::string_view TokenBytes(TokenId token) const = 0;

  // For a generation that is a span of one of the sources.
  virtual std::shared_ptr<const TokenConstraint> SpansOf(
      std::span<const SpanSource> sources) const = 0;

  // kUsage, with both numbers, when prompt + 1 does not fit the context.
  virtual Result<GenerationResult> Generate(const GenerationRequest& request,
                                            const TextSink& on_text) = 0;

  // Several at once, which come in in their order; what their prompts begin with alike is computed
  // once. The first error ends all.
  virtual Result<std::vector<GenerationResult>> GenerateAll(
      std::span<const GenerationRequest> requests, const BatchSink& on_event) = 0;

  // log p(candidate | prompt), natural, for each of the candidate next tokens.
  virtual Result<std::vector<float>> NextTokenLogprobs(std::span<const TokenId> prompt,
                                                       std::span<const TokenId> candidates) = 0;
};

}  // namespace kinglet
