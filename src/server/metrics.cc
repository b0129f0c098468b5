// SPDX-License-Identifier: Apache-2.0
// Families of prometheus-cpp, with few labels: routes, models and classes are bounded in number.
#include "server/metrics.h"

#include <cmath>
#include <sstream>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace kinglet {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Counter;

using prometheus::Gauge;
using prometheus::Histogram;
using Labels = prometheus::Labels;

// Seconds, from a millisecond to a minute: steps of about 1.6.
const Histogram::BucketBoundaries kSeconds = {0.001, 0.002, 0.004, 0.006, 0.01, 0.016, 0.025, 0.04,
                                              0.06,  0.1,   0.16,  0.25,  0.4,  0.6,   1,     1.6,
                                              2.5,   4,     6,     10,    16,   25,    40,    60};
const Histogram::BucketBoundaries kTokens = {1,   2,   4,    8,    16,   32,   64,    128,
                                             256, 512, 1024, 2048, 4096, 8192, 16384, 32768};
// Of what was foreseen: foreseen less measured, over measured.
const Histogram::BucketBoundaries kErrors = {-0.9, -0.5, -0.25, -0.1, -0.05, 0.05,
                                             0.1,  0.25, 0.5,   1,    2,     5};

std::string_view NameOf(ServiceClass service_class) {
  return service_class == ServiceClass::kBatch ? "batch" : "interactive";
}

}  // namespace

