// SPDX-License-Identifier: Apache-2.0
// A label of the classifier becomes an intent, and a text out of scope the default's.
#include "router/router.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/digest.h"
#include "base/file.h"
#include "router/text_features.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxTrainedBytes = std::size_t{4} << 30U;
constexpr std::size_t kAlternatives = 3;

Result<std::unique_ptr<Embedder>> OpenEmbedderOf(const Intents& intents,
                                                 const EmbedderOpener& open_embedder) {
  if (intents.embedder.empty()) return nullptr;
  return open_embedder(intents.embedder);
}

}  // namespace

std::filesystem::path TrainedFile(const std::filesystem::path& file,
                                  const std::filesystem::path& folder) {
  constexpr std::size_t kDigits = 16;
  std::error_code error;
  std::filesystem::path whole = std::filesystem::weakly_canonical(file, error);
  if (error) whole = std::filesystem::absolute(file, error);
  return folder / (Sha256::HexOf(whole.string()).substr(0, kDigits) + ".classifier");
}

Result<TrainingSet> TrainRouter(const std::filesystem::path& file,
                                const std::filesystem::path& folder,
                                const EmbedderOpener& open_embedder, ThreadPool& pool) {
  const Intents intents = TRY(ReadIntents(file));
  TrainingSet set = intents.ToTrainingSet();
  const auto embedder = TRY(OpenEmbedderOf(intents, open_embedder));
  const Classifier classifier = TRY(Classifier::Train(set, embedder.get(), pool));
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  TRY(WriteFileAtomic(TrainedFile(file, folder), classifier.Serialize()));
  return set;
}

Router::Router(Intents intents, Classifier classifier, std::unique_ptr<Embedder> embedder)
    : intents_(std::move(intents)),
      classifier_(std::move(classifier)),
      embedder_(std::move(embedder)) {
  for (const std::string& label : classifier_.labels()) {
    of_label_.push_back(intents_.FindIntent(label));
  }
}

Result<std::unique_ptr<Router>> Router::Open(const std::filesystem::path& file,
                                             const std::filesystem::path& folder,
                                             const EmbedderOpener& open_embedder) {
  Intents intents = TRY(ReadIntents(file));
  const std::filesystem::path trained = TrainedFile(file, folder);
  const auto bytes = ReadFile(trained, kMaxTrainedBytes);
  const auto again = [&](StatusCode code, std::string_view why) {
    return Error(code, "{} {}: kinglet intents train {}", file.string(), why, file.string());
  };
  if (!bytes && bytes.error().code() == StatusCode::kNotFound) {
    return again(StatusCode::kNotFound, "was never trained");
  }
  if (!bytes) return std::unexpected(bytes.error());
  auto classifier = Classifier::Parse(*bytes);
  if (!classifier) {
    return again(StatusCode::kInvalidInput,
                 fmt::format("has {} ({})", classifier.error().message(), trained.string()));
  }
  if (classifier->digest() != intents.ToTrainingSet().Digest()) {
    return again(StatusCode::kInvalidInput, "has other examples than it was trained with");
  }
  auto embedder = TRY(OpenEmbedderOf(intents, open_embedder));
  if (!TRY(classifier->Fits(embedder.get()))) {
    return again(StatusCode::kInvalidInput, "has another embedder than it was trained with");
  }
  return std::unique_ptr<Router>(
      new Router(std::move(intents), *std::move(classifier), std::move(embedder)));
}

Result<Decision> Router::Route(std::string_view text) {
  if (IsBlank(text)) return Error(StatusCode::kInvalidInput, "the text is empty");
  const Classification found = TRY(classifier_.Classify(text, embedder_.get()));
  Decision decision{.confidence = found.confidence(),
                    .scope_score = found.scope_score,
                    .threshold = classifier_.threshold()};
  if (!found.out_of_scope) {
    decision.intent = decision.uses = of_label_[found.best];
  } else if (const auto index = intents_.default_intent; index) {
    decision.uses = &intents_.intents[*index];
  }
  if (decision.uses != nullptr) {
    decision.endpoint = intents_.FindEndpoint(decision.uses->endpoint);
  }
  std::vector<std::size_t> order(of_label_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t shown = std::min(order.size(), kAlternatives + 1);
  std::ranges::partial_sort(order, order.begin() + static_cast<std::ptrdiff_t>(shown),
                            [&](std::size_t a, std::size_t b) {
                              return found.probabilities[a] > found.probabilities[b];
                            });
  for (std::size_t i = found.out_of_scope ? 0 : 1; i < shown; ++i) {
    if (decision.alternatives.size() == kAlternatives) break;
    decision.alternatives.push_back({of_label_[order[i]], found.probabilities[order[i]]});
  }
  return decision;
}

Result<Evidence> Router::Explain(std::string_view text, const Decision& decision) {
  const Intent* const intent =
      decision.intent != nullptr ? decision.intent : decision.alternatives.front().intent;
  const auto label = std::ranges::find(of_label_, intent) - of_label_.begin();
  return classifier_.Explain(text, static_cast<std::size_t>(label), embedder_.get());
}

}  // namespace kinglet
