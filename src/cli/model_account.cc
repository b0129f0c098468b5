// SPDX-License-Identifier: Apache-2.0
// From what the engine says of a generation to a row.
#include "cli/model_account.h"

#include "base/clock.h"
#include "catalog/store.h"
#include "cli/open_engine.h"
#include "ledger/useful_tokens.h"

namespace kinglet {

ModelAccount::ModelAccount(const Environment& environment, const std::filesystem::path& model,
                           std::string kind)
    : books_(environment.BooksKept()),
      entry_{.kind = std::move(kind),
             .model = model.stem().string(),
             .model_digest = ModelDigest(model)} {}

void ModelAccount::Begin() {
  share_.emplace(books_.Begin());
  start_ms_ = MonotonicMs();
  first_byte_ms_ = 0;
}

void ModelAccount::ShowsText() {
  if (first_byte_ms_ == 0) first_byte_ms_ = MonotonicMs() - start_ms_;
}

void ModelAccount::Close(const LanguageModel& model, const GenerationResult& result,
                         std::optional<bool> valid, const std::string& question) {
  if (!share_) return;
  LedgerEntry entry = entry_;
  entry.answered_at = UnixSeconds();
  entry.mode = valid ? "format" : "text";
  entry.question = question;
  entry.answer = result.text;
  LedgerLine& line = entry.line;
  line.prompt_tokens = result.prompt_tokens;
  line.cached_tokens = result.cached_tokens;
  line.completion_tokens = static_cast<int>(result.tokens.size());
  line.useful_tokens = CountUsefulTokens(model, result.tokens, result.stop,
                                         valid ? TextForm::kStructured : TextForm::kProse);
  line.total_ms = MonotonicMs() - start_ms_;
  line.first_byte_ms = first_byte_ms_ == 0 ? line.total_ms : first_byte_ms_;
  line.queue_ms = result.queue_ms;
  line.prefill_ms = result.prefill_ms;
  line.decode_ms = result.decode_ms;
  line.valid = valid;
  const Result<void> closed = books_.Close(*share_, entry);
  share_.reset();
  if (!closed) WarnOnStderr(fmt::format("the ledger: {}", closed.error().message()));
}

}  // namespace kinglet
