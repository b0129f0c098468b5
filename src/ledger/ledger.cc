// SPDX-License-Identifier: Apache-2.0
// Rows in and out. One list of columns serves both ways.
#include "ledger/ledger.h"

#include <algorithm>
#include <string>

#include "base/clock.h"
#include "ledger/ledger_file.h"

namespace kinglet {
namespace {

constexpr std::int64_t kSecondsPerDay = 86'400;
// With each new row: more than one, so that old rows end.
constexpr int kPrunedWithARow = 2;

constexpr std::string_view kColumns =
    "answered_at, kind, mode, intent, model, model_digest, first_model, confidence, abstained,"
    " prompt_tokens, cached_tokens, completion_tokens, useful_tokens, first_byte_ms, total_ms, "
    "queue_ms, retrieval_ms,"
    " prefill_ms, decode_ms, machine_ms, joules, joules_source, cost, currency, kept, valid,"
    " in_budget, delivered, question, answer";

// Reads and binds columns in their order.
class Row {
 public:
  Row(Statement& statement, int first) : statement_(statement), next_(first) {}

  template <typename T>
  Row& Put(const T& value) {
    statement_.Bind(next_++, value);
    return *this;
  }
  Row& Put(int value) { return Put(std::int64_t{value}); }
  Row& Put(bool value) { return Put(std::int64_t{value}); }
  Row& Put(const std::string& value) { return Put(std::string_view(value)); }
  Row& Put(const std::optional<bool>& value) {
    return Put(value ? std::optional(std::int64_t{*value}) : std::nullopt);
  }

  Row& Take(std::string& value) {
    value = statement_.Text(next_++);
    return *this;
  }
  Row& Take(std::int64_t& value) {
    value = statement_.Int(next_++);
    return *this;
  }
  Row& Take(int& value) {
    value = static_cast<int>(statement_.Int(next_++));
    return *this;
  }
  Row& Take(bool& value) {
    value = statement_.Int(next_++) != 0;
    return *this;
  }
  Row& Take(double& value) {
    value = statement_.Double(next_++);
    return *this;
  }
  template <typename T>
  Row& Take(std::optional<T>& value) {
    if (statement_.IsNull(next_)) {
      value.reset();
      ++next_;
      return *this;
    }
    return Take(value.emplace());
  }

