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
  // A model whose answer was given up leaves a row also where no other answer came.
  ~ModelAccount();

  // Of a cascade: `next` answers where this model's answer is given up.
  void StandsBefore(const std::filesystem::path& next);
  // An answer's work begins.
  void Begin(std::string question);
  // It is given up: the work goes on the next one's bill.
  void GiveUp(const GenerationResult& result);
  // The first byte of it is shown; again and again, the first time counts.
  void ShowsText();
  // All of it is there. valid: unset where it was held to no form. Trouble with the ledger is
  // warned of on standard error.
  void Close(const LanguageModel& model, const GenerationResult& result, std::optional<bool> valid);

 private:
  void Write(LedgerEntry entry);  // once for each Begin

  Books books_;
  LedgerEntry entry_;  // what is known beforehand
  std::filesystem::path next_;
  std::optional<LedgerLine> given_up_;
  std::optional<MachineMeter::Share> share_;
  double start_ms_ = 0, first_byte_ms_ = 0;
};

}  // namespace kinglet
