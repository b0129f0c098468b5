// SPDX-License-Identifier: Apache-2.0
// Prompts times choices; choice number i belongs to prompt i / n.
#include "server/openai_completions.h"

#include <algorithm>
#include <utility>

#include "server/openai_format.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxPrompts = 128;
constexpr int kMaxLogprobs = 20;

struct Echo {
  bool wanted = false;
  std::vector<std::vector<TokenId>> prompts;  // a prompt for each choice
};

// A letter of several bytes is counted where it begins.
std::size_t CountLetters(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char byte) { return (byte & 0xC0) != 0x80; }));
}

class CompletionFormat : public OpenAiFormat {
 public:
  CompletionFormat(std::string model, const Tokenizer& tokenizer, std::optional<int> logprobs,
                   bool include_usage, Echo echo)
      : OpenAiFormat("cmpl-", "text_completion", "text_completion", std::move(model),
                     include_usage),
        tokenizer_(tokenizer),
        logprobs_(logprobs),
        echo_(std::move(echo)) {}

  std::string Delta(int choice, const ReplyDelta& delta) override {
    const auto index = static_cast<std::size_t>(choice);
    if (offsets_.size() <= index) offsets_.resize(index + 1);
    json::object logprobs = Logprobs(delta.odds, {}, offsets_[index]);
    return Event(Chunk(
        {Choice(choice, delta.text, delta.odds.empty() ? json::value() : logprobs, nullptr)}));
  }

  std::string ChoiceEnd(int choice, const ReplyChoice& ended, const ReplyTotals* totals) override {
    return LastEvent(Choice(choice, "", nullptr, FinishWord(ended)), totals);
  }

  json::object Whole(std::span<const ReplyChoice> choices, const ReplyTotals& totals) override {
    json::array list;
    for (std::size_t i = 0; i < choices.size(); ++i) {
      const ReplyChoice& choice = choices[i];
      std::string text = choice.text;
      std::vector<TokenOdds> odds;
      std::span<const TokenId> before;
      if (echo_.wanted) {
        before = std::span(echo_.prompts[i]).first(1);
        std::string prompt = tokenizer_.Decode(echo_.prompts[i], ControlTokens::kShow);
        text = prompt + text;
        odds = choice.result.prompt_odds;
      }
      odds.insert(odds.end(), choice.odds.begin(), choice.odds.end());
      std::size_t offset = 0;
      list.push_back(Choice(static_cast<int>(i), text,
                            logprobs_ ? json::value(Logprobs(odds, before, offset)) : json::value(),
                            FinishWord(choice)));
    }
    return WholeOf(std::move(list), totals);
  }

 private:
  // first: the token before all others, of which there are no odds. offset: letters before the
  // tokens; it goes on with them.
  json::object Logprobs(const std::vector<TokenOdds>& odds, std::span<const TokenId> first,
                        std::size_t& offset) const {
    json::array tokens;
    json::array values;
    json::array tops;
    json::array offsets;
    const auto add = [&](TokenId id, json::value logprob, json::value top) {
      const std::string text = TokenText(id, tokenizer_);
      tokens.push_back(json::value(text));
      values.push_back(std::move(logprob));
      tops.push_back(std::move(top));
      offsets.push_back(offset);
      offset += CountLetters(text);
    };
    for (const TokenId id : first) add(id, nullptr, nullptr);
    for (const TokenOdds& of_token : odds) {
      json::object top;
      for (const auto& [id, logprob] : of_token.top) top[TokenText(id, tokenizer_)] = logprob;
      // The token itself is among them, however unlikely.
      if (logprobs_.value_or(0) > 0) top[TokenText(of_token.token, tokenizer_)] = of_token.logprob;
      add(of_token.token, of_token.logprob, std::move(top));
    }
    return {{"tokens", std::move(tokens)},
            {"token_logprobs", std::move(values)},
            {"top_logprobs", std::move(tops)},
            {"text_offset", std::move(offsets)}};
  }

  static json::object Choice(int index, std::string_view text, json::value logprobs,
                             json::value finish_reason) {
    return {{"index", index},
            {"text", text},
            {"logprobs", std::move(logprobs)},
            {"finish_reason", std::move(finish_reason)}};
  }

