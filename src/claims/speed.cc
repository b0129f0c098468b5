// SPDX-License-Identifier: Apache-2.0
// Prompts are ids that jump about the vocabulary: the speed does not depend on the text.
#include "claims/speed.h"

#include <algorithm>
#include <charconv>
#include <random>
#include <utility>

#include <fmt/format.h>

#include "claims/finding.h"
#include "engine/read_loop.h"

namespace kinglet {
namespace {

constexpr int kSamples = 2000;
constexpr int kRepetitions = 5;
constexpr std::size_t kWritten = 16;
constexpr std::size_t kShortPrompt = 16;
constexpr std::size_t kMinReadWeights = std::size_t{32} << 20;  // fewer lie in caches
constexpr std::uint64_t kReadBytes = 1'000'000'000;

GenerationRequest RequestOf(std::size_t tokens, std::size_t written, std::size_t salt,
                            std::size_t vocabulary) {
  GenerationRequest request;
  for (std::size_t i = 0; i < tokens; ++i) {
    request.prompt.push_back(static_cast<TokenId>((i * 7919 + salt * 104'729 + 13) % vocabulary));
  }
  request.max_tokens = static_cast<int>(written);
  request.ignore_end = true;
  return request;
}

class Measurement {
 public:
  Measurement(const ClaimSetup& setup, std::string what, Engine& engine)
      : setup_(setup), what_(std::move(what)), engine_(engine) {}

  Result<Speed> Run(std::span<const std::size_t> prompts) {
    Speed speed;
    const std::size_t total = (prompts.size() + 2) * kRepetitions;
    for (const std::size_t tokens : prompts) {
      if (tokens + 1 > static_cast<std::size_t>(engine_.context_tokens())) continue;
      TRY(Repeat(
          total,
          [&]() -> Result<double> {
            const GenerationResult result = TRY(engine_.Generate(Next(tokens, 1), nullptr));
            return result.prefill_ms;
          },
          speed.first_ms[tokens]));
    }
    TRY(Repeat(
        total,
        [&]() -> Result<double> {
          const GenerationResult result =
              TRY(engine_.Generate(Next(kShortPrompt, kWritten), nullptr));
          return result.decode_ms / (kWritten - 1);
        },
        speed.token_ms));
    TRY(Repeat(total, [&] { return Together(); }, speed.together_ms));
    const PackedWeights* const packed = engine_.model().packed();
    if (packed != nullptr && packed->bytes() > kMinReadWeights) {
      speed.read_bytes_per_s =
          ReadBytesPerSecond(packed->all(), kReadBytes, engine_.model().pool());
    }
    return speed;
  }

 private:
  GenerationRequest Next(std::size_t tokens, std::size_t written) {
    return RequestOf(tokens, written, ++salt_, engine_.model().config().vocab_size);
  }

  // Once more than is kept: the first warms up pages and caches.
  template <typename Work>
  Result<void> Repeat(std::size_t total, Work&& work, std::vector<double>& out) {
    for (int i = -1; i < kRepetitions; ++i) {
      if (i >= 0) TRY(setup_.progress(what_, done_++, total));
      const double ms = TRY(work());
      if (i >= 0) out.push_back(ms);
    }
    return {};
  }

  Result<double> Together() {
    std::vector<GenerationRequest> requests;
    for (std::size_t i = 0; i < kTogether; ++i) requests.push_back(Next(kShortPrompt, kWritten));
    const auto results = TRY(engine_.GenerateAll(requests, nullptr));
    double decode_ms = 0;
    for (const GenerationResult& result : results) decode_ms += result.decode_ms;
    return decode_ms / kTogether / (kWritten - 1) / kTogether;
  }

  const ClaimSetup& setup_;
  std::string what_;
  Engine& engine_;
  std::size_t done_ = 0, salt_ = 0;
};

json::array Numbers(std::span<const double> numbers) {
  return json::array(numbers.begin(), numbers.end());
}

}  // namespace

Result<std::vector<double>> ReadNumbers(const json::value* value) {
  std::vector<double> numbers;
  if (value == nullptr || !value->is_array()) {
    return Error(StatusCode::kInvalidInput, "no measurements");
  }
  for (const json::value& number : value->get_array()) {
    if (!number.is_number()) return Error(StatusCode::kInvalidInput, "a measurement is no number");
    numbers.push_back(number.to_number<double>());
  }
  return numbers;
}

json::object ToJson(const Speed& speed) {
  json::object first;
  for (const auto& [tokens, ms] : speed.first_ms) first[std::to_string(tokens)] = Numbers(ms);
  return {{"first_ms", std::move(first)},
          {"token_ms", Numbers(speed.token_ms)},
          {"together_ms", Numbers(speed.together_ms)},
          {"read_bytes_per_s", speed.read_bytes_per_s}};
}

Result<Speed> ReadSpeed(const json::value& value) {
  Speed speed;
  const json::value* const first = Find(value, "first_ms");
  const json::value* const read = Find(value, "read_bytes_per_s");
  if (first == nullptr || !first->is_object() || read == nullptr || !read->is_number()) {
    return Error(StatusCode::kInvalidInput, "no measurements of a speed");
  }
  for (const auto& [tokens, ms] : first->get_object()) {
    std::size_t count = 0;
    std::from_chars(tokens.begin(), tokens.end(), count);
    speed.first_ms[count] = TRY(ReadNumbers(&ms));
  }
  speed.token_ms = TRY(ReadNumbers(Find(value, "token_ms")));
  speed.together_ms = TRY(ReadNumbers(Find(value, "together_ms")));
  speed.read_bytes_per_s = read->to_number<double>();
  return speed;
}

Result<Speed> MeasureSpeed(const ClaimSetup& setup, Part model,
                           std::span<const std::size_t> prompts) {
  const json::object key = {{"model", TRY(DigestOf(setup, model))},
                            {"threads", setup.thread_count},
                            {"prompts", json::array(prompts.begin(), prompts.end())}};
  const std::string name = fmt::format("speed-{}", setup.name(model));
  return ReadSpeed(TRY(Kept(setup, name, key, [&]() -> Result<json::value> {
    const auto engine = TRY(setup.Open(
        model, {.context_tokens = 0, .reuse_prefix = false, .kv_contexts = 1, .guess_ratio = 0}));
    return ToJson(TRY(Measurement(setup, "speed of " + setup.name(model), *engine).Run(prompts)));
  })));
}

double MedianOf(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Estimate EstimateOfMedians(std::span<const std::vector<double>> series, std::uint64_t seed,
                           const std::function<double(std::span<const double>)>& figure) {
  std::vector<double> medians;
  for (const std::vector<double>& values : series) medians.push_back(MedianOf(values));
  const double of_all = figure(medians);
  const auto is_one = [](const std::vector<double>& values) { return values.size() < 2; };
  if (std::ranges::any_of(series, is_one)) return EstimateOfOne(of_all);
  std::mt19937_64 draw(seed);
  std::vector<double> samples, sample;
  for (int i = 0; i < kSamples; ++i) {
    for (std::size_t k = 0; k < series.size(); ++k) {
      sample.clear();
      while (sample.size() < series[k].size()) {
        sample.push_back(series[k][draw() % series[k].size()]);
      }
      medians[k] = MedianOf(sample);
    }
    samples.push_back(figure(medians));
  }
  return EstimateOfSamples(of_all, std::move(samples));
}

Estimate EstimateMedian(const std::vector<double>& values, std::uint64_t seed) {
  return EstimateOfMedians({&values, 1}, seed,
                           [](std::span<const double> medians) { return medians[0]; });
}

Estimate EstimateRatio(const std::vector<double>& one, const std::vector<double>& other,
                       std::uint64_t seed) {
  const std::vector<double> both[] = {one, other};
  return EstimateOfMedians(both, seed,
                           [](std::span<const double> medians) { return medians[0] / medians[1]; });
}

}  // namespace kinglet
