// SPDX-License-Identifier: Apache-2.0
// Ranges are those of OpenAI's API where it has them.
#include "server/generation_fields.h"

#include <charconv>
#include <limits>
#include <random>

namespace kinglet {
namespace {

constexpr std::size_t kMaxBiases = 1024;
constexpr std::size_t kMaxStops = 16;
constexpr std::size_t kMaxStopBytes = 1024;
constexpr int kMaxChoices = 16;
constexpr std::int64_t kMaxTokens = 10'000'000;

// OpenAI's defaults where its API has them; the two filters that it has no name for are those that
// keep a small model from nonsense.
constexpr float kTemperature = 1.0F;
constexpr float kTopP = 1.0F;
constexpr int kTopK = 40;
constexpr float kMinP = 0.05F;

template <typename Out>
void Set(std::optional<double> value, Out& out) {
  if (value) out = static_cast<Out>(*value);
}

void ReadBias(JsonFields& fields, std::size_t vocab_size, SamplingOptions& sampling) {
  const json::object* const bias = fields.Object("logit_bias");
  if (bias == nullptr) return;
  if (bias->size() > kMaxBiases)
    fields.Fail("logit_bias", fmt::format("has over {} tokens", kMaxBiases));
  for (const auto& member : *bias) {
    const std::string_view key = member.key();
    TokenId id = 0;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || end != key.data() + key.size() || id < 0 ||
        static_cast<std::size_t>(id) >= vocab_size) {
      fields.Fail("logit_bias", "must have ids of tokens for keys");
      return;
    }
    const double value = member.value().is_number() ? member.value().to_number<double>() : 1000;
    if (!(value >= -100 && value <= 100)) {
      fields.Fail("logit_bias", "must have numbers from -100 to 100 for values");
      return;
    }
    sampling.logit_bias.emplace_back(id, static_cast<float>(value));
  }
}

// The first of two names for the same thing; both with different values are an error.
std::optional<double> Either(JsonFields& fields, std::string_view name, std::string_view other,
                             double least, double most) {
  const auto value = fields.Number(name, least, most);
  const auto second = fields.Number(other, least, most);
  if (value && second && *value != *second) fields.Fail(other, fmt::format("contradicts {}", name));
  return value ? value : second;
}

}  // namespace

void ReadSampling(JsonFields& fields, std::size_t vocab_size, GenerationFields& out) {
  SamplingOptions& sampling = out.request.sampling;
  sampling.temperature = kTemperature;
  sampling.top_p = kTopP;
  sampling.top_k = kTopK;
  sampling.min_p = kMinP;
  Set(fields.Number("temperature", 0, 2), sampling.temperature);
  Set(fields.Number("top_p", 0, 1), sampling.top_p);
  if (const auto top_k = fields.Whole("top_k", -1, std::numeric_limits<int>::max())) {
    sampling.top_k = static_cast<int>(std::max<std::int64_t>(*top_k, 0));
  }
  Set(fields.Number("min_p", 0, 1), sampling.min_p);
  Set(fields.Number("presence_penalty", -2, 2), sampling.presence_penalty);
  Set(fields.Number("frequency_penalty", -2, 2), sampling.frequency_penalty);
  Set(Either(fields, "repetition_penalty", "repeat_penalty", 0.01, 100), sampling.repeat_penalty);
  ReadBias(fields, vocab_size, sampling);
  const auto seed = fields.Whole("seed", std::numeric_limits<std::int64_t>::min(),
                                 std::numeric_limits<std::int64_t>::max());
  sampling.seed = seed ? static_cast<std::uint64_t>(*seed)
                       : (std::uint64_t{std::random_device()()} << 32) | std::random_device()();
  out.request.stop = fields.Texts("stop", kMaxStops);
  for (const std::string& stop : out.request.stop) {
    if (stop.empty()) fields.Fail("stop", "has an empty string");
    if (stop.size() > kMaxStopBytes) fields.Fail("stop", "has a string that is too long");
  }
  out.request.ignore_end = fields.Flag("ignore_eos").value_or(false);
}

void ReadDelivery(JsonFields& fields, GenerationFields& out) {
  out.stream = fields.Flag("stream").value_or(false);
  if (const json::object* const options = fields.Object("stream_options")) {
    JsonFields of_stream(*options, "stream_options");
    out.include_usage = of_stream.Flag("include_usage").value_or(false);
    of_stream.Ignore({"include_obfuscation"});
    if (const auto error = of_stream.Finish()) fields.Fail(error->field, error->message);
    if (!out.stream) fields.Fail("stream_options", "is for streams");
  }
  out.choices = static_cast<int>(fields.Whole("n", 1, kMaxChoices).value_or(1));
  const auto tier = fields.Word("service_tier", {"auto", "default", "priority", "flex", "scale"})
                        .value_or("auto");
  if (tier == "flex") out.service_class = ServiceClass::kBatch;
  ReadOwnFields(fields, out);
}

void ReadOwnFields(JsonFields& fields, GenerationFields& out) {
  const json::object* const own = fields.Object("kinglet");
  if (own == nullptr) return;
  JsonFields of_kinglet(*own, "kinglet");
  out.first_byte_budget_ms = of_kinglet.Number("first_byte_budget_ms", 0, 1e9);
  out.batch_on_miss = of_kinglet.Word("on_miss", {"refuse", "batch"}).value_or("refuse") == "batch";
  if (of_kinglet.Word("class", {"interactive", "batch"}).value_or("") == "batch") {
    out.service_class = ServiceClass::kBatch;
  }
  if (const auto budget = of_kinglet.Whole("reasoning_budget", 0, kMaxTokens)) {
    out.reasoning_budget = static_cast<int>(*budget);
  }
  out.rules.shows_schema = of_kinglet.Flag("show_schema");
  if (const auto error = of_kinglet.Finish()) fields.Fail(error->field, error->message);
}

}  // namespace kinglet
