// SPDX-License-Identifier: Apache-2.0
// The hub's two addresses that matter here: /api/models/REPOSITORY lists a repository's files as
// "siblings", /REPOSITORY/resolve/main/FILE is a file (documentation of the Hugging Face Hub API).
#include "catalog/hub.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/display.h"
#include "base/json.h"
#include "net/http_client.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxListBytes = std::size_t{16} << 20;
constexpr std::string_view kUnknownLicence = "unknown: see its page";

std::string Endpoint() {
  const char* endpoint = std::getenv("KINGLET_HF_ENDPOINT");
  std::string url = endpoint != nullptr && *endpoint != '\0' ? endpoint : "https://huggingface.co";
  while (url.ends_with('/')) url.pop_back();
  return url;
}

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return lower(x) == lower(y);
  });
}

// Q4_K is not the quant of "m-Q4_K_M.gguf", nor Q4_K_M that of "m-IQ4_K_M.gguf".
bool NamesQuant(std::string_view file, std::string_view quant) {
  for (std::size_t i = 0; i + quant.size() <= file.size(); ++i) {
    if (!EqualIgnoringCase(file.substr(i, quant.size()), quant)) continue;
    const std::size_t end = i + quant.size();
    if ((i == 0 || std::string_view(".-_/").contains(file[i - 1])) &&
        (end == file.size() || std::string_view(".-/").contains(file[end]))) {
      return true;
    }
  }
  return false;
}

// "name-00002-of-00005.gguf" is part 2 of 5.
struct SplitName {
  std::string stem;  // "name"
  int part = 0;
  int parts = 0;
};

std::optional<SplitName> ParseSplitName(std::string_view file) {
  // The tail "-NNNNN-of-NNNNN.gguf" has 20 bytes.
  if (file.size() < 21 || !file.ends_with(".gguf")) return std::nullopt;
  const std::string_view tail = file.substr(file.size() - 20);
  if (tail[0] != '-' || tail.substr(6, 4) != "-of-") return std::nullopt;
  const auto number = [](std::string_view digits) {
    int value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + 5, value);
    return error == std::errc() && end == digits.data() + 5 ? value : 0;
  };
  SplitName name{.stem = std::string(file.substr(0, file.size() - 20)),
                 .part = number(tail.substr(1, 5)),
                 .parts = number(tail.substr(10, 5))};
  if (name.part < 1 || name.parts < name.part || name.parts > 100) return std::nullopt;
  return name;
}

bool IsRepository(std::string_view text) {
  return std::ranges::count(text, '/') == 1 && IsPlainFileName(text);
}

Result<std::string> FetchText(const std::string& url, const std::function<bool()>& should_stop) {
  std::string text;
  const HttpReceiver receiver = {.on_start = [](const HttpReply&) -> Result<void> { return {}; },
                                 .on_body = [&text](std::string_view piece) -> Result<void> {
                                   if (piece.size() > kMaxListBytes - text.size()) {
                                     return Error(StatusCode::kLimitExceeded,
                                                  "a list of files beyond {} bytes", kMaxListBytes);
                                   }
                                   text += piece;
                                   return {};
                                 },
                                 .should_stop = should_stop};
  const HttpReply reply = TRY(HttpGet({.url = url}, receiver));
  if (reply.status == 200) return text;
  // The hub answers 401 for what does not exist, too.
  return Error(StatusCode::kNotFound,
               "{}: HTTP {}: no such repository, or one that needs an account", url, reply.status);
}

Result<std::vector<std::string>> ListFiles(const std::string& repository,
                                           const std::function<bool()>& should_stop) {
  const std::string url = Endpoint() + "/api/models/" + repository;
  const std::string text = TRY(FetchText(url, should_stop));
  const json::value reply = TRY(ParseJson(text));
  const json::value* siblings = Find(reply, "siblings");
  if (siblings == nullptr || !siblings->is_array()) {
    return Error(StatusCode::kFailed, "{}: the reply lists no files", url);
  }
  std::vector<std::string> files;
  for (const json::value& sibling : siblings->get_array()) {
    const json::value* name = Find(sibling, "rfilename");
    if (name != nullptr && name->is_string()) files.emplace_back(name->get_string());
  }
  return files;
}

}  // namespace

