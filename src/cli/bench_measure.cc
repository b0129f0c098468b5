// SPDX-License-Identifier: Apache-2.0
// Starts are timed on children, all else in this process. Between tests the read loop runs again:
// what disturbs the machine meanwhile disturbs both.
#include "cli/bench_measure.h"

#include <algorithm>
#include <fstream>
#include <memory>

#include "base/clock.h"
#include "base/process.h"
#include "cli/interrupt.h"
#include "cli/open_engine.h"
#include "engine/read_loop.h"
#include "model/config.h"

namespace kinglet {
namespace {

constexpr std::uint64_t kMinReadBytes = 1'000'000'000;
constexpr int kReads = 3;
constexpr int kStarts = 3;

double Median(const std::vector<double>& sorted) {
  const std::size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

// Ids that jump about the vocabulary: the speed does not depend on the text.
TokenId TokenAt(std::size_t position, std::size_t vocab_size) {
  return static_cast<TokenId>((position * 7919 + 13) % vocab_size);
}

// VmHWM: the most that was resident so far; 0 where the system does not tell.
std::uint64_t ResidentBytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    std::uint64_t kilobytes = 0;
    if (word == "VmHWM:" && status >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

// Weights that a core's caches hold are not read from memory: a share would say nothing.
constexpr std::size_t kMinSharedBytes = std::size_t{32} << 20;

// Of the weights that a step of one token reads: of a mixture the experts that it takes.
double WeightBytesOfAToken(const PackedWeights& packed, const ModelConfig& config) {
  double bytes = 0;
  for (const PackedTensor& tensor : packed.tensors()) {
    const double share = tensor.matrix_count == 1 ? 1
                                                  : static_cast<double>(config.expert_used_count) /
                                                        static_cast<double>(config.expert_count);
    bytes += static_cast<double>(tensor.bytes()) * share;
  }
  return bytes;
}

// Milliseconds until a child of this program says its first word, and until it ends.
struct ChildTimes {
  double first_output_ms = 0;
  double total_ms = 0;
};

Result<ChildTimes> TimeChild(std::vector<std::string> arguments) {
  ProcessOptions options;
  options.argv = {"/proc/self/exe"};
  std::ranges::move(arguments, std::back_inserter(options.argv));
  options.should_stop = TakeInterrupt;
  ChildTimes times;
  const double start_ms = MonotonicMs();
  options.on_stdout = [&](std::string_view) -> Result<void> {
    if (times.first_output_ms == 0) times.first_output_ms = MonotonicMs() - start_ms;
    return {};
  };
  const ProcessOutput output = TRY(RunProcess(options));
  times.total_ms = MonotonicMs() - start_ms;
  if (output.exit_status != 0) {
    return Error(StatusCode::kFailed, "a start for the clock failed: {}", output.LastError());
  }
  return times;
}

// The median of some starts after one that warms up the system's caches, and packs where need be.
Result<double> TimeStarts(const std::vector<std::string>& arguments,
                          double ChildTimes::* const which) {
  std::vector<double> times;
  for (int i = -1; i < kStarts; ++i) {
    const ChildTimes child = TRY(TimeChild(arguments));
    if (i >= 0) times.push_back(child.*which);
  }
  std::ranges::sort(times);
  return Median(times);
}

class Bench {
 public:
  Bench(Model& model, const BenchPlan& plan) : model_(model), plan_(plan) {}

  Result<void> Run(BenchResult& result) {
    for (const std::size_t depth : plan_.depths) {
      TRY(Deepen(0, depth));
      if (plan_.prompt_tokens > 0) tests_.push_back(TRY(MeasurePrompt(depth)));
      for (const std::size_t streams : plan_.streams) {
        for (std::size_t i = 1; i < streams; ++i) TRY(Deepen(i, depth));
        MeasureRead();
        if (plan_.generated_tokens > 0) tests_.push_back(TRY(MeasureDecode(depth, streams)));
        MeasureRead();
      }
    }
    if (read_bytes_per_s_ > 0) {
      result.read_bytes_per_s = read_bytes_per_s_;
      for (Timed& timed : tests_) SetShare(timed);
    }
    for (Timed& timed : tests_) result.tests.push_back(std::move(timed.test));
    return {};
  }

 private:
  struct Timed {
    BenchTest test;
    std::size_t streams = 0;  // that decode; 0: a prompt
  };

  void MeasureRead() {
    if (model_.packed() == nullptr || model_.packed()->bytes() < kMinSharedBytes) return;
    for (int i = 0; i < kReads; ++i) {
      const double rate = ReadBytesPerSecond(model_.packed()->all(), kMinReadBytes, model_.pool());
      read_bytes_per_s_ = std::max(read_bytes_per_s_, rate);
    }
  }

  // Of a mixture the experts that several tokens take together are not known.
  void SetShare(Timed& timed) const {
    if (timed.streams == 0 || (timed.streams > 1 && model_.config().expert_count > 0)) return;
    const double steps_per_s = timed.test.median() / static_cast<double>(timed.streams);
    const double bytes = WeightBytesOfAToken(*model_.packed(), model_.config());
    timed.test.share_of_read = bytes * steps_per_s / read_bytes_per_s_;
  }

  // Brings stream i to `depth` tokens.
  Result<void> Deepen(std::size_t i, std::size_t depth) {
    while (sequences_.size() <= i) sequences_.push_back(model_.NewSequence());
    KvSequence& sequence = sequences_[i];
    sequence.Truncate(std::min(depth, sequence.length()));
    return Append(sequence, depth - sequence.length());
  }

  Result<void> Append(KvSequence& sequence, std::size_t count) {
    std::vector<TokenId> tokens(std::min(count, kStepTokens));
    for (std::size_t left = count; left > 0;) {
      if (TakeInterrupt()) return Error(StatusCode::kCancelled, "interrupted");
      const std::size_t size = std::min(left, kStepTokens);
      for (std::size_t i = 0; i < size; ++i) {
        tokens[i] = TokenAt(sequence.length() + i, model_.config().vocab_size);
      }
      left -= size;
      TRY(model_.Forward(std::span(tokens).first(size), sequence, left == 0 ? 1 : 0));
    }
    return {};
  }

  template <typename Work>
  Result<std::vector<double>> Repeat(std::size_t token_count, std::size_t depth, Work&& work) {
    std::vector<double> tokens_per_s;
    for (int i = -1; i < plan_.repetitions; ++i) {  // the first warms up pages and caches
      for (KvSequence& sequence : sequences_) {
        sequence.Truncate(std::min(depth, sequence.length()));
      }
      const double start_ms = MonotonicMs();
      TRY(work());
      const double seconds = (MonotonicMs() - start_ms) / 1000;
      if (i >= 0) tokens_per_s.push_back(static_cast<double>(token_count) / seconds);
    }
    std::ranges::sort(tokens_per_s);
    return tokens_per_s;
  }

  static std::string Suffix(std::size_t depth) {
    return depth == 0 ? std::string() : fmt::format("@d{}", depth);
  }

  Result<Timed> MeasurePrompt(std::size_t depth) {
    Timed timed;
    timed.test.name = fmt::format("pp{}{}", plan_.prompt_tokens, Suffix(depth));
    timed.test.tokens_per_s = TRY(Repeat(
        plan_.prompt_tokens, depth, [&] { return Append(sequences_[0], plan_.prompt_tokens); }));
    return timed;
  }

  // Every stream a token, again and again, each with its logits.
  Result<Timed> MeasureDecode(std::size_t depth, std::size_t streams) {
    const std::size_t count = plan_.generated_tokens;
    Timed timed;
    timed.streams = streams;
    timed.test.name =
        fmt::format("tg{}{}{}", count, streams == 1 ? std::string() : fmt::format("@b{}", streams),
                    Suffix(depth));
    std::vector<TokenId> tokens(streams);
    std::vector<BatchItem> batch(streams);
    timed.test.tokens_per_s = TRY(Repeat(streams * count, depth, [&]() -> Result<void> {
      for (std::size_t step = 0; step < count; ++step) {
        if (TakeInterrupt()) return Error(StatusCode::kCancelled, "interrupted");
        for (std::size_t i = 0; i < streams; ++i) {
          tokens[i] = TokenAt(depth + step + i, model_.config().vocab_size);
          batch[i] = {&sequences_[i], std::span(&tokens[i], 1), 1};
        }
        TRY(model_.Forward(batch));
      }
      return {};
    }));
    return timed;
  }

  Model& model_;
  const BenchPlan& plan_;
  std::vector<KvSequence> sequences_;
  std::vector<Timed> tests_;
  double read_bytes_per_s_ = 0;  // the best
};

// Pages for all streams at the greatest depth.
Result<void> SetRoom(const std::filesystem::path& path, const BenchPlan& plan,
                     EngineOptions& options) {
  const GgufFile file = TRY(GgufFile::Open(path));
  Result<ModelConfig> config = ReadModelConfig(file);
  if (!config) return std::unexpected(config.error().WithContext(path.string()));
  const std::size_t length =
      std::ranges::max(plan.depths) + std::max(plan.prompt_tokens, plan.generated_tokens);
  if (length > config->context_length) {
    return Error(StatusCode::kUsage, "{} tokens do not fit a context of {}", length,
                 config->context_length);
  }
  options.context_tokens = length;
  const std::size_t pages = (length + kPageTokens - 1) / kPageTokens;
  options.kv_bytes =
      std::ranges::max(plan.streams) * pages * KvPages::PageBytes(*config, KvType::kF16);
  return {};
}

}  // namespace

double BenchTest::median() const { return Median(tokens_per_s); }

Result<BenchResult> RunBench(const std::filesystem::path& path, const BenchPlan& plan,
                             EngineOptions options, const Environment& environment) {
  TRY(SetRoom(path, plan, options));
  BenchResult result;
  result.first_token_ms = TRY(TimeStarts({"run", path.string(), "--raw", "-p", "hi", "-n", "1",
                                          "-t", std::to_string(options.thread_count)},
                                         &ChildTimes::first_output_ms));
  result.start_ms = TRY(TimeStarts({"--version"}, &ChildTimes::total_ms));
  const double before_ms = MonotonicMs();
  const std::unique_ptr<Engine> engine = TRY(OpenEngine(path, options, environment));
  result.start_ms += MonotonicMs() - before_ms;

  Model& model = engine->model();
  result.model = path.filename().string();
  result.isa = model.ops().name;
  result.file_bytes = model.file().file_bytes();
  result.threads = model.thread_count();
  result.packed_bytes = model.packed() == nullptr ? 0 : model.packed()->bytes();
  TRY(Bench(model, plan).Run(result));
  result.resident_bytes = ResidentBytes();
  const std::size_t experts = model.config().expert_count;
  for (auto counts = model.expert_counts(); !counts.empty(); counts = counts.subspan(experts)) {
    const auto layer = counts.first(experts);
    result.expert_tokens.emplace_back(layer.begin(), layer.end());
  }
  return result;
}

}  // namespace kinglet
