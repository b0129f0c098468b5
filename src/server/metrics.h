// SPDX-License-Identifier: Apache-2.0
// What is seen from outside: counts and times of the server as Prometheus reads them.
// docs/server.md lists them.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/generation_call.h"
#include "server/model_host.h"
#include "text/language_model.h"

namespace kinglet {

class Metrics {
 public:
  Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;
  ~Metrics();

  // A request that was answered, whatever with. route: of the table, not what was sent.
  void CountRequest(std::string_view route, int status, double ms);
  // A generation, refused ones too.
  void CountGeneration(std::string_view model, ServiceClass service_class,
                       const GenerationOutcome& outcome);
  // What a question to a library took.
  void CountAsk(std::string_view reason, double first_byte_ms);

  // The text, with the state of the models at this moment.
  std::string Text(const std::vector<ModelHost::Status>& models, std::size_t connections);

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace kinglet
