// SPDX-License-Identifier: Apache-2.0
// Models outside the catalog: a URL, hf:user/repo/FILE.gguf, or hf:user/repo:QUANT, which asks the
// hub what the repository holds. KINGLET_HF_ENDPOINT names another hub.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "catalog/catalog.h"

namespace kinglet {

// What "hf:..." says. Exactly one of file and quant is set: without either, quant is "Q4_K_M".
struct HubModel {
  std::string repository;  // "user/repo"
  std::string file;
  std::string quant;

  // Beginning of the URLs of all files of the repository.
  std::string UrlPrefix() const;
};

bool IsUrl(std::string_view model);
bool IsHubModel(std::string_view model);  // begins with "hf:"
// kUsage where it is none of the forms.
Result<HubModel> ParseHubModel(std::string_view model);

// The .gguf of files that is of this type: the quant stands in its name as a word of its own, in
// any case. The first part of a split file; the shortest name where several fit; empty where
// none does.
std::string ChooseQuant(const std::vector<std::string>& files, std::string_view quant);

// An entry for the file behind a URL, and all its siblings where it is part of a split GGUF
// (-00001-of-000NN.gguf). No licence, no digest: nobody told them.
Result<ModelEntry> EntryOfUrl(const std::string& url);
// The same for an hf: form. Asks the hub for the list of files where the form gives a quant.
Result<ModelEntry> EntryOfHubModel(std::string_view model,
                                   const std::function<bool()>& should_stop);

}  // namespace kinglet
