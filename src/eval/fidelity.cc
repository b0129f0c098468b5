// SPDX-License-Identifier: Apache-2.0
// Position by position; the sums are in double precision.
#include "eval/fidelity.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/display.h"

namespace kinglet {
namespace {

// Both sides' share of all other ids is at least this, as rounding may make it nothing or less.
constexpr double kSmallestRest = 1e-12;

double LogSumExp(std::span<const float> logits) {
  const double top = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - top);
  return top + std::log(sum);
}

// Linear between neighbours, as numpy's quantile.
double Quantile(const std::vector<double>& sorted, double q) {
  const double at = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  return std::lerp(sorted[below], sorted[above], at - static_cast<double>(below));
}

bool IsJudged(const GoldenText& text, std::size_t position) {
  return text.router_lead.empty() || text.router_lead[position] > kClearRouterLead;
}

// Of one position.
struct Judgement {
  double divergence;
  bool same_top;
};

Fidelity Summarise(const GoldenText& text, const std::vector<Judgement>& judgements) {
  Fidelity result;
  result.tokens = judgements.size();
  result.kl_first = judgements[0].divergence;
  std::vector<double> divergences;
  std::size_t judged = 0;
  std::size_t same_top = 0;
  for (std::size_t i = 0; i < judgements.size(); ++i) {
    if (!IsJudged(text, i)) continue;
    ++judged;
    if (judgements[i].same_top) ++same_top;
    if (i > 0) divergences.push_back(judgements[i].divergence);
  }
  if (judged > 0) result.same_top = static_cast<double>(same_top) / static_cast<double>(judged);
  if (divergences.empty()) return result;
  std::ranges::sort(divergences);
  for (const double kl : divergences) result.kl_mean += kl;
  result.kl_mean /= static_cast<double>(divergences.size());
  result.kl_median = Quantile(divergences, 0.5);
  result.kl_p99 = Quantile(divergences, 0.99);
  return result;
}

}  // namespace

Result<std::vector<GoldenText>> ReadGoldenTexts(const SafetensorsFile& file) {
  constexpr std::string_view kTokens = "/tokens";
  std::vector<GoldenText> texts;
  for (const Tensor& tensor : file.tensors()) {
    if (!tensor.name.ends_with(kTokens)) continue;
    GoldenText text;
    text.name = tensor.name.substr(0, tensor.name.size() - kTokens.size());
    const std::string ids_name = text.name + "/top_ids";
    const Tensor* ids = file.FindTensor(ids_name);
    if (ids == nullptr) {
      return Error(StatusCode::kInvalidInput, "array {} is missing", Quoted(ids_name));
    }
    text.top_count = ids->shape[0];
    const std::uint64_t positions[] = {tensor.shape[0]};
    const std::uint64_t rows[] = {ids->shape[0], tensor.shape[0]};
    text.tokens = TRY(file.Int32s(tensor.name, positions));
    text.top_ids = TRY(file.Int32s(ids_name, rows));
    text.top_logits = TRY(file.Floats(text.name + "/top_logits", rows));
    text.log_sum_exp = TRY(file.Floats(text.name + "/logsumexp", positions));
    const std::string lead_name = text.name + "/router_lead";
    if (file.FindTensor(lead_name) != nullptr) {
      text.router_lead = TRY(file.Floats(lead_name, positions));
    }
    texts.push_back(std::move(text));
  }
  if (texts.empty()) return Error(StatusCode::kInvalidInput, "no array is named TEXT/tokens");
  return texts;
}

double KlDivergence(std::span<const std::int32_t> top_ids, std::span<const float> top_logits,
                    float log_sum_exp, std::span<const float> logits) {
  const double total = LogSumExp(logits);
  double divergence = 0;
  double rest_golden = 1;
  double rest_given = 1;
  for (std::size_t i = 0; i < top_ids.size(); ++i) {
    const double log_golden = static_cast<double>(top_logits[i]) - log_sum_exp;
    const double log_given = logits[static_cast<std::size_t>(top_ids[i])] - total;
    divergence += std::exp(log_golden) * (log_golden - log_given);
    rest_golden -= std::exp(log_golden);
    rest_given -= std::exp(log_given);
  }
  rest_golden = std::max(rest_golden, kSmallestRest);
  rest_given = std::max(rest_given, kSmallestRest);
  divergence += rest_golden * std::log(rest_golden / rest_given);
  return std::isnan(divergence) ? std::numeric_limits<double>::infinity() : divergence;
}

Result<Fidelity> MeasureFidelity(Model& model, const GoldenText& text, std::size_t chunk) {
  const std::size_t count = text.tokens.size();
  if (count > model.context_tokens()) {
    return Error(StatusCode::kUsage, "text {} has {} tokens, the context {}", text.name, count,
                 model.context_tokens());
  }
  for (const std::int32_t id : text.top_ids) {
    if (id < 0 || static_cast<std::size_t>(id) >= model.config().vocab_size) {
      return Error(StatusCode::kInvalidInput, "text {}: id {} is not in a vocabulary of {}",
                   text.name, id, model.config().vocab_size);
    }
  }
  KvSequence sequence = model.NewSequence();
  std::vector<Judgement> judgements;
  for (std::size_t first = 0; first < count; first += chunk) {
    const auto piece = std::span(text.tokens).subspan(first, std::min(chunk, count - first));
    TRY(model.Forward(piece, sequence, piece.size()));
    for (std::size_t i = 0; i < piece.size(); ++i) {
      const std::span<const float> logits = model.Logits(i);
      const std::size_t at = (first + i) * text.top_count;
      const auto ids = std::span(text.top_ids).subspan(at, text.top_count);
      const auto best = std::ranges::max_element(logits) - logits.begin();
      judgements.push_back(
          {KlDivergence(ids, std::span(text.top_logits).subspan(at, text.top_count),
                        text.log_sum_exp[first + i], logits),
           best == ids[0]});
    }
  }
  return Summarise(text, judgements);
}

}  // namespace kinglet
