// SPDX-License-Identifier: Apache-2.0
// The router of a server: opened again when its files have changed, and kept as it was where they
// can no longer be used.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "router/router.h"
#include "server/routed_chat.h"

namespace kinglet {

struct RouterFiles {
  std::filesystem::path intents;  // empty: there is no router
  std::filesystem::path trained;  // folder of the classifiers
  EmbedderOpener open_embedder;
};

// From any thread; questions take turns.
class RouterShelf {
 public:
  using Warn = std::function<void(const std::string& warning)>;
  // check: is shown the intents whenever they have been read.
  RouterShelf(RouterFiles files, Warn warn, std::function<void(const Intents& intents)> check)
      : files_(std::move(files)), warn_(std::move(warn)), check_(std::move(check)) {}

  bool has_router() const { return !files_.intents.empty(); }
  // For the start, so that what is wrong is told then.
  Result<void> Open();
  // As Router::Route and Explain, with the files as they are now. Open has succeeded.
  Result<json::object> Route(const std::string& text, bool explain);
  // Unset: nothing answers such a text.
  Result<std::optional<RouteTaken>> Take(const std::string& text);

 private:
  using Identities = std::vector<std::optional<FileIdentity>>;

  Identities Look() const;
  void Refresh();

  RouterFiles files_;
  Warn warn_;
  std::function<void(const Intents& intents)> check_;
  std::mutex mutex_;
  std::unique_ptr<Router> router_;
  Identities seen_;  // of what router_ was opened from, or could not be
};

}  // namespace kinglet
