// SPDX-License-Identifier: Apache-2.0
// Generation: reuse what is cached, compute the rest of the prompt in steps, then token by token.
#include "engine/engine.h"

#include <algorithm>
#include <future>
#include <utility>

#include "base/clock.h"
#include "base/display.h"
#include "base/json.h"
#include "base/thread_pool.h"
#include "engine/stop_matcher.h"
#include "model/vocabulary_from_gguf.h"
#include "text/text_stream.h"

namespace kinglet {
namespace {

// Text on its way out: whole characters, no stop string, counted into the result.
class TextOutput {
 public:
  TextOutput(std::span<const std::string> stops, const TextSink& sink, std::string& text)
      : stops_(stops), sink_(sink), text_(text) {}

  // False when the sink has had enough.
  bool Push(std::string_view bytes) { return Emit(stops_.Push(stream_.Push(bytes))); }
  bool Finish() {
    const bool wanted = Emit(stops_.Push(stream_.Finish()));
    return stops_.stopped() ? wanted : Emit(stops_.Finish()) && wanted;
  }
  bool stopped() const { return stops_.stopped(); }

 private:
  bool Emit(const std::string& piece) {
    if (piece.empty()) return true;
    text_ += piece;
    return !sink_ || sink_(piece);
  }

  TextStream stream_;
  StopMatcher stops_;
  const TextSink& sink_;
  std::string& text_;
};

}  // namespace

Result<std::unique_ptr<Engine>> Engine::Open(const std::filesystem::path& path,
                                             const EngineOptions& options) {
  GgufFile file = TRY(GgufFile::Open(path));
  const auto in_file = [&](const Status& status) {
    return std::unexpected(status.WithContext(EscapeForDisplay(path.string())));
  };
  Result<Vocabulary> vocabulary = ReadVocabulary(file);
  if (!vocabulary) return in_file(vocabulary.error());
  // A start waits for the longer of the two, not for both.
  std::future<Result<std::unique_ptr<Tokenizer>>> made_tokenizer =
      std::async(std::launch::async, [&] { return Tokenizer::Create(*std::move(vocabulary)); });
  ModelOptions model_options;
  model_options.thread_count = options.thread_count > 0 ? options.thread_count : AvailableCpus();
  model_options.context_tokens = options.context_tokens;
  model_options.kv_bytes = options.kv_bytes;
  model_options.exact = options.exact;
  model_options.kv_type = options.kv_type;
  model_options.count_experts = options.count_experts;
  model_options.packed_cache = options.packed_cache;
  Result<std::unique_ptr<Model>> model = Model::Load(std::move(file), model_options);
  Result<std::unique_ptr<Tokenizer>> tokenizer = made_tokenizer.get();
  if (!tokenizer) return in_file(tokenizer.error());
  if (!model) return in_file(model.error());
  std::unique_ptr<Engine> engine(
      new Engine(*std::move(model), *std::move(tokenizer), options.reuse_prefix));
  engine->ReadChatTemplate();
  return engine;
}

Engine::Engine(std::unique_ptr<Model> model, std::unique_ptr<Tokenizer> tokenizer,
               bool reuse_prefix)
    : model_(std::move(model)),
      tokenizer_(std::move(tokenizer)),
      cache_(model_->NewSequence()),
      reuse_prefix_(reuse_prefix) {
  sequence_.reserve(model_->context_tokens());
}

// A template that cannot be read hinders chats alone, so it is no reason to refuse the file.
void Engine::ReadChatTemplate() {
  const auto name = [this](std::optional<TokenId> id) {
    return id ? std::string(tokenizer_->TokenBytes(*id, ControlTokens::kShow)) : std::string();
  };
  bos_name_ = name(tokenizer_->bos());
  eos_name_ = name(tokenizer_->eos());
  const GgufValue* source = model_->file().Find("tokenizer.chat_template");
  const auto text = source == nullptr ? std::nullopt : source->As<std::string_view>();
  if (text) chat_template_ = ChatTemplate::Parse(*text);
}

int Engine::context_tokens() const { return static_cast<int>(model_->context_tokens()); }

Result<std::vector<TokenId>> Engine::EncodeChat(std::span<const ChatMessage> messages) const {
  if (!chat_template_) {
    return Error(StatusCode::kInvalidInput,
                 "the model has no chat template; it can only continue a text");
  }
  if (!*chat_template_) return std::unexpected(chat_template_->error());
  json::array turns;
  for (const ChatMessage& message : messages) {
    turns.push_back(json::object{{"role", message.role}, {"content", message.content}});
  }
  const json::object context = {{"messages", std::move(turns)},
                                {"add_generation_prompt", true},
                                {"bos_token", bos_name_},
                                {"eos_token", eos_name_}};
  const RenderedPrompt prompt = TRY((*chat_template_)->Render(context));
  EncodeOptions options;
  options.parse_special = true;
  options.literal = prompt.literal;
  std::vector<TokenId> tokens = tokenizer_->Encode(prompt.text, options);
  // Most templates write the BOS token themselves; the others leave it to the vocabulary.
  const std::vector<TokenId> wanted = EncodePrompt("");
  if (!wanted.empty() && (tokens.empty() || tokens[0] != wanted[0])) {
    tokens.insert(tokens.begin(), wanted[0]);
  }
  return tokens;
}

std::vector<TokenId> Engine::EncodeText(std::string_view text) const {
  return tokenizer_->Encode(text);
}

std::vector<TokenId> Engine::EncodePrompt(std::string_view text) const {
  EncodeOptions options;
  options.add_special = true;
  std::vector<TokenId> tokens = tokenizer_->Encode(text, options);
  // An EOS that the vocabulary wants after a text would end the answer before it begins.
  if (!tokens.empty() && tokens.size() > 1 && tokens.back() == tokenizer_->eos()) tokens.pop_back();
  return tokens;
}

Result<void> Engine::Append(std::span<const TokenId> tokens, bool wants_logits) {
  TRY(model_->Forward(tokens, cache_, wants_logits ? 1 : 0));
  sequence_.insert(sequence_.end(), tokens.begin(), tokens.end());
  last_step_ = tokens.size();
  return {};
}

Result<std::optional<std::size_t>> Engine::Prefill(std::span<const TokenId> prompt,
                                                   const std::function<bool()>& interrupted) {
  if (prompt.empty()) return Error(StatusCode::kUsage, "the prompt is empty");
  if (prompt.size() + 1 > model_->context_tokens()) {
    return Error(StatusCode::kUsage,
                 "the prompt has {} tokens and the context {}, one of which is for the answer",
                 prompt.size(), model_->context_tokens());
  }
  std::size_t shared = 0;
  if (reuse_prefix_) {
    const auto differ = std::ranges::mismatch(sequence_, prompt);
    shared = static_cast<std::size_t>(differ.in1 - sequence_.begin());
    shared = std::min(shared, prompt.size() - 1);  // the last token is computed for its logits
  }
  sequence_.resize(shared);
  cache_.Truncate(shared);
  for (std::size_t at = shared; at < prompt.size(); at += kStepTokens) {
    if (interrupted && interrupted()) return std::nullopt;
    const std::size_t end = std::min(at + kStepTokens, prompt.size());
    TRY(Append(prompt.subspan(at, end - at), /*wants_logits=*/end == prompt.size()));
  }
  return shared;
}

Result<GenerationResult> Engine::Generate(const GenerationRequest& request,
                                          const TextSink& on_text) {
  GenerationResult result;
  result.prompt_tokens = static_cast<int>(request.prompt.size());
  const double start_ms = MonotonicMs();
  const auto cached = TRY(Prefill(request.prompt, request.interrupted));
  const double prefilled_ms = MonotonicMs();
  result.prefill_ms = prefilled_ms - start_ms;
  if (!cached) {
    result.finish_reason = FinishReason::kCancelled;
    return result;
  }
  result.cached_tokens = static_cast<int>(*cached);

  Sampler sampler(request.sampling, model_->config().vocab_size);
  TextOutput output(request.stop, on_text, result.text);
  std::size_t room = model_->context_tokens() - request.prompt.size();
  room = std::min(room, static_cast<std::size_t>(std::max(0, request.max_tokens)));
  bool wanted = true;
  result.finish_reason = FinishReason::kLength;
  while (result.tokens.size() < room) {
    const std::span<const float> logits = model_->Logits(last_step_ - 1);
    const TokenId token = sampler.Choose(logits, sequence_);
    if (tokenizer_->IsEndOfGeneration(token)) {
      result.finish_reason = FinishReason::kStop;
      break;
    }
    result.tokens.push_back(token);
    result.logprobs.push_back(Logprob(logits[static_cast<std::size_t>(token)], LogSumExp(logits)));
    wanted = output.Push(tokenizer_->TokenBytes(token));
    if (!wanted || output.stopped()) break;
    if (request.interrupted && request.interrupted()) {
      wanted = false;
      break;
    }
    if (result.tokens.size() < room) {
      TRY(Append(std::span(&token, 1), /*wants_logits=*/true));
    }
  }
  wanted = output.Finish() && wanted;
  if (output.stopped()) result.finish_reason = FinishReason::kStop;
  if (!wanted) result.finish_reason = FinishReason::kCancelled;
  result.decode_ms = MonotonicMs() - prefilled_ms;
  return result;
}

Result<std::vector<float>> Engine::NextTokenLogprobs(std::span<const TokenId> prompt,
                                                     std::span<const TokenId> candidates) {
  for (const TokenId id : candidates) {
    if (id < 0 || static_cast<std::size_t>(id) >= model_->config().vocab_size) {
      return Error(StatusCode::kUsage, "token {} is not in a vocabulary of {}", id,
                   model_->config().vocab_size);
    }
  }
  TRY(Prefill(prompt, nullptr));
  const std::span<const float> logits = model_->Logits(last_step_ - 1);
  const double total = LogSumExp(logits);
  std::vector<float> logprobs;
  for (const TokenId id : candidates) {
    logprobs.push_back(Logprob(logits[static_cast<std::size_t>(id)], total));
  }
  return logprobs;
}

}  // namespace kinglet
