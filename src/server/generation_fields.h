// SPDX-License-Identifier: Apache-2.0
// The fields that OpenAI's chat completions, completions and responses share: sampling, length,
// stops, odds, and whom the answer is for.
#pragma once

#include <optional>
#include <string>

#include "server/json_fields.h"
#include "server/output_rules.h"
#include "text/language_model.h"

namespace kinglet {

// What every wire format asks of a generation, beside its prompt.
struct GenerationFields {
  GenerationRequest request;  // without prompt and terms
  std::optional<int> max_tokens;
  int choices = 1;
  bool stream = false;
  bool include_usage = false;
  // What the `kinglet` object of a request says.
  std::optional<double> first_byte_budget_ms;
  bool batch_on_miss = false;  // one that cannot keep its budget is served as a batch
  ServiceClass service_class = ServiceClass::kInteractive;
  std::optional<int> reasoning_budget;  // tokens of thought at most
  OutputRules rules;
};

// Sampling by OpenAI's names, and those that llama.cpp's and vLLM's users know beside them.
// vocab_size: for the ids of logit_bias.
void ReadSampling(JsonFields& fields, std::size_t vocab_size, GenerationFields& out);
// stream, stream_options, n, service_tier, and the `kinglet` object.
void ReadDelivery(JsonFields& fields, GenerationFields& out);
// The `kinglet` object alone: budget, class, what this server has beyond the format.
void ReadOwnFields(JsonFields& fields, GenerationFields& out);

}  // namespace kinglet
