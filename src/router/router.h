// SPDX-License-Identifier: Apache-2.0
// Where a question goes: start here. A router is an intents.toml and the classifier that was
// trained from it; Route says which intent a text is of, how sure that is, and what answers it.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "router/classifier.h"
#include "router/intents.h"

namespace kinglet {

struct Decision {
  const Intent* intent = nullptr;  // what the text asks for; null: none, it is out of scope
  double confidence = 0;           // that it is of the best intent, if it is of one
  double scope_score = 0;          // below threshold: out of scope
  double threshold = 0;
  // What answers: the intent, or the default where it is out of scope. Null: nothing does.
  const Intent* uses = nullptr;
  const IntentEndpoint* endpoint = nullptr;  // of `uses`, where that hands over
  struct Alternative {
    const Intent* intent = nullptr;
    double confidence = 0;
  };
  std::vector<Alternative> alternatives;  // the likeliest intents that it is not, the best first
};

using EmbedderOpener = std::function<Result<std::unique_ptr<Embedder>>(const std::string& model)>;

// One caller at a time: an embedder has one. Decisions point into the router.
class Router {
 public:
  // Reads the file, and the classifier that TrainRouter kept for it in `folder`. kNotFound where it
  // was never trained, kInvalidInput where its examples or its embedder have changed since.
  static Result<std::unique_ptr<Router>> Open(const std::filesystem::path& file,
                                              const std::filesystem::path& folder,
                                              const EmbedderOpener& open_embedder);

  // kInvalidInput for a text that is blank: it is of nothing.
  Result<Decision> Route(std::string_view text);
  // What speaks for the decision's intent; where it is out of scope, for the best of those that it
  // is not.
  Result<Evidence> Explain(std::string_view text, const Decision& decision);

  const Intents& intents() const { return intents_; }
  const Classifier& classifier() const { return classifier_; }
  Embedder* embedder() { return embedder_.get(); }  // null: by words alone

 private:
  Router(Intents intents, Classifier classifier, std::unique_ptr<Embedder> embedder);

  Intents intents_;
  Classifier classifier_;
  std::unique_ptr<Embedder> embedder_;
  std::vector<const Intent*> of_label_;
};

// Trains the classifier of a file, and keeps it in `folder` for Open. What it learnt from.
Result<TrainingSet> TrainRouter(const std::filesystem::path& file,
                                const std::filesystem::path& folder,
                                const EmbedderOpener& open_embedder, ThreadPool& pool);

// Where the classifier of an intents.toml is kept: a name for each path.
std::filesystem::path TrainedFile(const std::filesystem::path& file,
                                  const std::filesystem::path& folder);

// The reply of `route --json` and of /v1/route; `evidence` may be null.
json::object ToJson(std::string_view text, const Decision& decision, const Evidence* evidence);

}  // namespace kinglet