 private:
  Statement& statement_;
  int next_;
};

Result<std::int64_t> Changes(Database& database) {
  Statement changes = TRY(database.Prepare("SELECT changes()"));
  (void)TRY(changes.Step());
  return changes.Int(0);
}

// An answer that the user liked, or of which no verdict says no; an abstention has nothing kept.
constexpr std::string_view kIsUseful =
    "coalesce(thumb, delivered AND coalesce(kept, 1) AND coalesce(valid, 1)"
    " AND coalesce(in_budget, 1) AND (useful_tokens > 0 OR coalesce(kept, 0)))";
constexpr std::string_view kUsefulTokens = "iif(thumb = 0, 0, useful_tokens)";

std::string SelectTotals(std::string_view group) {
  return fmt::format(
      "SELECT {0}, count(*), coalesce(sum({1}), 0), count(abstained),"
      " coalesce(sum(prompt_tokens), 0), coalesce(sum(cached_tokens), 0),"
      " coalesce(sum(completion_tokens), 0), coalesce(sum({2}), 0), total(total_ms),"
      " total(machine_ms), sum(joules), total(joules) FILTER (WHERE joules_source = 'estimate'),"
      " sum(cost), coalesce(max(currency) FILTER (WHERE cost IS NOT NULL), ''),"
      " count(DISTINCT currency) FILTER (WHERE cost IS NOT NULL),"
      " coalesce(sum({2}) FILTER (WHERE cost IS NOT NULL), 0),"
      " coalesce(sum({1}) FILTER (WHERE cost IS NOT NULL), 0)"
      " FROM answers",
      group, kIsUseful, kUsefulTokens);
}

LedgerTotals ReadTotals(Statement& select) {
  LedgerTotals totals;
  std::int64_t currencies = 0;
  std::int64_t paid_tokens = 0;
  std::int64_t paid_answers = 0;
  Row(select, 0)
      .Take(totals.group)
      .Take(totals.answers)
      .Take(totals.useful_answers)
      .Take(totals.abstentions)
      .Take(totals.prompt_tokens)
      .Take(totals.cached_tokens)
      .Take(totals.completion_tokens)
      .Take(totals.useful_tokens)
      .Take(totals.total_ms)
      .Take(totals.machine_ms)
      .Take(totals.joules)
      .Take(totals.estimated_joules)
      .Take(totals.cost)
      .Take(totals.currency)
      .Take(currencies)
      .Take(paid_tokens)
      .Take(paid_answers);
  if (currencies > 1) {
    totals.cost.reset();
    totals.currency.clear();
  }
  const auto each = [&](std::int64_t count) {
    return totals.cost && count > 0 ? std::optional(*totals.cost / static_cast<double>(count))
                                    : std::nullopt;
  };
  totals.cost_per_useful_token = each(paid_tokens);
  totals.cost_per_useful_answer = each(paid_answers);
  return totals;
}

// Of a row without one: "".
std::string_view KeyOf(LedgerGroup group) {
  switch (group) {
    case LedgerGroup::kDay:
      return "date(answered_at, 'unixepoch')";
    case LedgerGroup::kMode:
      return "mode";
    case LedgerGroup::kModel:
      return "model";
    case LedgerGroup::kIntent:
      return "coalesce(corrected_intent, intent, '')";
  }
  return "''";
}

}  // namespace

std::string_view Name(LedgerGroup group) {
  switch (group) {
    case LedgerGroup::kDay:
      return "day";
    case LedgerGroup::kMode:
      return "mode";
    case LedgerGroup::kModel:
      return "model";
    case LedgerGroup::kIntent:
      return "intent";
  }
  return "";
}

const LedgerGroup* FindLedgerGroup(std::string_view name) {
  for (const LedgerGroup& group : kLedgerGroups) {
    if (Name(group) == name) return &group;
  }
  return nullptr;
}

Result<Ledger> Ledger::Open(LedgerOptions options) {
  Database database = TRY(OpenLedgerFile(options.file, options.keep_text));
  std::string parameters = "?";
  for (const char c : kColumns) {
    if (c == ',') parameters += ", ?";
  }
  Statement insert = TRY(database.Prepare(
      fmt::format("INSERT INTO answers (id, {}) VALUES (lower(hex(randomblob(8))), {})"
                  " RETURNING id",
                  kColumns, parameters)));
  Statement prune = TRY(database.Prepare(
      "DELETE FROM answers WHERE number IN"
      " (SELECT number FROM answers WHERE answered_at < ? ORDER BY answered_at LIMIT ?)"));
  Ledger ledger(std::move(options), std::move(database), std::move(insert), std::move(prune));
  if (const auto days = ledger.options_.keep_days) {
    const std::int64_t removed = TRY(ledger.RemoveBefore(UnixSeconds() - *days * kSecondsPerDay));
    // Who reads meanwhile keeps it from that; a later one will do.
    if (removed > 0) (void)ledger.EmptyLog();
  }
  return ledger;
}

Result<std::string> Ledger::Record(const LedgerEntry& entry) {
  if (const auto days = options_.keep_days) {
    prune_.Bind(1, UnixSeconds() - *days * kSecondsPerDay).Bind(2, std::int64_t{kPrunedWithARow});
    TRY(prune_.Run());
  }
  const auto kept = [&](const std::optional<std::string>& text) {
    return options_.keep_text && text ? std::optional(KeptText(*text)) : std::nullopt;
  };
  const LedgerLine& line = entry.line;
  Row(insert_, 1)
      .Put(entry.answered_at)
      .Put(entry.kind)
      .Put(entry.mode)
      .Put(entry.intent)
      .Put(entry.model)
      .Put(entry.model_digest == "" ? std::nullopt : entry.model_digest)
      .Put(entry.first_model)
      .Put(entry.confidence)
      .Put(entry.abstained)
      .Put(line.prompt_tokens)
      .Put(line.cached_tokens)
      .Put(line.completion_tokens)
      .Put(line.useful_tokens)
      .Put(line.first_byte_ms)
      .Put(line.total_ms)
      .Put(line.queue_ms)
      .Put(line.retrieval_ms)
      .Put(line.prefill_ms)
      .Put(line.decode_ms)
      .Put(line.machine_ms)
      .Put(line.joules)
      .Put(line.joules_source)
      .Put(line.cost)
      .Put(line.currency)
      .Put(line.kept)
      .Put(line.valid)
      .Put(line.in_budget)
      .Put(line.delivered)
      .Put(kept(entry.question))
      .Put(kept(entry.answer));
  const Result<bool> row = insert_.Step();
  const std::string id(row ? insert_.Text(0) : "");
  // The second step commits.
  const Result<void> committed = row ? insert_.Run() : std::unexpected(row.error());
  if (!committed) {
    insert_.Reset();
    return std::unexpected(committed.error());
  }
  return id;
}

Result<bool> Ledger::Record(const LedgerFeedback& feedback) {
  Statement update =
      TRY(database_.Prepare("UPDATE answers SET thumb = iif(?, ?, thumb),"
                            " corrected_intent = iif(?, ?, corrected_intent),"
                            " comment = iif(?, ?, comment) WHERE id = ?"));
  std::optional<std::string> comment = feedback.comment.value_or(std::nullopt);
  if (comment) comment = KeptText(*comment);
  Row(update, 1)
      .Put(feedback.useful.has_value())
      .Put(feedback.useful.value_or(std::nullopt))
      .Put(feedback.intent.has_value())
      .Put(feedback.intent.value_or(std::nullopt))
      .Put(feedback.comment.has_value())
      .Put(comment)
      .Put(feedback.id);
  TRY(update.Run());
  return TRY(Changes(database_)) > 0;
}

Result<std::vector<LedgerEntry>> Ledger::Latest(int limit) {
  Statement select =
      TRY(database_.Prepare(fmt::format("SELECT id, {}, thumb, corrected_intent, comment"
                                        " FROM answers ORDER BY number DESC LIMIT ?",
                                        kColumns)));
  select.Bind(1, std::int64_t{limit});
  std::vector<LedgerEntry> entries;
  while (TRY(select.Step())) {
    LedgerEntry& entry = entries.emplace_back();
    LedgerLine& line = entry.line;
    Row(select, 0)
        .Take(line.id)
        .Take(entry.answered_at)
        .Take(entry.kind)
        .Take(entry.mode)
        .Take(entry.intent)
        .Take(entry.model)
        .Take(entry.model_digest)
        .Take(entry.first_model)
        .Take(entry.confidence)
        .Take(entry.abstained)
        .Take(line.prompt_tokens)
        .Take(line.cached_tokens)
        .Take(line.completion_tokens)
        .Take(line.useful_tokens)
        .Take(line.first_byte_ms)
        .Take(line.total_ms)
        .Take(line.queue_ms)
        .Take(line.retrieval_ms)
        .Take(line.prefill_ms)
        .Take(line.decode_ms)
        .Take(line.machine_ms)
        .Take(line.joules)
        .Take(line.joules_source)
        .Take(line.cost)
        .Take(line.currency)
        .Take(line.kept)
        .Take(line.valid)
        .Take(line.in_budget)
        .Take(line.delivered)
        .Take(entry.question)
        .Take(entry.answer)
        .Take(entry.thumb)
        .Take(entry.corrected_intent)
        .Take(entry.comment);
    if (!entry.thumb.value_or(true)) line.useful_tokens = 0;  // as kUsefulTokens has it
  }
  return entries;
}

Result<LedgerCorrections> Ledger::Corrections() {
  Statement select =
      TRY(database_.Prepare("SELECT coalesce(question, ''), corrected_intent FROM answers"
                            " WHERE corrected_intent IS NOT NULL ORDER BY number"));
  LedgerCorrections corrections;
  while (TRY(select.Step())) {
    LedgerCorrections::Row row;
    Row(select, 0).Take(row.question).Take(row.intent);
    if (row.question.empty()) {
      ++corrections.without_text;
    } else {
      corrections.rows.push_back(std::move(row));
    }
  }
  return corrections;
}

Result<LedgerTotals> Ledger::Totals() {
  Statement select = TRY(database_.Prepare(SelectTotals("''")));
  (void)TRY(select.Step());
  return ReadTotals(select);
}

Result<std::vector<LedgerTotals>> Ledger::TotalsBy(LedgerGroup group) {
  const std::string_view order = group == LedgerGroup::kDay ? "1 DESC" : "count(*) DESC, 1";
  Statement select = TRY(database_.Prepare(
      fmt::format("{} GROUP BY 1 ORDER BY {}", SelectTotals(KeyOf(group)), order)));
  std::vector<LedgerTotals> groups;
  while (TRY(select.Step())) groups.push_back(ReadTotals(select));
  return groups;
}

Result<std::vector<JudgedStep>> Ledger::JudgedSteps() {
  Statement select = TRY(database_.Prepare(
      fmt::format("SELECT coalesce(first_model, model), model, confidence, {}, thumb IS NOT NULL,"
                  " machine_ms, cost, currency FROM answers"
                  " WHERE confidence IS NOT NULL AND"
                  " (thumb IS NOT NULL OR (abstained IS NULL AND delivered))"
                  " AND coalesce(first_model, model) IN (SELECT first_model FROM answers)"
                  " ORDER BY number",
                  kIsUseful)));
  std::vector<JudgedStep> steps;
  while (TRY(select.Step())) {
    JudgedStep& step = steps.emplace_back();
    Row(select, 0)
        .Take(step.first_model)
        .Take(step.model)
        .Take(step.confidence)
        .Take(step.useful)
        .Take(step.has_thumb)
        .Take(step.machine_ms)
        .Take(step.cost)
        .Take(step.currency);
  }
  return steps;
}

Result<std::int64_t> Ledger::Forget(std::string_view id) {
  Statement remove = TRY(database_.Prepare("DELETE FROM answers WHERE id = ?"));
  remove.Bind(1, id);
  TRY(remove.Run());
  const std::int64_t removed = TRY(Changes(database_));
  TRY(EmptyLog());
  return removed;
}

Result<std::int64_t> Ledger::ForgetBefore(std::int64_t unix_seconds) {
  const std::int64_t removed = TRY(RemoveBefore(unix_seconds));
  TRY(EmptyLog());
  return removed;
}

// SQLite says in the first column whether somebody was in the way.
Result<void> Ledger::EmptyLog() {
  Statement checkpoint = TRY(database_.Prepare("PRAGMA wal_checkpoint(TRUNCATE)"));
  (void)TRY(checkpoint.Step());
  if (checkpoint.Int(0) == 0) return {};
  return Error(StatusCode::kBusy,
               "{}: what was forgotten has gone from the ledger, but the log still holds it while "
               "another process reads: `kinglet ledger forget` with any date empties it then",
               options_.file.string());
}

Result<std::int64_t> Ledger::RemoveBefore(std::int64_t unix_seconds) {
  // In pieces: who answers meanwhile waits for one of them at most.
  constexpr std::int64_t kAtOnce = 1000;
  std::int64_t removed = 0;
  std::int64_t last = kAtOnce;
  while (last == kAtOnce) {
    prune_.Bind(1, unix_seconds).Bind(2, kAtOnce);
    TRY(prune_.Run());
    last = TRY(Changes(database_));
    removed += last;
  }
  return removed;
}

}  // namespace kinglet
