// SPDX-License-Identifier: Apache-2.0
// From what the engine says of a generation to a row.
#include "cli/model_account.h"

#include <utility>

#include "base/clock.h"
#include "catalog/store.h"
#include "cli/open_engine.h"
#include "ledger/useful_tokens.h"

namespace kinglet {
namespace {

LedgerLine LineOf(const GenerationResult& result) {
  return {.prompt_tokens = result.prompt_tokens,
          .cached_tokens = result.cached_tokens,
          .completion_tokens = static_cast<int>(result.tokens.size()),
          .queue_ms = result.queue_ms,
          .prefill_ms = result.prefill_ms,
          .decode_ms = result.decode_ms};
}

}  // namespace

ModelAccount::ModelAccount(const Environment& environment, const std::filesystem::path& model,
                           std::string kind)
    : books_(environment.BooksKept()),
      entry_{.kind = std::move(kind),
             .model = model.stem().string(),
             .model_digest = ModelDigest(model)} {}

ModelAccount::~ModelAccount() {
  if (!given_up_) return;
  LedgerEntry entry = entry_;
  entry.mode = "format";
  entry.line.valid = false;
  entry.line.delivered = false;
  Write(std::move(entry));
}

void ModelAccount::StandsBefore(const std::filesystem::path& next) {
  entry_.first_model = entry_.model;
  next_ = next;
}

void ModelAccount::Begin(std::string question) {
  share_.emplace(books_.Begin());
  entry_.question = std::move(question);
  start_ms_ = MonotonicMs();
  first_byte_ms_ = 0;
}

void ModelAccount::ShowsText() {
  if (first_byte_ms_ == 0) first_byte_ms_ = MonotonicMs() - start_ms_;
}

void ModelAccount::GiveUp(const GenerationResult& result) {
  given_up_ = LineOf(result);
  entry_.model = next_.stem().string();
  entry_.model_digest = ModelDigest(next_);
}

void ModelAccount::Close(const LanguageModel& model, const GenerationResult& result,
                         std::optional<bool> valid) {
  LedgerEntry entry = entry_;
  entry.mode = valid ? "format" : "text";
  entry.answer = result.text;
  entry.line = LineOf(result);
  entry.line.useful_tokens = CountUsefulTokens(model, result.tokens, result.stop,
                                               valid ? TextForm::kStructured : TextForm::kProse);
  entry.line.valid = valid;
  Write(std::move(entry));
}

void ModelAccount::Write(LedgerEntry entry) {
  if (!share_) return;
  entry.answered_at = UnixSeconds();
  LedgerLine& line = entry.line;
  line.total_ms = MonotonicMs() - start_ms_;
  line.first_byte_ms = first_byte_ms_ == 0 ? line.total_ms : first_byte_ms_;
  if (given_up_) line.AddStep(*given_up_);
  WarnOfLedger(books_.Close(*share_, entry));
  share_.reset();
}

}  // namespace kinglet
