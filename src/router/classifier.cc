// SPDX-License-Identifier: Apache-2.0
// Training: a head on all texts, and a few on parts of them, whose margins for the texts that they
// have not seen say how far a margin can be trusted.
#include "router/classifier.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>

#include "base/digest.h"

namespace kinglet {
namespace {

// Against n-grams, whose vector has two parts of length 1.
constexpr float kVectorScale = 2;
constexpr int kFolds = 4;
// How much one label stands out is told best by a softmax that is far flatter than the calibrated
// one, which soon says 1.
constexpr double kScopeSharpness = 1.5;
constexpr std::size_t kMaxLabels = 4096;
constexpr std::size_t kMaxTexts = 500'000;
constexpr std::size_t kEmbedBatch = 256;
constexpr std::string_view kProbe = "What does this question ask for, and who answers it?";

Result<std::vector<float>> EmbedAll(std::vector<std::string> texts, Embedder& embedder) {
  const std::string prefix(embedder.query_prefix());
  for (std::string& text : texts) text.insert(0, prefix);
  std::vector<float> vectors;
  vectors.reserve(texts.size() * embedder.width());
  for (std::size_t begin = 0; begin < texts.size(); begin += kEmbedBatch) {
    const std::size_t count = std::min(kEmbedBatch, texts.size() - begin);
    const std::vector<float> some = TRY(embedder.Embed(std::span(texts).subspan(begin, count)));
    for (const float value : some) vectors.push_back(kVectorScale * value);
  }
  return vectors;
}

// [width], scaled; empty without an embedder.
Result<std::vector<float>> EmbedText(std::string_view text, Embedder* embedder) {
  if (embedder == nullptr) return std::vector<float>();
  return EmbedAll({std::string(text)}, *embedder);
}

// Softmax of sharpness * margins.
std::vector<double> Probabilities(std::span<const float> margins, double sharpness) {
  const double highest = *std::ranges::max_element(margins);
  std::vector<double> probabilities;
  double sum = 0;
  for (const float margin : margins) {
    probabilities.push_back(std::exp(sharpness * (margin - highest)));
    sum += probabilities.back();
  }
  for (double& probability : probabilities) probability /= sum;
  return probabilities;
}

double ScopeScore(std::span<const float> margins) {
  return std::ranges::max(Probabilities(margins, kScopeSharpness));
}

// A fold for each text, those of each label spread evenly, by the seed.
std::vector<int> DrawFolds(std::span<const int> labels, std::size_t label_count,
                           std::uint64_t seed) {
  std::vector<std::vector<std::size_t>> texts(label_count + 1);  // the last: of no label
  for (std::size_t i = 0; i < labels.size(); ++i) {
    texts[labels[i] == kNoLabel ? label_count : static_cast<std::size_t>(labels[i])].push_back(i);
  }
  std::mt19937_64 random(seed);
  std::vector<int> folds(labels.size());
  for (std::vector<std::size_t>& of_label : texts) {
    for (std::size_t i = of_label.size(); i > 1; --i) {
      std::swap(of_label[i - 1], of_label[random() % i]);
    }
    for (std::size_t i = 0; i < of_label.size(); ++i) {
      folds[of_label[i]] = static_cast<int>(i % kFolds);
    }
  }
  return folds;
}

// The sharpness at which the right labels are likeliest: a bracket of the convex loss is narrowed
// by golden sections. One text more than there are is taken to be wrong, as far as that can be said
// of any (Platt 1999): a dozen that are all right do not make a router certain.
double FindSharpness(const std::vector<std::vector<float>>& margins, std::span<const int> labels) {
  const auto in_scope = static_cast<double>(labels.size()) -
                        static_cast<double>(std::ranges::count(labels, kNoLabel));
  const double doubt = 1 / (in_scope + 2);
  const auto loss = [&](double log_sharpness) {
    const double sharpness = std::exp(log_sharpness);
    double sum = 0;
    for (std::size_t i = 0; i < margins.size(); ++i) {
      if (labels[i] == kNoLabel) continue;
      const double highest = *std::ranges::max_element(margins[i]);
      double exponentials = 0, total = 0;
      for (const float margin : margins[i]) {
        exponentials += std::exp(sharpness * (margin - highest));
        total += margin;
      }
      const double right = margins[i][static_cast<std::size_t>(labels[i])];
      const double wrong = (total - right) / static_cast<double>(margins[i].size() - 1);
      const double expected = (1 - doubt) * right + doubt * wrong;
      sum += std::log(exponentials) - sharpness * (expected - highest);
    }
    return sum;
  };
  constexpr double kGolden = 0.6180339887498949;
  double low = std::log(0.1), high = std::log(50.0);
  double left = high - kGolden * (high - low), right = low + kGolden * (high - low);
  double left_loss = loss(left), right_loss = loss(right);
  while (high - low > 0.02) {
    if (left_loss < right_loss) {
      high = std::exchange(right, left);
      right_loss = left_loss;
      left = high - kGolden * (high - low);
      left_loss = loss(left);
    } else {
      low = std::exchange(left, right);
      left_loss = right_loss;
      right = low + kGolden * (high - low);
      right_loss = loss(right);
    }
  }
  return std::exp((low + high) / 2);
}

Result<void> CheckSet(const TrainingSet& set) {
  if (set.labels.size() < 2 || set.labels.size() > kMaxLabels) {
    return Error(StatusCode::kInvalidInput, "{} labels: 2 to {} can be told apart",
                 set.labels.size(), kMaxLabels);
  }
  if (set.texts.size() > kMaxTexts) {
    return Error(StatusCode::kLimitExceeded, "{} examples: at most {} can be learnt from",
                 set.texts.size(), kMaxTexts);
  }
  std::vector<int> counts(set.labels.size());
  for (const LabelledText& text : set.texts) {
    if (text.label != kNoLabel) ++counts[static_cast<std::size_t>(text.label)];
  }
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] >= 2) continue;
    return Error(StatusCode::kInvalidInput, "{:?} has {} examples: it takes 2 to learn from one",
                 set.labels[i], counts[i]);
  }
  return {};
}

