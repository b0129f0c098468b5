// SPDX-License-Identifier: Apache-2.0
// A window is a prompt whose tokens' odds are asked for, a few at once.
#include "eval/perplexity.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace kinglet {
namespace {

constexpr std::size_t kAtOnce = 8;  // windows
constexpr std::uint64_t kSeed = 1;

struct Window {
  double nats = 0;
  double tokens = 0;
  double bytes = 0;
};

Window Sum(std::span<const Window> windows, std::span<const std::size_t> some) {
  Window all;
  for (const std::size_t i : some) {
    all.nats += windows[i].nats;
    all.tokens += windows[i].tokens;
    all.bytes += windows[i].bytes;
  }
  return all;
}

Window ScoreWindow(const LanguageModel& model, std::span<const TokenId> tokens, std::size_t scored,
                   const GenerationResult& result) {
  Window window{.tokens = static_cast<double>(scored)};
  for (std::size_t i = tokens.size() - scored; i < tokens.size(); ++i) {
    window.nats -= result.prompt_odds[i - 1].logprob;
    window.bytes += static_cast<double>(model.TokenBytes(tokens[i]).size());
  }
  return window;
}

Perplexity Measure(std::span<const Window> windows) {
  const auto estimate = [&](const auto& figure) {
    return EstimateFigure(windows.size(), kSeed, [&](std::span<const std::size_t> some) {
      return figure(Sum(windows, some));
    });
  };
  std::vector<std::size_t> each(windows.size());
  for (std::size_t i = 0; i < each.size(); ++i) each[i] = i;
  const Window all = Sum(windows, each);
  return {.tokens = static_cast<std::size_t>(all.tokens),
          .bytes = static_cast<std::size_t>(all.bytes),
          .windows = windows.size(),
          .nats = all.nats / all.tokens,
          .perplexity = estimate([](const Window& w) { return std::exp(w.nats / w.tokens); }),
          .bits_per_byte =
              estimate([](const Window& w) { return w.nats / std::numbers::ln2 / w.bytes; })};
}

}  // namespace

Result<Perplexity> MeasurePerplexity(LanguageModel& model, std::span<const TokenId> tokens,
                                     std::span<const TokenId> bos,
                                     const PerplexityOptions& options) {
  const std::size_t step = options.stride == 0 ? options.context : options.stride;
  const std::size_t scored =
      options.stride == 0 ? options.context - options.context / 2 - 1 : options.stride;
  if (scored == 0 || scored >= options.context) {
    return Error(StatusCode::kUsage, "a window of {} tokens has none to score before each of {}",
                 options.context, scored);
  }
  if (tokens.size() < options.context) {
    return Error(StatusCode::kUsage, "the text has {} tokens and a window {}", tokens.size(),
                 options.context);
  }
  // llama.cpp's counts: without a stride whole windows; with one it leaves the last out where it
  // ends with the text.
  const std::size_t whole = options.stride == 0
                                ? tokens.size() / step
                                : (tokens.size() - options.context + step - 1) / step;
  std::size_t count = std::max<std::size_t>(1, whole);
  if (options.max_windows > 0) count = std::min(count, options.max_windows);
  bool stopped = false;  // whoever asks first may be told alone
  const auto interrupted = [&] {
    stopped = stopped || (options.interrupted && options.interrupted());
    return stopped;
  };
  std::vector<Window> windows;
  while (windows.size() < count) {
    if (options.progress) options.progress(windows.size(), count);
    std::vector<GenerationRequest> requests;
    for (std::size_t i = windows.size(); i < std::min(count, windows.size() + kAtOnce); ++i) {
      const auto window = tokens.subspan(i * step, options.context);
      GenerationRequest& request = requests.emplace_back();
      request.prompt.assign(window.begin(), window.end());
      if (!bos.empty()) request.prompt.front() = bos.front();
      request.max_tokens = 0;
      request.prompt_logprobs = true;
      request.interrupted = interrupted;
    }
    const auto results = TRY(model.GenerateAll(requests, nullptr));
    if (interrupted()) return Error(StatusCode::kCancelled, "interrupted");
    for (const GenerationResult& result : results) {
      const auto window = tokens.subspan(windows.size() * step, options.context);
      windows.push_back(ScoreWindow(model, window, scored, result));
    }
  }
  Perplexity result = Measure(windows);
  if (result.bytes > 0) return result;
  return Error(StatusCode::kInvalidInput, "the {} tokens that are scored stand for no bytes",
               result.tokens);
}

}  // namespace kinglet
