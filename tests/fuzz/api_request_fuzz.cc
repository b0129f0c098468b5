// SPDX-License-Identifier: Apache-2.0
// Any JSON as the body of each API's requests, and any text as a file of keys. What is accepted is
// something that the engine can be asked.
// Covers: src/server/json_fields.cc src/server/chat_messages.cc src/server/generation_fields.cc
// Covers: src/server/openai_chat.cc src/server/openai_completions.cc src/server/anthropic.cc
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/check.h"
#include "server/access.h"
#include "server/anthropic.h"
#include "server/ollama.h"
#include "server/openai_chat.h"
#include "server/openai_completions.h"
#include "server/openai_responses.h"

namespace kinglet {
namespace {

Engine& TinyEngine() {
  static const std::unique_ptr<Engine> engine = [] {
    EngineOptions options;
    options.thread_count = 1;
    return Engine::Open(KINGLET_TEST_DATA "/models/stories-q4_0.gguf", options).value();
  }();
  return *engine;
}

void Check(const ApiResult<ParsedGeneration>& parsed) {
  if (!parsed) {
    KINGLET_CHECK(parsed.error().status == 400 && !parsed.error().message.empty(), "{} {}",
                  parsed.error().status, parsed.error().message);
    return;
  }
  KINGLET_CHECK(!parsed->plan.requests.empty() && parsed->format != nullptr, "nothing to do");
  for (const GenerationRequest& request : parsed->plan.requests) {
    const SamplingOptions& sampling = request.sampling;
    KINGLET_CHECK(sampling.temperature >= 0 && sampling.temperature <= 2 && request.max_tokens >= 0,
                  "{} {}", sampling.temperature, request.max_tokens);
  }
}

void Run(std::string_view input) {
  if (input.empty()) return;
  const int format = input[0] % 7;
  input.remove_prefix(1);
  if (format == 6) {
    for (const AccessKey& key : ParseAccessKeys(input).value_or(std::vector<AccessKey>())) {
      KINGLET_CHECK(!key.name.empty() && key.sha256.size() == 64, "{}", key.name);
    }
    return;
  }
  const Result<json::value> body = ParseJson(input, {.max_bytes = 1 << 20, .max_depth = 32});
  if (!body || !body->is_object()) return;
  const json::object& object = body->get_object();
  const Engine& engine = TinyEngine();
  static ResponseMemory memory(1 << 20);
  switch (format) {
    case 0:
      return Check(ParseChatCompletion(object, "tiny", engine));
    case 1:
      return Check(ParseCompletion(object, "tiny", engine));
    case 2:
      return Check(ParseAnthropicMessages(object, "tiny", engine));
    case 3:
      return Check(ParseOllamaChat(object, "tiny", engine));
    case 4:
      return Check(ParseOllamaGenerate(object, "tiny", engine));
    default:
      return Check(ParseResponse(object, "tiny", engine, memory, "owner"));
  }
}

}  // namespace
}  // namespace kinglet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kinglet::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
