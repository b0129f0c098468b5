// SPDX-License-Identifier: Apache-2.0
// A text is a run of one step: its tokens see each other, so that it cannot be read in pieces.
#include "model/encoder.h"

#include <algorithm>
#include <cmath>

#include "kernels/backend.h"
#include "model/tensors.h"

namespace kinglet {
namespace {

constexpr std::size_t kStepTexts = 16;  // at most

// A vector is the mean of a text's tokens, which averages out what rounding to 8 bits does to each;
// not where they are few. All-MiniLM-L6-v2, 1 - cosine with the exact vector, worst text: of 2 to 7
// tokens 2.4e-3, of 8 or more 7.5e-4; with the input of most products in 16 bits 9.0e-4 and 3.3e-4,
// for half as many products again.
constexpr std::size_t kShortTokens = 16;

bool IsShort(const std::vector<TokenId>& text) { return text.size() <= kShortTokens; }

}  // namespace

Result<std::unique_ptr<Encoder>> Encoder::Load(GgufFile file, const EncoderOptions& options) {
  const Ops* ops = TRY(ChooseOps());
  ModelConfig config = TRY(ReadModelConfig(file));
  if (!config.family.encoder) {
    return Error(StatusCode::kInvalidInput, "a {} model makes text, and no vectors of texts",
                 config.architecture);
  }
  std::unique_ptr<Encoder> encoder(
      new Encoder(std::move(file), std::move(config), *ops, options.thread_count));
  TRY(encoder->Bind(options.exact));
  return encoder;
}

Encoder::Encoder(GgufFile file, ModelConfig config, const Ops& ops, int thread_count)
    : file_(std::move(file)), config_(std::move(config)), ops_(ops), pool_(thread_count) {}

Result<void> Encoder::Bind(bool exact) {
  ModelTensors tensors = TRY(BindTensors(file_, config_));
  std::vector<const Tensor*> matrices = Matrices(file_, tensors);
  const auto is_quantised = [](const Tensor* t) { return IsQuantised(t->dtype); };
  bool rounds = !exact && std::ranges::any_of(matrices, is_quantised);
  if (ops_.takes_panels) {
    if (exact) std::erase_if(matrices, is_quantised);
    const FloatMatrices floats = exact ? FloatMatrices::kKept : FloatMatrices::kRounded;
    packed_ = TRY(PackedWeights::InMemory(file_, PlanPacking(matrices, floats), pool_));
    tensors.packed = &*packed_;
    rounds = std::ranges::any_of(packed_->tensors(), IsQuantised, &PackedTensor::dtype);
  }
  layers_ = TRY(BindBert(config_, tensors, ops_));
  // Keys and values of one step only: unrounded ones cost nothing.
  pages_ = TRY(KvPages::Create(config_, KvType::kF32, kStepTexts + kStepTokens / kPageTokens));
  for (std::size_t i = 0; i < kStepTexts; ++i) sequences_.emplace_back(*pages_, max_tokens());
  buffers_ = std::make_unique<StepBuffers>(config_, pages_->layout(), rounds, max_tokens(),
                                           pool_.thread_count());
  runs_.reserve(kStepTexts);
  step_texts_.reserve(kStepTexts);
  places_.reserve(kStepTokens);
  tokens_.reserve(kStepTokens);
  return {};
}

std::size_t Encoder::max_tokens() const { return std::min(config_.context_length, kStepTokens); }

Result<void> Encoder::Check(std::span<const TokenId> tokens) const {
  if (tokens.empty() || tokens.size() > max_tokens()) {
    return Error(StatusCode::kUsage, "a text has {} tokens; the model reads 1 to {}", tokens.size(),
                 max_tokens());
  }
  for (const TokenId token : tokens) {
    if (token < 0 || static_cast<std::size_t>(token) >= config_.vocab_size) {
      return Error(StatusCode::kUsage, "token {} is not in a vocabulary of {}", token,
                   config_.vocab_size);
    }
  }
  return {};
}

Result<void> Encoder::Embed(std::span<const std::vector<TokenId>> texts, std::span<float> out) {
  for (const std::vector<TokenId>& text : texts) TRY(Check(text));
  for (const bool are_short : {false, true}) {
    buffers_->normed.RoundTo(are_short ? Rounding::kTo16Bits : Rounding::kTo8Bits);
    for (std::size_t next = 0; next < texts.size();) {
      step_texts_.clear();
      std::size_t total = 0;
      for (; next < texts.size(); ++next) {
        if (IsShort(texts[next]) != are_short) continue;
        total += texts[next].size();
        if (step_texts_.size() == kStepTexts || total > kStepTokens) break;
        step_texts_.push_back(next);
      }
      if (!step_texts_.empty()) TRY(RunStep(texts, out));
    }
  }
  return {};
}

Result<void> Encoder::RunStep(std::span<const std::vector<TokenId>> texts, std::span<float> out) {
  runs_.clear();
  places_.clear();
  tokens_.clear();
  for (const std::size_t index : step_texts_) {
    const std::vector<TokenId>& text = texts[index];
    KvSequence& sequence = sequences_[runs_.size()];
    TRY(sequence.Reserve(text.size()));
    for (std::size_t position = 0; position < text.size(); ++position) {
      places_.push_back({runs_.size(), position});
    }
    runs_.push_back({&sequence, tokens_.size(), text.size(), 0});
    tokens_.insert(tokens_.end(), text.begin(), text.end());
  }
  Step step{ops_, pool_, config_, *pages_, *buffers_, runs_, places_, tokens_.size()};
  layers_->Run(step, tokens_);
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    runs_[i].sequence->Truncate(0);
    Pool(runs_[i], out.subspan(step_texts_[i] * width(), width()));
  }
  return {};
}

void Encoder::Pool(const SequenceRun& run, std::span<float> out) {
  std::ranges::fill(out, 0.0F);
  const std::size_t pooled = config_.pooling == Pooling::kFirst ? 1 : run.count;
  for (std::size_t token = run.first_token; token < run.first_token + pooled; ++token) {
    ops_.add(&buffers_->hidden[token * width()], static_cast<int>(width()), out.data());
  }
  double squares = 0;
  for (const float value : out) squares += static_cast<double>(value) * value;
  const auto scale = static_cast<float>(1 / std::sqrt(squares));
  for (float& value : out) value *= scale;
}

}  // namespace kinglet
