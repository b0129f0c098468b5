// SPDX-License-Identifier: Apache-2.0
// The ledger's side of a command that asks a model itself: an account for each of its answers.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "cli/environment.h"
#include "ledger/books.h"
#include "text/language_model.h"

namespace kinglet {

class ModelAccount {
 public:
  // kind: of the rows, the command's name.
  ModelAccount(const Environment& environment, const std::filesystem::path& model,
               std::string kind);

  // An answer's work begins.
  void Begin();
  // The first byte of it is shown; again and again, the first time counts.
  void ShowsText();
  // All of it is there. valid: unset where it was held to no form. Trouble with the ledger is
  // warned of on standard error.
  void Close(const LanguageModel& model, const GenerationResult& result, std::optional<bool> valid,
             const std::string& question);

 private:
  Books books_;
  LedgerEntry entry_;  // what all have in common
  std::optional<MachineMeter::Share> share_;
  double start_ms_ = 0, first_byte_ms_ = 0;
};

}  // namespace kinglet
