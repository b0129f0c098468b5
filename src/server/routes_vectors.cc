// SPDX-License-Identifier: Apache-2.0
// Vectors of texts, texts by relevance, and tokens.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include <openssl/evp.h>

#include "base/clock.h"
#include "server/routes.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxTexts = 2048;
constexpr std::size_t kMaxDocuments = 1000;

struct Vectors {
  std::vector<float> values;  // [texts][width]
  std::size_t width = 0;
  int tokens = 0;
};

// What is read counts for the key, whatever becomes of the answer; here as below.
ApiResult<Vectors> EmbedTexts(const Call& call, LoadedModel& model,
                              const std::vector<std::string>& texts) {
  if (model.embedder() == nullptr) {
    return std::unexpected(ApiError::OfField({"model", "writes text, and makes no vectors"}));
  }
  const std::scoped_lock lock(model.embedder_mutex());
  Vectors vectors;
  for (const std::string& text : texts) {
    vectors.tokens += static_cast<int>(model.embedder()->Encode(text).size());
  }
  Result<std::vector<float>> values = model.embedder()->Embed(texts);
  if (!values) return std::unexpected(ApiError::OfStatus(values.error()));
  call.admission->CountTokens(vectors.tokens);
  vectors.values = *std::move(values);
  vectors.width = model.embedder()->width();
  return vectors;
}

std::vector<std::string> ReadTexts(JsonFields& fields) {
  const json::value* const input = fields.Value("input");
  if (input != nullptr && input->is_array() && !input->get_array().empty() &&
      !input->get_array()[0].is_string()) {
    fields.Fail("input", "must be text: ids of tokens mean another thing to each model");
    return {};
  }
  std::vector<std::string> texts = fields.Texts("input", kMaxTexts);
  if (texts.empty()) fields.Fail("input", "is required: a string, or an array of strings");
  return texts;
}