bool IsUrl(std::string_view model) { return model.find("://") != std::string_view::npos; }
bool IsHubModel(std::string_view model) { return model.starts_with("hf:"); }

std::string HubModel::UrlPrefix() const { return Endpoint() + "/" + repository + "/resolve/main/"; }

Result<HubModel> ParseHubModel(std::string_view model) {
  std::string_view rest = model.substr(model.find(':') + 1);
  HubModel parsed;
  if (const std::size_t colon = rest.find(':'); colon != std::string_view::npos) {
    parsed.quant = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
  } else if (std::ranges::count(rest, '/') > 1) {
    const std::size_t second = rest.find('/', rest.find('/') + 1);
    parsed.file = rest.substr(second + 1);
    rest = rest.substr(0, second);
  } else {
    parsed.quant = "Q4_K_M";
  }
  parsed.repository = rest;
  const bool right_end = parsed.file.empty() ? IsPlainFileName(parsed.quant) &&
                                                   parsed.quant.find('/') == std::string::npos
                                             : IsPlainFileName(parsed.file);
  if (!IsRepository(parsed.repository) || !right_end) {
    return Error(StatusCode::kUsage, "{} is neither hf:user/repo:QUANT nor hf:user/repo/FILE.gguf",
                 Quoted(model));
  }
  return parsed;
}

std::string ChooseQuant(const std::vector<std::string>& files, std::string_view quant) {
  std::string best;
  for (const std::string& file : files) {
    if (!file.ends_with(".gguf") || !IsPlainFileName(file) || !NamesQuant(file, quant)) continue;
    const std::optional<SplitName> split = ParseSplitName(file);
    if (split && split->part != 1) continue;
    // A projector of images is no model of its own, though it carries the quant's name.
    if (file.find("mmproj") != std::string::npos) continue;
    if (best.empty() || file.size() < best.size()) best = file;
  }
  return best;
}

Result<ModelEntry> EntryOfUrl(const std::string& url) {
  TRY(CheckUrl(url));
  const std::string address = url.substr(0, url.find_first_of("?#"));
  const std::size_t slash = address.rfind('/');
  const std::string file = address.substr(slash + 1);
  if (!IsPlainFileName(file) || !file.ends_with(".gguf")) {
    return Error(StatusCode::kUsage, "{} names no .gguf file", Quoted(url, 200));
  }
  ModelEntry entry{.name = url, .licence = std::string(kUnknownLicence), .repository = HostOf(url)};
  const std::optional<SplitName> split = ParseSplitName(file);
  if (!split || split->parts == 1) {
    entry.files.push_back({.file = file});
    entry.sources.push_back({.url = url});
    return entry;
  }
  for (int part = 1; part <= split->parts; ++part) {
    entry.files.push_back(
        {.file = fmt::format("{}-{:05}-of-{:05}.gguf", split->stem, part, split->parts)});
  }
  entry.sources.push_back({.url = address.substr(0, slash + 1)});
  return entry;
}

Result<ModelEntry> EntryOfHubModel(std::string_view model,
                                   const std::function<bool()>& should_stop) {
  HubModel hub = TRY(ParseHubModel(model));
  if (hub.file.empty()) {
    const std::vector<std::string> files = TRY(ListFiles(hub.repository, should_stop));
    hub.file = ChooseQuant(files, hub.quant);
    if (hub.file.empty()) {
      return Error(StatusCode::kNotFound,
                   "{} has no .gguf file of type {}; name one: hf:{}/FILE.gguf", hub.repository,
                   hub.quant, hub.repository);
    }
  }
  ModelEntry entry = TRY(EntryOfUrl(hub.UrlPrefix() + hub.file));
  entry.name = model;
  entry.repository = hub.repository;
  return entry;
}

}  // namespace kinglet
