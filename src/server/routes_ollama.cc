// SPDX-License-Identifier: Apache-2.0
// What there is and what is loaded, as Ollama's API tells it: read from the files' own headers.
#include <utility>

#include "base/clock.h"
#include "base/digest.h"
#include "base/display.h"
#include "catalog/found_models.h"
#include "model/bert_safetensors.h"
#include "model/config.h"
#include "server/routes.h"

namespace kinglet {
namespace {

constexpr std::int64_t kForeverS = 100LL * 365 * 24 * 3600;
constexpr std::size_t kMaxShownText = 4096;

// Programs print its first 12 letters, and take another digest for another model. That of a whole
// file would take seconds: what tells the file from others stands for it.
std::string DigestOf(const std::filesystem::path& path, const FileIdentity& file) {
  return Sha256::HexOf(fmt::format("{} {} {}", path.string(), file.size_bytes, file.modified_ns));
}

json::object Details(const GgufFacts& facts) {
  return {{"parent_model", ""},
          {"format", "gguf"},
          {"family", facts.family},
          {"families", json::array{json::value(facts.family)}},
          {"parameter_size", facts.parameters},
          {"quantization_level", facts.type}};
}

json::object Listed(const std::string& name, const std::filesystem::path& path) {
  const FileIdentity file = IdentityOf(path).value_or(FileIdentity());
  return {{"name", name},
          {"model", name},
          {"modified_at", Iso8601(file.modified_ns / 1'000'000'000)},
          {"size", file.size_bytes},
          {"digest", DigestOf(path, file)},
          {"details", Details(ReadGgufFacts(path).value_or(GgufFacts()))}};
}

json::value ToJson(const GgufValue& value) {
  if (const auto number = value.As<std::int64_t>()) return *number;
  if (const auto number = value.As<double>()) return *number;
  if (const auto flag = value.As<bool>()) return *flag;
  const auto text = value.As<std::string_view>();
  return text && text->size() <= kMaxShownText ? json::value(*text) : json::value();
}

// The keys of a file that are one value each; of the template, clients hear apart.
json::object ModelInfo(const GgufFile& file) {
  json::object info;
  for (const GgufKey& key : file.keys()) {
    if (key.value.is_array() || key.name == "tokenizer.chat_template") continue;
    if (json::value value = ToJson(key.value); !value.is_null()) info[key.name] = std::move(value);
  }
  std::uint64_t parameters = 0;
  for (const Tensor& tensor : file.tensors()) parameters += tensor.rows() * tensor.columns();
  info["general.parameter_count"] = parameters;
  return info;
}

std::string TemplateOf(const GgufFile& file) {
  return std::string(
      file.Get<std::string_view>("tokenizer.chat_template", "").value_or(std::string_view()));
}

json::array Capabilities(const GgufFile& file, std::string_view chat_template) {
  const Result<ModelConfig> config = ReadModelConfig(file);
  if (config && config->family.encoder) return {"embedding"};
  json::array capabilities = {"completion", "tools"};
  if (chat_template.find("enable_thinking") != std::string_view::npos) {
    capabilities.push_back("thinking");
  }
  return capabilities;
}

}  // namespace

void HandleOllamaTags(Server& server, const Call& call) {
  json::array models;
  for (const OfferedModel& model : server.models().offered()) {
    models.push_back(Listed(model.name, model.path));
  }
  Reply(call, {{"models", std::move(models)}});
}

void HandleOllamaShow(Server& server, const Call& call) {
  const ApiResult<json::object> body = ReadBody(call);
  if (!body) return ReplyError(call, body.error());
  JsonFields fields(*body);
  fields.Ignore({"verbose"});
  std::string name = fields.Text("model").value_or("");
  if (const auto old = fields.Text("name"); old && name.empty()) name = *old;
  if (const auto error = fields.Finish()) return ReplyError(call, ApiError::OfField(*error));
  const OfferedModel* const model = server.models().Find(name);
  if (model == nullptr) {
    return ReplyError(call, ApiError::NotFound(fmt::format("there is no model {}", Quoted(name))));
  }
  const Result<GgufFile> file = OpenModelFile(model->path);
  if (!file) return ReplyError(call, ApiError::OfStatus(file.error()));
  json::object shown = Listed(model->name, model->path);
  const std::string chat_template = TemplateOf(*file);
  shown["capabilities"] = Capabilities(*file, chat_template);
  shown["template"] = chat_template;
  shown["model_info"] = ModelInfo(*file);
  Reply(call, shown);
}

void HandlePs(Server& server, const Call& call) {
  json::array models;
  for (const ModelHost::Status& status : server.models().Loaded()) {
    json::object model = Listed(status.name, status.path);
    model["size"] = status.memory_bytes;
    model["size_vram"] = 0;
    const double left_s = status.unloads_in_s.value_or(kForeverS);
    model["expires_at"] = Iso8601(UnixSeconds() + static_cast<std::int64_t>(left_s));
    model["loaded_at"] = Iso8601(status.loaded_at_s);
    model["requests"] = status.requests;
    if (status.engine) {
      const EngineState& engine = *status.engine;
      model["running"] = engine.running;
      model["waiting"] = engine.waiting;
      model["kv_pages"] = json::object{{"all", engine.page_count},
                                       {"free", engine.free_pages},
                                       {"cached", engine.cached_pages},
                                       {"disk", engine.pages_on_disk}};
    }
    models.push_back(std::move(model));
  }
  Reply(call, {{"models", std::move(models)}});
}

}  // namespace kinglet
