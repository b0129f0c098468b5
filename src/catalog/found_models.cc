// SPDX-License-Identifier: Apache-2.0
// Hugging Face keeps models--USER--REPO/snapshots/COMMIT/FILE; Ollama keeps
// manifests/REGISTRY/NAMESPACE/NAME/TAG, JSON whose layer of media type
// application/vnd.ollama.image.model has the digest of blobs/sha256-DIGEST.
#include "catalog/found_models.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "tensor/gguf.h"

namespace kinglet {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxVisited = 100'000;  // entries of a cache folder
constexpr std::size_t kMaxManifestBytes = std::size_t{1} << 20;

// llama_ftype of llama.cpp's llama.h, which general.file_type holds: the types that are common.
constexpr std::array<std::pair<std::int64_t, std::string_view>, 17> kFileTypes = {{
    {0, "F32"},
    {1, "F16"},
    {2, "Q4_0"},
    {3, "Q4_1"},
    {7, "Q8_0"},
    {8, "Q5_0"},
    {9, "Q5_1"},
    {10, "Q2_K"},
    {11, "Q3_K_S"},
    {12, "Q3_K_M"},
    {13, "Q3_K_L"},
    {14, "Q4_K_S"},
    {15, "Q4_K_M"},
    {16, "Q5_K_S"},
    {17, "Q5_K_M"},
    {18, "Q6_K"},
    {32, "BF16"},
}};

std::string TextOf(const GgufFile& file, std::string_view key) {
  const GgufValue* value = file.Find(key);
  return std::string(value == nullptr ? "" : value->As<std::string_view>().value_or(""));
}

std::optional<std::int64_t> NumberOf(const GgufFile& file, std::string_view key) {
  const GgufValue* value = file.Find(key);
  return value == nullptr ? std::nullopt : value->As<std::int64_t>();
}

// "135M", "1.5B".
std::string CountText(double values) {
  if (values >= 1e9) return fmt::format("{:.2g}B", values / 1e9);
  return fmt::format("{:.0f}M", values / 1e6);
}

double CountValues(const GgufFile& file) {
  double values = 0;
  for (const Tensor& tensor : file.tensors()) {
    values += static_cast<double>(tensor.rows()) * static_cast<double>(tensor.columns());
  }
  return values;
}

// Calls visit(entry) for what is below folder, links to folders not followed.
template <typename Visit>
void Walk(const fs::path& folder, Visit visit) {
  std::error_code error;
  fs::recursive_directory_iterator it(folder, fs::directory_options::skip_permission_denied, error);
  std::size_t visited = 0;
  for (; !error && it != fs::recursive_directory_iterator(); it.increment(error)) {
    if (++visited > kMaxVisited) return;
    visit(*it);
  }
}

std::optional<std::uint64_t> RegularFileBytes(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return std::nullopt;
  const std::uintmax_t bytes = fs::file_size(path, error);
  return error ? std::nullopt : std::optional<std::uint64_t>(bytes);
}

void FindHuggingFace(const fs::path& folder, std::vector<CachedModel>& models) {
  Walk(folder, [&](const fs::directory_entry& entry) {
    if (entry.path().extension() != ".gguf") return;
    std::vector<std::string> parts;
    for (const fs::path& part : entry.path().lexically_relative(folder)) {
      parts.push_back(part.string());
    }
    if (parts.size() < 4 || !parts[0].starts_with("models--") || parts[1] != "snapshots") return;
    const std::optional<std::uint64_t> bytes = RegularFileBytes(entry.path());
    if (!bytes) return;  // a link to a blob that is gone
    std::string name = parts[0].substr(std::string_view("models--").size());
    for (std::size_t at; (at = name.find("--")) != std::string::npos;) name.replace(at, 2, "/");
    for (std::size_t i = 3; i < parts.size(); ++i) name += "/" + parts[i];
    models.push_back({std::move(name), "huggingface", entry.path(), *bytes});
  });
}

// The digest of the manifest's model layer, as the blob's file name has it; empty where there is
// none.
std::string ModelBlob(const fs::path& manifest) {
  const Result<std::string> text = ReadFile(manifest, kMaxManifestBytes);
  if (!text) return "";
  const Result<json::value> value = ParseJson(*text);
  const json::value* layers = value ? Find(*value, "layers") : nullptr;
  if (layers == nullptr || !layers->is_array()) return "";
  for (const json::value& layer : layers->get_array()) {
    const json::value* type = Find(layer, "mediaType");
    const json::value* digest = Find(layer, "digest");
    if (type == nullptr || !type->is_string() || digest == nullptr || !digest->is_string())
      continue;
    if (type->get_string() != "application/vnd.ollama.image.model") continue;
    std::string name(digest->get_string());
    if (!name.starts_with("sha256:") || name.find('/') != std::string::npos) return "";
    name[std::string_view("sha256").size()] = '-';
    return name;
  }
  return "";
}

void FindOllama(const fs::path& folder, std::vector<CachedModel>& models) {
  const fs::path manifests = folder / "manifests";
  Walk(manifests, [&](const fs::directory_entry& entry) {
    if (!RegularFileBytes(entry.path())) return;
    const std::string blob = ModelBlob(entry.path());
    if (blob.empty()) return;
    const fs::path path = folder / "blobs" / blob;
    const std::optional<std::uint64_t> bytes = RegularFileBytes(path);
    if (!bytes) return;
    const fs::path tag = entry.path().lexically_relative(manifests);
    models.push_back({tag.parent_path().filename().string() + ":" + tag.filename().string(),
                      "ollama", path, *bytes});
  });
}

fs::path FolderOf(const char* variable, const fs::path& otherwise) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0' ? fs::path(value) : otherwise;
}

}  // namespace

std::optional<GgufFacts> ReadGgufFacts(const fs::path& path) {
  const Result<GgufFile> file = GgufFile::Open(path);
  if (!file) return std::nullopt;
  GgufFacts facts{.family = TextOf(*file, "general.architecture"),
                  .parameters = TextOf(*file, "general.size_label"),
                  .licence = TextOf(*file, "general.license")};
  if (facts.parameters.empty()) facts.parameters = CountText(CountValues(*file));
  const std::optional<std::int64_t> type = NumberOf(*file, "general.file_type");
  const auto named = std::ranges::find(kFileTypes, type.value_or(-1),
                                       &std::pair<std::int64_t, std::string_view>::first);
  if (named != kFileTypes.end()) facts.type = named->second;
  const std::optional<std::int64_t> context = NumberOf(*file, facts.family + ".context_length");
  if (context && *context > 0) facts.context_tokens = static_cast<std::uint64_t>(*context);
  return facts;
}

CacheFolders DefaultCacheFolders() {
  const fs::path home = FolderOf("HOME", "/");
  const fs::path hub_home = FolderOf("HF_HOME", home / ".cache" / "huggingface");
  return {.huggingface = FolderOf("HF_HUB_CACHE", hub_home / "hub"),
          .ollama = FolderOf("OLLAMA_MODELS", home / ".ollama" / "models")};
}

std::vector<CachedModel> FindCachedModels(const CacheFolders& folders) {
  std::vector<CachedModel> models;
  FindHuggingFace(folders.huggingface, models);
  FindOllama(folders.ollama, models);
  std::ranges::sort(models, {}, &CachedModel::name);
  return models;
}

}  // namespace kinglet