struct Metrics::Families {
  prometheus::Registry registry;
  prometheus::Family<Counter>& requests = BuildCounter()
                                              .Name("kinglet_requests_total")
                                              .Help("Requests answered, by route and status.")
                                              .Register(registry);
  prometheus::Family<Histogram>& request_seconds =
      BuildHistogram()
          .Name("kinglet_request_seconds")
          .Help("From the last byte of a request to the answer's end.")
          .Register(registry);
  prometheus::Family<Histogram>& first_byte =
      BuildHistogram()
          .Name("kinglet_time_to_first_byte_seconds")
          .Help("From the last byte of a request to the first of its answer's text.")
          .Register(registry);
  prometheus::Family<Histogram>& first_token =
      BuildHistogram()
          .Name("kinglet_time_to_first_token_seconds")
          .Help("From the engine's door to the first token.")
          .Register(registry);
  prometheus::Family<Histogram>& token = BuildHistogram()
                                             .Name("kinglet_time_per_output_token_seconds")
                                             .Help("Mean time between the tokens of an answer.")
                                             .Register(registry);
  prometheus::Family<Histogram>& queue = BuildHistogram()
                                             .Name("kinglet_queue_seconds")
                                             .Help("From the engine's door to the first step.")
                                             .Register(registry);
  prometheus::Family<Histogram>& prefill = BuildHistogram()
                                               .Name("kinglet_prefill_seconds")
                                               .Help("From the first step to the first token.")
                                               .Register(registry);
  prometheus::Family<Histogram>& prompt_tokens = BuildHistogram()
                                                     .Name("kinglet_request_prompt_tokens")
                                                     .Help("Tokens of a prompt.")
                                                     .Register(registry);
  prometheus::Family<Histogram>& generated_tokens = BuildHistogram()
                                                        .Name("kinglet_request_generated_tokens")
                                                        .Help("Tokens of an answer.")
                                                        .Register(registry);
  prometheus::Family<Histogram>& prediction =
      BuildHistogram()
          .Name("kinglet_first_token_prediction_error")
          .Help("Foreseen time to the first token less measured, over measured.")
          .Register(registry);
  prometheus::Family<Counter>& tokens =
      BuildCounter()
          .Name("kinglet_tokens_total")
          .Help("Tokens: of prompts, of them from the cache, and generated.")
          .Register(registry);
  prometheus::Family<Counter>& rejected =
      BuildCounter()
          .Name("kinglet_rejections_total")
          .Help("Requests that the engine did not let in, by reason.")
          .Register(registry);
  prometheus::Family<Counter>& gone = BuildCounter()
                                          .Name("kinglet_cancelled_total")
                                          .Help("Generations whose client went away.")
                                          .Register(registry);
  prometheus::Family<Counter>& asks = BuildCounter()
                                          .Name("kinglet_asks_total")
                                          .Help("Questions to libraries, by what became of them.")
                                          .Register(registry);
  prometheus::Family<Histogram>& ask_first_byte =
      BuildHistogram()
          .Name("kinglet_ask_first_byte_seconds")
          .Help("From a question to the first checked quote, or to the abstention.")
          .Register(registry);
  prometheus::Family<Gauge>& pages = BuildGauge()
                                         .Name("kinglet_kv_pages")
                                         .Help("Pages of keys and values, by use.")
                                         .Register(registry);
  prometheus::Family<Gauge>& sequences = BuildGauge()
                                             .Name("kinglet_sequences")
                                             .Help("Requests in the engine: running or waiting.")
                                             .Register(registry);
  prometheus::Family<Gauge>& steps = BuildGauge()
                                         .Name("kinglet_engine_steps")
                                         .Help("Steps that the engine has computed.")
                                         .Register(registry);
  prometheus::Family<Gauge>& preemptions =
      BuildGauge()
          .Name("kinglet_engine_preemptions")
          .Help("Sequences that were put aside for want of pages.")
          .Register(registry);
  prometheus::Family<Gauge>& guesses =
      BuildGauge()
          .Name("kinglet_engine_guessed_tokens")
          .Help("Tokens that were guessed and computed ahead: all, and those that were right.")
          .Register(registry);
  prometheus::Family<Gauge>& memory =
      BuildGauge()
          .Name("kinglet_model_memory_bytes")
          .Help("Memory that a loaded model may take: weights and pages.")
          .Register(registry);
  Gauge& connections =
      BuildGauge().Name("kinglet_connections").Help("Open connections.").Register(registry).Add({});
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {}
Metrics::~Metrics() = default;

void Metrics::CountRequest(std::string_view route, int status, double ms) {
  const std::string name(route);
  families_->requests.Add({{"route", name}, {"status", std::to_string(status)}}).Increment();
  families_->request_seconds.Add({{"route", name}}, kSeconds).Observe(ms / 1000);
}

void Metrics::CountGeneration(std::string_view model, ServiceClass service_class,
                              const GenerationOutcome& outcome) {
  Families& f = *families_;
  const Labels labels = {{"model", std::string(model)},
                         {"class", std::string(NameOf(service_class))}};
  if (outcome.status == 429) {
    Labels why = labels;
    why["reason"] = outcome.refused_prediction_ms ? "first_byte_budget" : "queue";
    f.rejected.Add(why).Increment();
    return;
  }
  if (outcome.client_gone) f.gone.Add(labels).Increment();
  if (outcome.first_byte_ms > 0) {
    f.first_byte.Add(labels, kSeconds).Observe(outcome.first_byte_ms / 1000);
  }
  const auto count = [&](const char* kind, int tokens) {
    Labels of_kind = labels;
    of_kind["kind"] = kind;
    f.tokens.Add(of_kind).Increment(tokens);
  };
  count("prompt", outcome.totals.prompt_tokens);
  count("cached", outcome.totals.cached_tokens);
  count("generated", outcome.totals.completion_tokens);
  for (const ReplyChoice& choice : outcome.choices) {
    const GenerationResult& result = choice.result;
    f.queue.Add(labels, kSeconds).Observe(result.queue_ms / 1000);
    f.prompt_tokens.Add(labels, kTokens).Observe(result.prompt_tokens);
    f.generated_tokens.Add(labels, kTokens).Observe(choice.tokens);
    if (choice.tokens == 0) continue;
    const double first_ms = result.queue_ms + result.prefill_ms;
    f.prefill.Add(labels, kSeconds).Observe(result.prefill_ms / 1000);
    f.first_token.Add(labels, kSeconds).Observe(first_ms / 1000);
    if (choice.tokens > 1) {
      f.token.Add(labels, kSeconds).Observe(result.decode_ms / 1000 / (choice.tokens - 1));
    }
    if (first_ms > 0) {
      f.prediction.Add(labels, kErrors)
          .Observe((result.predicted_first_token_ms - first_ms) / first_ms);
    }
  }
}

void Metrics::CountAsk(std::string_view reason, double first_byte_ms) {
  families_->asks.Add({{"outcome", std::string(reason)}}).Increment();
  families_->ask_first_byte.Add({}, kSeconds).Observe(first_byte_ms / 1000);
}

std::string Metrics::Text(const std::vector<ModelHost::Status>& models, std::size_t connections) {
  Families& f = *families_;
  f.connections.Set(static_cast<double>(connections));
  for (const ModelHost::Status& model : models) {
    const std::string& name = model.name;
    f.memory.Add({{"model", name}}).Set(static_cast<double>(model.memory_bytes));
    if (!model.engine) continue;
    const EngineState& state = *model.engine;
    const auto pages = [&](const char* use, std::size_t count) {
      f.pages.Add({{"model", name}, {"use", use}}).Set(static_cast<double>(count));
    };
    pages("free", state.free_pages);
    pages("cached", state.cached_pages);
    pages("sequences", state.page_count - state.free_pages - state.cached_pages);
    pages("disk", state.pages_on_disk);
    f.sequences.Add({{"model", name}, {"state", "running"}})
        .Set(static_cast<double>(state.running));
    f.sequences.Add({{"model", name}, {"state", "waiting"}})
        .Set(static_cast<double>(state.waiting));
    f.steps.Add({{"model", name}}).Set(static_cast<double>(state.steps));
    f.preemptions.Add({{"model", name}}).Set(static_cast<double>(state.preemptions));
    f.guesses.Add({{"model", name}, {"kind", "all"}})
        .Set(static_cast<double>(state.guessed_tokens));
    f.guesses.Add({{"model", name}, {"kind", "right"}})
        .Set(static_cast<double>(state.right_guesses));
  }
  std::ostringstream text;
  prometheus::TextSerializer().Serialize(text, f.registry.Collect());
  return text.str();
}

}  // namespace kinglet
