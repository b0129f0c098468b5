// SPDX-License-Identifier: Apache-2.0
// Members in the order of OpenAI's reference.
#include "server/openai_format.h"

#include <utility>

#include "base/clock.h"

namespace kinglet {

OpenAiFormat::OpenAiFormat(std::string_view id_prefix, std::string_view whole,
                           std::string_view chunk, std::string model, bool include_usage)
    : id_(MakeId(id_prefix)),
      whole_(whole),
      chunk_(chunk),
      created_(UnixSeconds()),
      model_(std::move(model)),
      include_usage_(include_usage) {}

json::object OpenAiFormat::Frame(std::string_view object) const {
  return {{"id", id_}, {"object", object}, {"created", created_}, {"model", model_}};
}

json::object OpenAiFormat::Chunk(json::array choices) const {
  json::object chunk = Frame(chunk_);
  chunk["choices"] = std::move(choices);
  if (include_usage_) chunk["usage"] = nullptr;
  return chunk;
}

std::string OpenAiFormat::LastEvent(json::object choice, const ReplyTotals* totals) const {
  json::object chunk = Chunk({std::move(choice)});
  if (totals != nullptr) chunk["kinglet"] = totals->ledger;
  return Event(chunk);
}

std::string OpenAiFormat::End(std::span<const ReplyChoice>, const ReplyTotals& totals) {
  std::string events;
  // Who did not ask for usage expects no chunk without a choice.
  if (include_usage_) {
    json::object last = Chunk({});
    last["usage"] = UsageOf(totals);
    events = Event(last);
  }
  return events + "data: [DONE]\n\n";
}

json::object OpenAiFormat::WholeOf(json::array choices, const ReplyTotals& totals) const {
  json::object whole = Frame(whole_);
  whole["choices"] = std::move(choices);
  whole["usage"] = UsageOf(totals);
  whole["kinglet"] = totals.ledger;
  return whole;
}

}  // namespace kinglet