// The texts as samples, and all that the samples point to.
struct Samples {
  std::vector<float> vectors;  // [texts][width]
  std::vector<std::vector<TextFeature>> features;
  std::vector<Sample> samples;
  std::vector<int> labels;
};

Result<Samples> MakeSamples(const TrainingSet& set, Embedder* embedder) {
  Samples made;
  const std::size_t width = embedder == nullptr ? 0 : embedder->width();
  if (embedder != nullptr) {
    std::vector<std::string> texts;
    for (const LabelledText& text : set.texts) texts.push_back(text.text);
    made.vectors = TRY(EmbedAll(std::move(texts), *embedder));
  }
  for (const LabelledText& text : set.texts) made.features.push_back(TextFeatures(text.text));
  for (std::size_t i = 0; i < set.texts.size(); ++i) {
    made.samples.push_back({std::span(made.vectors).subspan(i * width, width), made.features[i]});
    made.labels.push_back(set.texts[i].label);
  }
  return made;
}

// Of each text the margins by a head that was trained without its fold.
std::vector<std::vector<float>> UnseenMargins(const Samples& all, std::size_t label_count,
                                              std::size_t width, std::uint64_t seed,
                                              ThreadPool& pool) {
  const std::vector<int> folds = DrawFolds(all.labels, label_count, seed);
  std::vector<std::vector<float>> margins(all.samples.size());
  for (int fold = 0; fold < kFolds; ++fold) {
    std::vector<Sample> samples;
    std::vector<int> labels;
    for (std::size_t i = 0; i < folds.size(); ++i) {
      if (folds[i] == fold) continue;
      samples.push_back(all.samples[i]);
      labels.push_back(all.labels[i]);
    }
    const LinearHead head = TrainLinearHead(samples, labels, label_count, width, seed, pool);
    for (std::size_t i = 0; i < folds.size(); ++i) {
      if (folds[i] == fold) margins[i] = head.Margins(all.samples[i]);
    }
  }
  return margins;
}

}  // namespace

