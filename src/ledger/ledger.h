// SPDX-License-Identifier: Apache-2.0
// The ledger: a row for each answer, kept in an SQLite file of its own, written before the answer
// ends. docs/ledger.md says what each column means and what survives which crash.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/sqlite.h"
#include "base/status.h"
#include "ledger/ledger_line.h"

namespace kinglet {

struct LedgerOptions {
  std::filesystem::path file;
  bool keep_text = false;        // of questions and answers, with personal data masked
  std::optional<int> keep_days;  // older rows are removed
};

struct LedgerEntry {
  std::int64_t answered_at = 0;  // Unix seconds
  std::string kind;              // which way it was asked: "ask", "chat.completions", "run"
  std::string mode;              // of a library's answers "quote", "cite", "chat"; "text", "format"
  std::optional<std::string> intent;
  std::string model;  // empty where none was asked
  std::optional<std::string> model_digest;
  // The small model of a cascade, which was asked first; unset: there was none. Its answer was
  // taken where it is `model`.
  std::optional<std::string> first_model;
  // That the answer is right, as the calibration of its model has it; of a cascade the first one's.
  std::optional<double> confidence;
  std::optional<std::string> abstained;  // reason
  LedgerLine line;
  std::optional<std::string> question, answer;  // where text is kept

  // From the user, after the answer.
  std::optional<bool> thumb;  // true: it was useful
  std::optional<std::string> corrected_intent, comment;
};

// Sums over some answers.
struct LedgerTotals {
  std::string group;  // what they have in common; empty: all of them, or none known
  std::int64_t answers = 0;
  // By the user's thumb, else by the verdicts: see docs/ledger.md.
  std::int64_t useful_answers = 0;
  std::int64_t abstentions = 0;
  std::int64_t prompt_tokens = 0;
  std::int64_t cached_tokens = 0;
  std::int64_t completion_tokens = 0;
  std::int64_t useful_tokens = 0;
  double total_ms = 0;
  double machine_ms = 0;
  std::optional<double> joules;  // of the answers that have them
  double estimated_joules = 0;   // of these, not counted by the machine
  // Of the answers that have one; unset where they have several currencies.
  std::optional<double> cost;
  std::string currency;
  std::optional<double> cost_per_useful_token, cost_per_useful_answer;
};

enum class LedgerGroup : std::uint8_t { kDay, kMode, kModel, kIntent };

inline constexpr LedgerGroup kLedgerGroups[] = {LedgerGroup::kDay, LedgerGroup::kMode,
                                                LedgerGroup::kModel, LedgerGroup::kIntent};

std::string_view Name(LedgerGroup group);  // "day", "mode", "model", "intent"
// One of kLedgerGroups; null: it has no such name.
const LedgerGroup* FindLedgerGroup(std::string_view name);

// What a cascade's policy is learned from: an answer, or of a small model alone, whose worth
// somebody has judged.
struct JudgedStep {
  std::string first_model, model;  // model: that has answered
  double confidence = 0;           // of the first model's answer
  bool useful = false;             // by the thumb, else by the verdicts
  bool has_thumb = false;
  double machine_ms = 0;  // of both steps
  std::optional<double> cost;
  std::string currency;  // of the cost
};

// What is unset stays as it was; an unset value takes back what was said.
struct LedgerFeedback {
  std::string id;  // of the answer
  std::optional<std::optional<bool>> useful;
  std::optional<std::optional<std::string>> intent;  // what it should have been taken for
  std::optional<std::optional<std::string>> comment;
};

// Questions that users say were taken for something else.
struct LedgerCorrections {
  struct Row {
    std::string question, intent;  // the corrected one; empty: none of those that there are
  };
  std::vector<Row> rows;          // the earlier answer first
  std::int64_t without_text = 0;  // corrected too, but their question was not kept
};

// One connection: not for two threads at a time.
class Ledger {
 public:
  // Opens or makes the file and its folder, and removes what is too old.
  static Result<Ledger> Open(LedgerOptions options);

  // Writes the row and returns its id: 16 hexadecimal digits, drawn. It outlives this process from
  // then on. Text is written where it is to be kept, and masked. Also removes a few old rows.
  Result<std::string> Record(const LedgerEntry& entry);
  // The later replaces the earlier, field by field. False: there is no such answer.
  Result<bool> Record(const LedgerFeedback& feedback);

  // The latest entries, newest first.
  Result<std::vector<LedgerEntry>> Latest(int limit);
  Result<LedgerCorrections> Corrections();
  Result<LedgerTotals> Totals();
  // Days (UTC) newest first, all else the most answers first.
  Result<std::vector<LedgerTotals>> TotalsBy(LedgerGroup group);

  // Of the models that were asked first in a cascade. An abstention is judged by the thumb alone: a
  // verdict does not tell whether it was right. So is what nobody got, which is no model's fault.
  Result<std::vector<JudgedStep>> JudgedSteps();

  // How many rows went, off the disk too. kBusy: they went, but the log still holds them while
  // another process reads; the next time, whether rows go or not, empties it.
  Result<std::int64_t> Forget(std::string_view id);
  Result<std::int64_t> ForgetBefore(std::int64_t unix_seconds);

 private:
  Ledger(LedgerOptions options, Database database, Statement insert, Statement prune)
      : options_(std::move(options)),
        database_(std::move(database)),
        insert_(std::move(insert)),
        prune_(std::move(prune)) {}

  Result<std::int64_t> RemoveBefore(std::int64_t unix_seconds);
  Result<void> EmptyLog();

  LedgerOptions options_;
  Database database_;
  Statement insert_;  // these two behind their database
  Statement prune_;
};

}  // namespace kinglet