std::string Base64(std::span<const float> vector) {
  std::string out(4 * ((vector.size_bytes() + 2) / 3) + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(vector.data()),
                                   static_cast<int>(vector.size_bytes()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

json::array ToArray(std::span<const float> vector) {
  json::array array;
  for (const float value : vector) array.push_back(value);
  return array;
}

// Relevance from -1 to 1 by the angle between vectors.
ApiResult<std::vector<double>> ScoreByVectors(const Call& call, LoadedModel& model,
                                              const std::string& query,
                                              const std::vector<std::string>& documents,
                                              int& tokens) {
  const std::string prefix(model.embedder()->passage_prefix());
  std::vector<std::string> texts = {std::string(model.embedder()->query_prefix()) + query};
  for (const std::string& document : documents) texts.push_back(prefix + document);
  const Vectors vectors = TRY(EmbedTexts(call, model, texts));
  tokens = vectors.tokens;
  std::vector<double> scores;
  for (std::size_t i = 1; i < texts.size(); ++i) {
    double product = 0;
    for (std::size_t d = 0; d < vectors.width; ++d) {
      product += static_cast<double>(vectors.values[d]) * vectors.values[i * vectors.width + d];
    }
    scores.push_back(product);
  }
  return scores;
}

// Relevance from 0 to 1: the odds of "yes" against "no" when a model that writes is asked whether
// the document answers the question. The document comes first: its keys and values are kept.
ApiResult<std::vector<double>> ScoreByOdds(const Call& call, LoadedModel& model,
                                           const std::string& query,
                                           const std::vector<std::string>& documents,
                                           const ServiceTerms& terms, int& tokens) {
  Engine& engine = *model.engine();
  const auto first_token = [&](std::string_view word) { return engine.EncodeText(word)[0]; };
  const std::vector<TokenId> candidates = {first_token("Yes"), first_token("yes"),
                                           first_token("No"), first_token("no")};
  std::vector<double> scores;
  for (const std::string& document : documents) {
    const ChatMessage message = {
        "user",
        fmt::format("Document:\n{}\n\nQuestion: {}\n\nDoes the document answer the question? "
                    "Answer yes or no.",
                    document, query)};
    Result<std::vector<TokenId>> prompt = engine.EncodeChat(std::span(&message, 1));
    if (!prompt) return std::unexpected(ApiError::OfPrompt(prompt.error()));
    GenerationRequest request;
    request.prompt = *std::move(prompt);
    request.candidates = candidates;
    request.terms = terms;
    const Result<GenerationResult> result = engine.Generate(request, nullptr);
    if (!result) return std::unexpected(ApiError::OfStatus(result.error()));
    call.admission->CountTokens(result->prompt_tokens);
    tokens += result->prompt_tokens;
    const auto& odds = result->candidate_logprobs;
    if (odds.empty()) {
      return std::unexpected(ApiError::OfStatus(
          Status(StatusCode::kLimitExceeded,
                 "the time for the request was over before the documents were read")));
    }
    const double yes = std::exp(odds[0]) + std::exp(odds[1]);
    const double no = std::exp(odds[2]) + std::exp(odds[3]);
    scores.push_back(yes + no > 0 ? yes / (yes + no) : 0);
  }
  return scores;
}

std::vector<std::string> ReadDocuments(JsonFields& fields) {
  std::vector<std::string> documents;
  const json::array* const given = fields.Array("documents");
  if (given == nullptr || given->empty() || given->size() > kMaxDocuments) {
    fields.Fail("documents", fmt::format("is required: 1 to {} texts", kMaxDocuments));
    return documents;
  }
  for (const json::value& document : *given) {
    const json::value* const text = document.is_object() ? Find(document, "text") : &document;
    if (text == nullptr || !text->is_string()) {
      fields.Fail("documents", "must hold strings, or objects with a text");
      return documents;
    }
    documents.emplace_back(text->get_string());
  }
  return documents;
}

const Tokenizer& TokenizerOf(LoadedModel& model) {
  return model.engine() != nullptr ? model.engine()->tokenizer() : model.embedder()->tokenizer();
}

}  // namespace

void HandleEmbeddings(Server& server, const Call& call) {
  const ApiResult<json::object> body = ReadBody(call);
  if (!body) return ReplyError(call, body.error());
  JsonFields fields(*body);
  fields.Ignore({"model", "user"});
  const std::vector<std::string> texts = ReadTexts(fields);
  const bool as_base64 =
      fields.Word("encoding_format", {"float", "base64"}).value_or("float") == "base64";
  const auto dimensions = fields.Whole("dimensions", 1, 1 << 20);
  if (const auto error = fields.Finish()) return ReplyError(call, ApiError::OfField(*error));
  const ApiResult<ModelLease> lease = AcquireModel(server, *body);
  if (!lease) return ReplyError(call, lease.error());
  const ApiResult<Vectors> vectors = EmbedTexts(call, **lease, texts);
  if (!vectors) return ReplyError(call, vectors.error());
  if (dimensions && static_cast<std::size_t>(*dimensions) != vectors->width) {
    return ReplyError(
        call, ApiError::OfField(
                  {"dimensions", fmt::format("must be {} with this model", vectors->width)}));
  }
  json::array data;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const auto vector = std::span(vectors->values).subspan(i * vectors->width, vectors->width);
    data.push_back(json::object{
        {"object", "embedding"},
        {"index", i},
        {"embedding", as_base64 ? json::value(Base64(vector)) : json::value(ToArray(vector))}});
  }
  Reply(call, {{"object", "list"},
               {"data", std::move(data)},
               {"model", (*lease)->name()},
               {"usage", json::object{{"prompt_tokens", vectors->tokens},
                                      {"total_tokens", vectors->tokens}}}});
}

void HandleOllamaEmbed(Server& server, const Call& call) {
  const ApiResult<json::object> body = ReadBody(call);
  if (!body) return ReplyError(call, body.error());
  JsonFields fields(*body);
  fields.Ignore({"model", "keep_alive", "truncate", "options"});
  const std::vector<std::string> texts = ReadTexts(fields);
  if (const auto error = fields.Finish()) return ReplyError(call, ApiError::OfField(*error));
  const ApiResult<ModelLease> lease = AcquireModel(server, *body);
  if (!lease) return ReplyError(call, lease.error());
  const ApiResult<Vectors> vectors = EmbedTexts(call, **lease, texts);
  if (!vectors) return ReplyError(call, vectors.error());
  json::array list;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    list.push_back(ToArray(std::span(vectors->values).subspan(i * vectors->width, vectors->width)));
  }
  const double ms = MonotonicMs() - call.request.received_ms;
  Reply(call, {{"model", (*lease)->name()},
               {"embeddings", std::move(list)},
               {"total_duration", static_cast<std::int64_t>(ms * 1e6)},
               {"load_duration", 0},
               {"prompt_eval_count", vectors->tokens}});
}

