// SPDX-License-Identifier: Apache-2.0
// The row of a request that wants text from a model: its work begins with it, and it is written
// when the answer has ended. Both steps of a cascade are on one.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/json.h"
#include "ledger/ledger.h"
#include "ledger/machine_meter.h"
#include "server/access.h"
#include "server/generation_call.h"
#include "server/model_host.h"
#include "server/openai_chat.h"
#include "server/routes.h"

namespace kinglet {

struct CascadeModels {
  std::string first, next;
};

// One call of it at a time.
class GenerationAccount {
 public:
  GenerationAccount(Server& server, const Call& call, const ParsedGeneration& parsed,
                    std::optional<CascadeModels> cascade = {});

  // What a model has come to. Of an answer it writes the row and gives the `kinglet` object; what
  // is given up waits for the answer that comes instead.
  json::object Enter(const GenerationOutcome& outcome, LoadedModel& model);
  // There will be no answer: a row of what was given up for it, if anything was.
  void Fail();
  bool has_given_up() const { return given_up_.has_value(); }

 private:
  json::object Write(LedgerEntry entry);

  Server& server_;
  const std::shared_ptr<Admission> admission_;
  const std::string kind_, question_;
  const std::optional<std::string> intent_;
  const json::value route_;
  const std::optional<double> budget_ms_;
  const double received_ms_;
  const std::optional<CascadeModels> cascade_;
  MachineMeter::Share share_;  // of both steps
  std::optional<LedgerLine> given_up_;
};

}  // namespace kinglet
