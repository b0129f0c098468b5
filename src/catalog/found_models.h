// SPDX-License-Identifier: Apache-2.0
// What models there are on this machine: in the store, and in the caches that other programs left.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "catalog/store.h"

namespace kinglet {

// What a GGUF file says of itself. Empty or nothing where it does not.
struct GgufFacts {
  std::string family;      // general.architecture
  std::string parameters;  // general.size_label, else counted
  std::string type;        // of general.file_type
  std::string licence;     // general.license
  std::optional<std::uint64_t> context_tokens;
};

// Nothing where path is no sound GGUF file.
std::optional<GgufFacts> ReadGgufFacts(const std::filesystem::path& path);

struct CachedModel {
  std::string name;   // "user/repo/file.gguf", "llama3.2:1b"
  std::string cache;  // "huggingface", "ollama"
  std::filesystem::path path;
  std::uint64_t bytes = 0;
};

// The folders that the two programs use: HF_HUB_CACHE, HF_HOME, OLLAMA_MODELS, or below $HOME.
struct CacheFolders {
  std::filesystem::path huggingface;
  std::filesystem::path ollama;
};
CacheFolders DefaultCacheFolders();

// GGUF files of both, by name. A folder that is missing or strange holds none.
std::vector<CachedModel> FindCachedModels(const CacheFolders& folders);

}  // namespace kinglet