std::string TrainingSet::Digest() const {
  Sha256 digest;
  const auto add = [&digest](std::string_view text) {
    digest.Update(fmt::format("{}:", text.size()));
    digest.Update(text);
  };
  digest.Update(fmt::format("{} {} {};", rejection, seed, labels.size()));
  for (const std::string& label : labels) add(label);
  for (const LabelledText& text : texts) {
    digest.Update(fmt::format("{} ", text.label));
    add(text.text);
  }
  return digest.Hex();
}

void Classifier::Calibrate(const std::vector<std::vector<float>>& margins,
                           std::span<const int> labels, double rejection) {
  sharpness_ = FindSharpness(margins, labels);
  std::vector<double> scores;
  for (std::size_t i = 0; i < margins.size(); ++i) {
    if (labels[i] != kNoLabel) scores.push_back(ScopeScore(margins[i]));
  }
  const auto rejected = static_cast<std::size_t>(rejection * static_cast<double>(scores.size()));
  std::ranges::nth_element(scores, scores.begin() + static_cast<std::ptrdiff_t>(rejected));
  threshold_ = rejection > 0 ? scores[rejected] : 0;
}

Result<Classifier> Classifier::Train(const TrainingSet& set, Embedder* embedder, ThreadPool& pool) {
  TRY(CheckSet(set));
  const Samples all = TRY(MakeSamples(set, embedder));
  const std::size_t width = embedder == nullptr ? 0 : embedder->width();
  Classifier classifier;
  classifier.labels_ = set.labels;
  classifier.digest_ = set.Digest();
  classifier.probe_ = TRY(EmbedText(kProbe, embedder));
  classifier.Calibrate(UnseenMargins(all, set.labels.size(), width, set.seed, pool), all.labels,
                       set.rejection);
  classifier.head_ =
      TrainLinearHead(all.samples, all.labels, set.labels.size(), width, set.seed, pool);
  return classifier;
}

Result<Classification> Classifier::Classify(std::string_view text, Embedder* embedder) const {
  const std::vector<float> vector = TRY(EmbedText(text, embedder));
  const std::vector<TextFeature> features = TextFeatures(text);
  const std::vector<float> margins = head_.Margins({vector, features});
  Classification result;
  result.probabilities = Probabilities(margins, sharpness_);
  result.best = static_cast<std::size_t>(std::ranges::max_element(margins) - margins.begin());
  result.scope_score = ScopeScore(margins);
  result.out_of_scope = result.scope_score < threshold_;
  return result;
}

Result<Evidence> Classifier::Explain(std::string_view text, std::size_t label,
                                     Embedder* embedder) const {
  const std::vector<float> vector = TRY(EmbedText(text, embedder));
  const auto above_mean = [&](std::size_t row) {
    const auto weights = head_.Row(row);
    double sum = 0;
    for (const float weight : weights) sum += weight;
    return weights[label] - sum / static_cast<double>(labels_.size());
  };
  Evidence evidence;
  evidence.constant = above_mean(LinearHead::RowCount(head_.width) - 1);
  for (std::size_t i = 0; i < vector.size(); ++i) evidence.by_meaning += vector[i] * above_mean(i);
  for (const WordFeatures& word : FeaturesOfWords(text)) {
    Evidence::Word said{.word = std::string(text.substr(word.range.begin, word.range.size()))};
    for (const auto& [bucket, value] : word.features) {
      said.weight += value * above_mean(head_.width + bucket);
    }
    evidence.by_words += said.weight;
    evidence.words.push_back(std::move(said));
  }
  return evidence;
}

Result<bool> Classifier::Fits(Embedder* embedder) const {
  if (embedder == nullptr || embedder->width() != head_.width) {
    return embedder == nullptr && head_.width == 0;
  }
  const std::vector<float> probe = TRY(EmbedText(kProbe, embedder));
  double product = 0;
  for (std::size_t i = 0; i < probe.size(); ++i) product += double{probe[i]} * probe_[i];
  // The same model on another machine, in another order of sums, is off by far less.
  return product > 0.999 * kVectorScale * kVectorScale;
}

}  // namespace kinglet
