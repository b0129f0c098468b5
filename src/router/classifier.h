// SPDX-License-Identifier: Apache-2.0
// Which of some labels a text is of, how sure that is, and whether it is of none: linear heads over
// the words of the text and, with an embedder, over its meaning. Trained in seconds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/thread_pool.h"
#include "router/linear_svm.h"
#include "text/embedder.h"

namespace kinglet {

struct LabelledText {
  std::string text;
  int label = kNoLabel;  // index; kNoLabel: out of scope
};

struct TrainingSet {
  std::vector<std::string> labels;  // at least 2, each with 2 texts or more
  std::vector<LabelledText> texts;
  double rejection = 0.05;  // the share of texts in scope that may be taken for out of scope
  std::uint64_t seed = 1;

  // SHA-256 of all of it.
  std::string Digest() const;
};

struct Classification {
  std::size_t best = 0;               // label
  std::vector<double> probabilities;  // of each label, given that the text is of one
  // How much one label stands out, from 0 to 1. Below the classifier's threshold the text is out of
  // scope.
  double scope_score = 0;
  bool out_of_scope = false;

  double confidence() const { return probabilities[best]; }
};

// What speaks for a label, against the mean of all labels, in units of margins: the parts add up to
// the whole.
struct Evidence {
  struct Word {
    std::string word;  // as the text has it
    double weight = 0;
  };
  std::vector<Word> words;  // in their order in the text
  double by_words = 0;      // of all words together
  double by_meaning = 0;    // of the embedder's vector
  double constant = 0;      // of the label, whatever the text says
};

class Classifier {
 public:
  // embedder may be null: by words alone. kInvalidInput where the set is not as TrainingSet says.
  static Result<Classifier> Train(const TrainingSet& set, Embedder* embedder, ThreadPool& pool);

  // With the embedder that it was trained with, null where that was none.
  Result<Classification> Classify(std::string_view text, Embedder* embedder) const;
  Result<Evidence> Explain(std::string_view text, std::size_t label, Embedder* embedder) const;

  const std::vector<std::string>& labels() const { return labels_; }
  std::size_t width() const { return head_.width; }  // of the embedder's vectors; 0: none
  double threshold() const { return threshold_; }
  const std::string& digest() const { return digest_; }  // of the training set

  // Whether the embedder makes of a text what the one of the training did.
  Result<bool> Fits(Embedder* embedder) const;

  // A file's content: a version, the digest, a checksum. Parse: kInvalidInput for bytes that
  // Serialize has not made.
  std::string Serialize() const;
  static Result<Classifier> Parse(std::string_view bytes);

 private:
  Classifier() = default;
  void Calibrate(const std::vector<std::vector<float>>& margins, std::span<const int> labels,
                 double rejection);

  std::vector<std::string> labels_;
  LinearHead head_;
  double sharpness_ = 1;  // of the softmax over margins: the inverse of a temperature
  double threshold_ = 0;
  std::string digest_;
  std::vector<float> probe_;  // [width]: what the embedder makes of a text that never changes
};

}  // namespace kinglet
