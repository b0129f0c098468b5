// SPDX-License-Identifier: Apache-2.0
// Any JSON as the body of each API's requests, and any text as a file of keys. What is accepted is
// something that the engine can be asked, and the answer to it, whose texts are the request's own,
// is JSON however it is sent. The first byte says which API, and which template the model has.
// Covers: src/server/json_fields.cc src/server/chat_messages.cc src/server/generation_fields.cc
// Covers: src/server/openai_chat.cc src/server/openai_completions.cc src/server/anthropic.cc
// Covers: src/server/openai_responses.cc src/server/ollama.cc src/server/output_rules.cc
// Longest input: 1300
#include <unistd.h>

#include <array>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/display.h"
#include "base/file.h"
#include "server/access.h"
#include "server/anthropic.h"
#include "server/ollama.h"
#include "server/openai_chat.h"
#include "server/openai_completions.h"
#include "server/openai_responses.h"

namespace kinglet {
namespace {

constexpr std::string_view kTemplates[] = {
    // Of a model that thinks and calls tools, of one that only talks, and of one that only goes on.
    "{% for m in messages %}{{ m.role }}: {{ m.content }}{% for c in m.tool_calls %}<tool_call>"
    "{{ c | tojson }}{% endfor %}{% endfor %}{{ tools | tojson }}{% if enable_thinking %}<think>"
    "{% endif %}</think>",
    "{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}", ""};

void AppendNumber(std::uint64_t number, std::size_t bytes, std::string& out) {
  for (std::size_t i = 0; i < bytes; ++i) out += static_cast<char>(number >> (8 * i) & 0xFF);
}

// The model with a template: one more key, the first, as long as keeps its tensors aligned.
std::string WithTemplate(std::string gguf, std::string_view chat_template) {
  constexpr std::size_t kHeaderBytes = 24;
  constexpr std::size_t kCountAt = 16;
  constexpr std::size_t kAlignment = 32;
  constexpr std::uint32_t kString = 8;
  constexpr std::string_view kKey = "tokenizer.chat_template";
  if (chat_template.empty()) return gguf;
  std::string text(chat_template);
  const std::size_t around = 8 + kKey.size() + 4 + 8;
  while ((around + text.size()) % kAlignment != 0) text += ' ';
  std::string entry;
  AppendNumber(kKey.size(), 8, entry);
  entry += kKey;
  AppendNumber(kString, 4, entry);
  AppendNumber(text.size(), 8, entry);
  entry += text;
  ++gguf[kCountAt];  // there are less than 255
  return gguf.insert(kHeaderBytes, entry);
}

std::unique_ptr<Engine> OpenEngine(std::string_view chat_template) {
  const auto gguf = ReadFile(KINGLET_TEST_DATA "/models/stories-q4_0.gguf", std::size_t{1} << 20);
  KINGLET_CHECK(gguf.has_value(), "{}", gguf.error().message());
  const auto path = std::filesystem::temp_directory_path() /
                    fmt::format("kinglet-fuzz-{}-{}.gguf", getpid(), chat_template.size());
  KINGLET_CHECK(WriteFileAtomic(path, WithTemplate(*gguf, chat_template)).has_value(), "{}",
                path.string());
  EngineOptions options;
  options.thread_count = 1;
  auto engine = Engine::Open(path, options);
  std::filesystem::remove(path);
  KINGLET_CHECK(engine.has_value(), "{}", engine.error().message());
  return *std::move(engine);
}

const Engine& TinyEngine(std::size_t number) {
  static const auto engines = [] {
    std::array<std::unique_ptr<Engine>, std::size(kTemplates)> opened;
    for (std::size_t i = 0; i < opened.size(); ++i) opened[i] = OpenEngine(kTemplates[i]);
    return opened;
  }();
  return *engines[number];
}

// What a model may have said: pieces of the body, which is valid UTF-8.
ReplyChoice Said(const GenerationRequest& request, bool has_tools, const std::string& text) {
  ReplyChoice choice{.text = text, .reasoning = text.size() % 2 == 0 ? text : ""};
  choice.tokens = 2;
  if (has_tools) {
    choice.calls.push_back({"call_1", "f", "{\"a\":1}"});
    choice.calls.push_back({"call_2", "g", text});
  }
  if (request.logprobs) {
    choice.odds.push_back({.token = 5, .logprob = -0.5F, .top = {{5, -0.5F}, {300, -1.5F}}});
    choice.odds.push_back({.token = 300, .logprob = -9});
  }
  if (request.prompt_logprobs) choice.result.prompt_odds = choice.odds;
  if (text.size() % 3 == 0) choice.result.finish_reason = FinishReason::kLength;
  if (text.size() % 5 == 0) choice.result.stop = "stop";
  return choice;
}

void CheckEvents(std::string_view events) {
  while (!events.empty()) {
    const std::size_t end = events.find('\n');
    KINGLET_CHECK(end != std::string_view::npos, "{}", EscapeForDisplay(events));
    std::string_view line = events.substr(0, end);
    events.remove_prefix(end + 1);
    if (line.empty() || line.starts_with("event: ") || line == "data: [DONE]") continue;
    if (line.starts_with("data: ")) line.remove_prefix(6);
    KINGLET_CHECK(ParseJson(line).has_value(), "{}", EscapeForDisplay(line));
  }
}

void CheckAnswer(ParsedGeneration& parsed, const std::string& text) {
  ReplyFormat& format = *parsed.format;
  std::vector<ReplyChoice> choices;
  for (const GenerationRequest& request : parsed.plan.requests) {
    for (const TokenId id : request.prompt) {  // the engine refuses what is no token
      if (id < 0 || id >= TinyEngine(0).tokenizer().vocab_size()) return;
    }
    choices.push_back(Said(request, parsed.plan.rules.tool_format.has_value(), text));
  }
  const ReplyTotals totals{.prompt_tokens = 3, .completion_tokens = 2, .ledger = {{"a", 1}}};
  if (!parsed.plan.stream) {
    KINGLET_CHECK(ParseJson(ToJson(format.Whole(choices, totals))).has_value(), "no JSON");
    return;
  }
  CheckEvents(format.Begin());
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const ReplyChoice& choice = choices[i];
    const auto send = [&](const ReplyDelta& delta) {
      CheckEvents(format.Delta(static_cast<int>(i), delta));
    };
    if (!choice.reasoning.empty()) send({.reasoning = choice.reasoning});
    if (!choice.text.empty()) send({.text = choice.text, .odds = choice.odds});
    for (std::size_t call = 0; call < choice.calls.size(); ++call) {
      const auto index = static_cast<int>(call);
      const ToolCall& whole = choice.calls[call];
      send({.calls = {{.index = index, .id = whole.id, .name = whole.name}}});
      send({.calls = {{.index = index, .arguments = whole.arguments}}});
    }
    CheckEvents(
        format.ChoiceEnd(static_cast<int>(i), choice, i + 1 == choices.size() ? &totals : nullptr));
  }
  CheckEvents(format.End(choices, totals));
}

void Check(ApiResult<ParsedGeneration> parsed, const std::string& text) {
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
  CheckAnswer(*parsed, text);
}

void Run(std::string_view input) {
  if (input.empty()) return;
  constexpr unsigned kFormats = 7;
  const auto first = static_cast<unsigned char>(input[0]);
  const unsigned format = first % kFormats;
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
  const Engine& engine = TinyEngine(first / kFormats % std::size(kTemplates));
  // One that the body may go on from.
  ResponseMemory memory(1 << 16);
  memory.Remember("resp_1", "owner", {json::object{{"role", "user"}, {"content", "a"}}}, {});
  memory.Remember("resp_2", "other", {}, {});
  // What the model says.
  const json::value* const user = object.if_contains("user");
  const std::string text =
      user != nullptr && user->is_string() ? std::string(user->get_string()) : "a";
  switch (format) {
    case 0:
      return Check(ParseChatCompletion(object, "tiny", engine), text);
    case 1:
      return Check(ParseCompletion(object, "tiny", engine), text);
    case 2:
      return Check(ParseAnthropicMessages(object, "tiny", engine), text);
    case 3:
      return Check(ParseOllamaChat(object, "tiny", engine), text);
    case 4:
      return Check(ParseOllamaGenerate(object, "tiny", engine), text);
    default:
      return Check(ParseResponse(object, "tiny", engine, memory, "owner"), text);
  }
}

}  // namespace
}  // namespace kinglet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kinglet::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