  const Tokenizer& tokenizer_;
  std::optional<int> logprobs_;
  Echo echo_;
  std::vector<std::size_t> offsets_;  // letters that a stream has written, of each choice
};

// A text, a list of ids, or a list of either.
std::vector<std::vector<TokenId>> ReadPrompts(JsonFields& fields, const Engine& engine) {
  std::vector<std::vector<TokenId>> prompts;
  const auto read_ids = [&](const json::array& list) {
    std::vector<TokenId> ids;
    for (const json::value& id : list) {
      if (!id.is_int64()) return false;
      ids.push_back(static_cast<TokenId>(std::clamp<std::int64_t>(id.get_int64(), -1, INT32_MAX)));
    }
    prompts.push_back(std::move(ids));
    return !list.empty();
  };
  const auto read = [&](const json::value& value) {
    if (value.is_array()) return read_ids(value.get_array());
    if (!value.is_string()) return false;
    prompts.push_back(engine.prompts().EncodePrompt(value.get_string()));
    return true;
  };
  const json::value* const given = fields.Value("prompt");
  bool good = given != nullptr;
  if (good && given->is_array() && !given->get_array().empty() &&
      !given->get_array()[0].is_int64()) {
    good = given->get_array().size() <= kMaxPrompts;
    for (const json::value& prompt : given->get_array()) good = good && read(prompt);
  } else if (good) {
    good = read(*given);
  }
  if (!good) {
    fields.Fail("prompt", fmt::format("is required: a string, a list of token ids, or a list of at "
                                      "most {} of them",
                                      kMaxPrompts));
  }
  for (const auto& prompt : prompts) {
    if (prompt.empty()) fields.Fail("prompt", "is empty");
  }
  return prompts;
}

}  // namespace

ApiResult<ParsedGeneration> ParseCompletion(const json::object& body, const std::string& model,
                                            const Engine& engine) {
  JsonFields fields(body);
  fields.Ignore({"model", "user"});
  ParsedGeneration parsed;
  const auto prompts = ReadPrompts(fields, engine);
  ReadSampling(fields, engine.model().config().vocab_size, parsed.fields);
  ReadDelivery(fields, parsed.fields);
  GenerationRequest& request = parsed.fields.request;
  request.max_tokens = static_cast<int>(fields.Whole("max_tokens", 0, 10'000'000).value_or(16));
  std::optional<int> logprobs;
  if (const auto count = fields.Whole("logprobs", 0, kMaxLogprobs)) {
    logprobs = static_cast<int>(*count);
    request.logprobs = true;
    request.top_logprobs = *logprobs;
  }
  Echo echo{.wanted = fields.Flag("echo").value_or(false)};
  if (echo.wanted && parsed.fields.stream) fields.Fail("echo", "is not for streams");
  request.prompt_logprobs = echo.wanted && logprobs;
  fields.OnlyDefault("suffix", {""}, "is not supported: a model continues a text, it fills no gap");
  fields.OnlyDefault("best_of", {1}, "is not supported; n gives several");
  ReadFormat(fields, parsed.fields.rules);
  if (parsed.fields.rules.shows_schema.value_or(false)) {
    fields.Fail("kinglet.show_schema", "needs a conversation: a prompt is taken as it is");
  }
  if (const auto error = fields.Finish()) return std::unexpected(ApiError::OfField(*error));
  parsed.plan.rules = TRY(Compile(parsed.fields.rules, engine, /*thought_begun=*/false));
  request.constraint = parsed.plan.rules.constraint;
  parsed.plan.stream = parsed.fields.stream;
  for (const std::vector<TokenId>& prompt : prompts) {
    request.prompt = prompt;
    for (GenerationRequest& choice : SpreadChoices(request, parsed.fields.choices)) {
      parsed.plan.requests.push_back(std::move(choice));
      if (echo.wanted) echo.prompts.push_back(prompt);
    }
  }
  if (const json::value& prompt = body.at("prompt"); prompt.is_string()) {
    parsed.question = prompt.get_string();
  }
  parsed.format = std::make_unique<CompletionFormat>(model, engine.tokenizer(), logprobs,
                                                     parsed.fields.include_usage, std::move(echo));
  return parsed;
}

}  // namespace kinglet
