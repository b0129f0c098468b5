// SPDX-License-Identifier: Apache-2.0
// A request for each text, and for each beginning of a choice: the tokens that go on with it are
// its candidates. So the engine reads a prompt once, whatever choices follow it, and few-shot
// examples once for all questions; odds of whole prompts would be read anew for each choice.
#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "eval/reply_collector.h"
#include "eval/task_system.h"

namespace kinglet {
namespace {

// Requests that are computed together. What an interrupt takes is at most theirs; 128 were 4 %
// faster.
constexpr std::size_t kAtOnce = 32;

// A candidate of a request, in the order of its candidates.
struct ChoiceToken {
  TokenId token = 0;
  std::size_t choice = 0;  // that it is of
};

// What a request is of.
struct Part {
  std::size_t ask = 0;
  std::vector<ChoiceToken> tokens;  // none: the request's text is the reply
};

// The choices of an ask, as far as they are known.
struct Sums {
  std::vector<double> logprobs;
  std::size_t missing = 0;  // tokens
};

class LocalSystem final : public TaskSystem {
 public:
  LocalSystem(LanguageModel& model, std::vector<TokenId> prefix, std::function<bool()> interrupted)
      : model_(model), prefix_(std::move(prefix)) {
    // Whoever asks first may be told alone.
    interrupted_ = [this, asked = std::move(interrupted)] {
      stopped_ = stopped_ || (asked && asked());
      return stopped_;
    };
  }

  Result<void> Answer(std::span<const TaskAsk> asks, const ReplySink& take) override {
    ReplyCollector replies(asks, take);
    for (std::size_t i = 0; i < asks.size(); ++i) {
      if (const auto added = Add(asks[i], i); !added) {
        TRY(replies.Fail(i, added.error().message()));
        std::erase_if(parts_, [&](const Part& part) { return part.ask == i; });
        requests_.resize(parts_.size());
      }
      if (requests_.size() >= kAtOnce || i + 1 == asks.size()) TRY(Compute(replies));
    }
    return {};
  }

 private:
  std::vector<TokenId> Encode(std::string_view text) const {
    std::vector<TokenId> tokens = prefix_;
    std::ranges::copy(model_.EncodeText(text), std::back_inserter(tokens));
    return tokens;
  }

  Result<void> Put(GenerationRequest request, Part part) {
    const auto room = static_cast<std::size_t>(model_.context_tokens());
    if (request.prompt.size() + 1 > room) {
      return Error(StatusCode::kUsage, "the prompt has {} tokens and the context {}",
                   request.prompt.size(), room);
    }
    request.interrupted = interrupted_;
    requests_.push_back(std::move(request));
    parts_.push_back(std::move(part));
    return {};
  }

  Result<void> Add(const TaskAsk& ask, std::size_t index) {
    std::vector<TokenId> context;
    if (!ask.messages.empty()) context = TRY(model_.EncodeChat(ask.messages));
    if (ask.choices.empty()) {
      return Put({.prompt = ask.messages.empty() ? Encode(ask.text) : std::move(context),
                  .max_tokens = ask.max_tokens,
                  .stop = ask.stop},
                 {.ask = index});
    }
    std::map<std::vector<TokenId>, Part> beginnings;
    Sums& sums = sums_[index];
    sums = {.logprobs = std::vector<double>(ask.choices.size())};
    for (std::size_t i = 0; i < ask.choices.size(); ++i) {
      std::vector<TokenId> whole = context;
      if (ask.messages.empty()) {
        const std::size_t end = ask.text.find_last_not_of(" \t\n\r\f\v") + 1;
        context = Encode(std::string_view(ask.text).substr(0, end));
        whole = Encode(ask.text + ask.choices[i]);
      } else {
        std::ranges::copy(model_.EncodeText(ask.choices[i]), std::back_inserter(whole));
      }
      if (context.empty() || whole.size() <= context.size()) {
        return Error(StatusCode::kUsage, "a choice needs a token before it and one of its own");
      }
      for (std::size_t t = context.size(); t < whole.size(); ++t, ++sums.missing) {
        Part& part = beginnings[{whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(t)}];
        part.tokens.push_back({.token = whole[t], .choice = i});
      }
    }
    for (auto& [beginning, part] : beginnings) {
      part.ask = index;
      GenerationRequest request{.prompt = beginning};
      for (const ChoiceToken& one : part.tokens) request.candidates.push_back(one.token);
      TRY(Put(std::move(request), std::move(part)));
    }
    return {};
  }

  Result<void> Compute(ReplyCollector& replies) {
    const std::vector<GenerationRequest> requests = std::exchange(requests_, {});
    const std::vector<Part> parts = std::exchange(parts_, {});
    Result<void> taken;
    const auto on_event = [&](std::size_t i, std::string_view, const GenerationResult* end) {
      if (end == nullptr) return true;
      if (end->finish_reason == FinishReason::kCancelled) return false;
      taken = parts[i].tokens.empty() ? replies.Text(parts[i].ask, end->text)
                                      : TakeTokens(parts[i], *end, replies);
      return taken.has_value();
    };
    const auto computed = model_.GenerateAll(requests, on_event);
    if (!computed) return std::unexpected(computed.error());
    if (!taken) return taken;
    if (interrupted_()) return Error(StatusCode::kCancelled, "interrupted");
    return {};
  }

  Result<void> TakeTokens(const Part& part, const GenerationResult& end, ReplyCollector& replies) {
    Sums& sums = sums_[part.ask];
    for (std::size_t i = 0; i < part.tokens.size(); ++i, --sums.missing) {
      sums.logprobs[part.tokens[i].choice] += end.candidate_logprobs[i];
    }
    if (sums.missing > 0) return {};
    return replies.Choices(part.ask, {sums.logprobs.begin(), sums.logprobs.end()});
  }

  LanguageModel& model_;
  std::vector<TokenId> prefix_;
  std::function<bool()> interrupted_;
  bool stopped_ = false;
  std::vector<GenerationRequest> requests_;  // that are to be computed,
  std::vector<Part> parts_;                  // and what each is of
  std::map<std::size_t, Sums> sums_;         // by ask
};

}  // namespace

std::unique_ptr<TaskSystem> MakeLocalSystem(LanguageModel& model, std::vector<TokenId> prefix,
                                            std::function<bool()> interrupted) {
  return std::make_unique<LocalSystem>(model, std::move(prefix), std::move(interrupted));
}

}  // namespace kinglet
