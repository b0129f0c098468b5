// SPDX-License-Identifier: Apache-2.0
// A look at the files costs microseconds, so that every question can afford one.
#include "server/router_shelf.h"

#include <utility>

namespace kinglet {

// Of the file, of the classifier and of the examples beside the file, as far as they are there.
RouterShelf::Identities RouterShelf::Look() const {
  std::vector<std::filesystem::path> paths = {files_.intents,
                                              TrainedFile(files_.intents, files_.trained)};
  if (router_ != nullptr) paths.emplace_back(router_->intents().examples_file);
  Identities identities;
  for (const std::filesystem::path& path : paths) {
    const auto identity = IdentityOf(path);
    identities.push_back(identity ? std::optional(*identity) : std::nullopt);
  }
  return identities;
}

Result<void> RouterShelf::Open() {
  const std::scoped_lock lock(mutex_);
  router_ = TRY(Router::Open(files_.intents, files_.trained, files_.open_embedder));
  seen_ = Look();
  check_(router_->intents());
  return {};
}

// What changes while it is read is read again the next time.
void RouterShelf::Refresh() {
  Identities now = Look();
  if (now == seen_) return;
  auto router = Router::Open(files_.intents, files_.trained, files_.open_embedder);
  if (router) {
    const std::string before = std::exchange(router_, *std::move(router))->intents().examples_file;
    if (router_->intents().examples_file != before) now = Look();
    check_(router_->intents());
  } else {
    warn_(fmt::format("the router stays as it was: {}", router.error().message()));
  }
  seen_ = std::move(now);
}

Result<std::optional<RouteTaken>> RouterShelf::Take(const std::string& text) {
  const std::scoped_lock lock(mutex_);
  Refresh();
  const Decision decision = TRY(router_->Route(text));
  if (decision.uses == nullptr) return std::nullopt;
  RouteTaken taken{.text = text, .route = RouteOf(decision), .uses = *decision.uses};
  if (decision.endpoint != nullptr) taken.endpoint = *decision.endpoint;
  return taken;
}

Result<json::object> RouterShelf::Route(const std::string& text, bool explain) {
  const std::scoped_lock lock(mutex_);
  Refresh();
  const Decision decision = TRY(router_->Route(text));
  if (!explain) return ToJson(text, decision, nullptr);
  const Evidence evidence = TRY(router_->Explain(text, decision));
  return ToJson(text, decision, &evidence);
}

}  // namespace kinglet