void HandleRerank(Server& server, const Call& call) {
  const ApiResult<json::object> body = ReadBody(call);
  if (!body) return ReplyError(call, body.error());
  JsonFields fields(*body);
  fields.Ignore({"model", "user"});
  const std::string query = fields.RequiredText("query");
  const std::vector<std::string> documents = ReadDocuments(fields);
  const auto top_n = fields.Whole("top_n", 1, kMaxDocuments).value_or(kMaxDocuments);
  const bool returns = fields.Flag("return_documents").value_or(false);
  if (const auto error = fields.Finish()) return ReplyError(call, ApiError::OfField(*error));
  const ApiResult<ModelLease> lease = AcquireModel(server, *body);
  if (!lease) return ReplyError(call, lease.error());
  int tokens = 0;
  const ApiResult<std::vector<double>> scores =
      (*lease)->embedder() != nullptr
          ? ScoreByVectors(call, **lease, query, documents, tokens)
          : ScoreByOdds(call, **lease, query, documents, TermsOf(server, call, {}), tokens);
  if (!scores) return ReplyError(call, scores.error());
  std::vector<std::size_t> order(documents.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    return (*scores)[a] != (*scores)[b] ? (*scores)[a] > (*scores)[b] : a < b;
  });
  json::array results;
  for (const std::size_t i : order) {
    if (results.size() == static_cast<std::size_t>(top_n)) break;
    json::object result = {{"index", i}, {"relevance_score", (*scores)[i]}};
    if (returns) result["document"] = json::object{{"text", documents[i]}};
    results.push_back(std::move(result));
  }
  Reply(call, {{"id", MakeId("rerank-")},
               {"model", (*lease)->name()},
               {"results", std::move(results)},
               {"usage", json::object{{"prompt_tokens", tokens}, {"total_tokens", tokens}}}});
}

void HandleTokenize(Server& server, const Call& call) {
  const ApiResult<json::object> body = ReadBody(call);
  if (!body) return ReplyError(call, body.error());
  JsonFields fields(*body);
  fields.Ignore({"model"});
  const auto content = fields.Text("content", std::size_t{8} << 20);
  const auto prompt = fields.Text("prompt", std::size_t{8} << 20);
  if (!content && !prompt) fields.Fail("content", "is required, a string");
  // A content is read as llama.cpp's server does, a prompt as vLLM's does.
  EncodeOptions options;
  options.add_special = content ? fields.Flag("add_special").value_or(false)
                                : fields.Flag("add_special_tokens").value_or(true);
  options.parse_special = fields.Flag("parse_special").value_or(!content);
  const bool with_pieces = fields.Flag("with_pieces").value_or(false);
  if (const auto error = fields.Finish()) return ReplyError(call, ApiError::OfField(*error));
  const ApiResult<ModelLease> lease = AcquireModel(server, *body);
  if (!lease) return ReplyError(call, lease.error());
  const Tokenizer& tokenizer = TokenizerOf(**lease);
  json::array tokens;
  const std::string text = content ? *content : prompt.value_or("");
  for (const TokenId id : tokenizer.Encode(text, options)) {
    if (with_pieces) {
      tokens.push_back(json::object{{"id", id}, {"piece", TokenText(id, tokenizer)}});
    } else {
      tokens.push_back(id);
    }
  }
  const std::size_t count = tokens.size();
  Reply(call, {{"tokens", std::move(tokens)}, {"count", count}});
}

// What programs that tokenize by vLLM's routes ask first: lm-evaluation-harness is one.
void HandleTokenizerInfo(Server& server, const Call& call) {
  const ApiResult<ModelLease> lease = AcquireModel(server, {});
  if (!lease) return ReplyError(call, lease.error());
  const Tokenizer& tokenizer = TokenizerOf(**lease);
  const auto name = [&](std::optional<TokenId> id) {
    return id ? json::value(TokenText(*id, tokenizer)) : json::value();
  };
  json::object info = {{"bos_token", name(tokenizer.bos())}, {"eos_token", name(tokenizer.eos())}};
  if ((*lease)->engine() != nullptr) {
    info["chat_template"] = (*lease)->engine()->prompts().template_source();
  }
  Reply(call, info);
}

void HandleDetokenize(Server& server, const Call& call) {
  const ApiResult<json::object> body = ReadBody(call);
  if (!body) return ReplyError(call, body.error());
  JsonFields fields(*body);
  fields.Ignore({"model"});
  std::vector<TokenId> ids;
  if (const json::array* const tokens = fields.Array("tokens")) {
    for (const json::value& token : *tokens) {
      if (!token.is_int64() || token.get_int64() < 0 || token.get_int64() > INT32_MAX) {
        fields.Fail("tokens", "must hold ids of tokens");
        break;
      }
      ids.push_back(static_cast<TokenId>(token.get_int64()));
    }
  } else {
    fields.Fail("tokens", "is required, an array of ids");
  }
  if (const auto error = fields.Finish()) return ReplyError(call, ApiError::OfField(*error));
  const ApiResult<ModelLease> lease = AcquireModel(server, *body);
  if (!lease) return ReplyError(call, lease.error());
  const Tokenizer& tokenizer = TokenizerOf(**lease);
  const std::string text = tokenizer.Decode(ids, ControlTokens::kShow);
  Reply(call, {{"content", text}, {"prompt", text}});
}

}  // namespace kinglet
