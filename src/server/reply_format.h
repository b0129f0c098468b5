// SPDX-License-Identifier: Apache-2.0
// How one request's answer goes over the wire: whole, or piece by piece as it is written. One class
// a format; what is said is the same for all.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "server/api_error.h"
#include "text/language_model.h"
#include "text/tokenizer.h"

namespace kinglet {

// What came of a call of a tool since the last time.
struct CallDelta {
  int index = 0;
  std::string id, name;   // where it begins
  std::string arguments;  // a piece of their JSON
};

// What came of a choice since the last time.
struct ReplyDelta {
  std::string text, reasoning;
  std::vector<CallDelta> calls;
  std::vector<TokenOdds> odds;

  bool empty() const { return text.empty() && reasoning.empty() && calls.empty() && odds.empty(); }
};

struct ToolCall {
  std::string id, name, arguments;  // arguments: JSON
};

// A choice that has ended, with all its text.
struct ReplyChoice {
  std::string text, reasoning;
  std::vector<ToolCall> calls;
  std::vector<TokenOdds> odds;
  int tokens = 0, reasoning_tokens = 0;
  std::vector<TokenId> said;  // tokens, but for those of reasoning
  GenerationResult result;
};

struct ReplyTotals {
  int prompt_tokens = 0, cached_tokens = 0, completion_tokens = 0, reasoning_tokens = 0;
  json::object ledger;  // the `kinglet` object
};

class ReplyFormat {
 public:
  virtual ~ReplyFormat() = default;

  virtual Dialect dialect() const { return Dialect::kOpenAi; }
  virtual std::string_view stream_type() const { return "text/event-stream"; }

  // Of a stream, in this order; empty: nothing is sent.
  virtual std::string Begin() { return {}; }
  virtual std::string Delta(int choice, const ReplyDelta& delta) = 0;
  // totals: of all choices, with the last of them; null before.
  virtual std::string ChoiceEnd(int choice, const ReplyChoice& ended,
                                const ReplyTotals* totals) = 0;
  virtual std::string End(std::span<const ReplyChoice> choices, const ReplyTotals& totals) = 0;

  virtual json::object Whole(std::span<const ReplyChoice> choices, const ReplyTotals& totals) = 0;
};

// data: JSON, as server-sent events have it; with a name where there is one.
std::string Event(const json::object& data, std::string_view name = {});

// "chatcmpl-" and 24 random letters.
std::string MakeId(std::string_view prefix);

// OpenAI's words.
const char* FinishWord(const ReplyChoice& choice);
// Of a call of a tool, whole or its begin, as chat completions have it.
json::object CallToJson(const ToolCall& call);
json::object UsageOf(const ReplyTotals& totals);
// A token as text, and its bytes where it is no whole text.
json::object OddsToJson(const TokenOdds& odds, const Tokenizer& tokenizer);
std::string TokenText(TokenId id, const Tokenizer& tokenizer);

}  // namespace kinglet
