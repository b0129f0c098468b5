// SPDX-License-Identifier: Apache-2.0
// Two layouts, one list.
#include "eval/claim_set.h"

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <utility>

#include "base/json.h"
#include "base/json_lines.h"

namespace kinglet {
namespace {

Result<std::vector<ClaimRow>> ReadHaluEval(std::string_view text) {
  std::vector<ClaimRow> rows;
  const JsonLimits limits{.max_bytes = std::size_t{1} << 24};
  TRY(ForEachJsonLine(text, limits, [&](const json::value& line) -> Result<void> {
    rows.push_back({.set = "halueval",
                    .passage = TRY(TextOf(line, "knowledge")),
                    .question = TRY(TextOf(line, "question")),
                    .claims = {{TRY(TextOf(line, "right_answer")), true},
                               {TRY(TextOf(line, "hallucinated_answer")), false}}});
    return {};
  }));
  return rows;
}

// ---- BEGIN ----

constexpr std::array<std::string_view, 6> kColumns = {"model_name", "data_source", "knowledge",
                                                      "message",    "response",    "begin_label"};

// Takes the first line, without its end.
std::string_view TakeLine(std::string_view& text) {
  std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(line.size() + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

Result<std::array<std::string_view, kColumns.size()>> CellsOf(std::string_view line) {
  if (std::ranges::count(line, '\t') + 1 != std::ssize(kColumns)) {
    return Error(StatusCode::kInvalidInput, "{} cells where there are {} columns",
                 std::ranges::count(line, '\t') + 1, kColumns.size());
  }
  std::array<std::string_view, kColumns.size()> cells;
  for (std::string_view& cell : cells) {
    cell = line.substr(0, line.find('\t'));
    line.remove_prefix(std::min(cell.size() + 1, line.size()));
  }
  return cells;
}

Result<ClaimRow> BeginRow(std::string_view line) {
  const auto cells = TRY(CellsOf(line));
  const std::string_view label = cells[5];
  constexpr std::string_view kSupported = "Fully attributable";
  constexpr std::array<std::string_view, 3> kOthers = {"Not fully attributable", "Not attributable",
                                                       "Generic"};
  if (label != kSupported && std::ranges::count(kOthers, label) == 0)
    return Error(StatusCode::kInvalidInput, "{:?} is no label of BEGIN", label);
  return ClaimRow{.set = "begin",
                  .passage = std::string(cells[2]),
                  .claims = {{std::string(cells[4]), label == kSupported}}};
}

Result<std::vector<ClaimRow>> ReadBegin(std::string_view text) {
  std::vector<ClaimRow> rows;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = TakeLine(text);
    const auto taken = [&]() -> Result<void> {
      if (number > 1 && !line.empty()) rows.push_back(TRY(BeginRow(line)));
      if (number == 1 && TRY(CellsOf(line)) != kColumns)
        return Error(StatusCode::kInvalidInput, "not the columns of BEGIN");
      return {};
    }();
    if (!taken) return std::unexpected(taken.error().WithContext(fmt::format("line {}", number)));
  }
  return rows;
}

}  // namespace

Result<std::vector<ClaimRow>> ParseClaimSet(std::string_view text) {
  if (text.starts_with('{')) return ReadHaluEval(text);
  if (text.starts_with(kColumns.front())) return ReadBegin(text);
  return Error(StatusCode::kInvalidInput, "line 1: neither HaluEval's lines nor BEGIN's table");
}

std::vector<ClaimRow> DrawRows(std::vector<ClaimRow> rows, std::size_t limit, std::uint64_t seed) {
  if (limit == 0) return rows;
  std::map<std::string_view, std::vector<std::pair<std::uint64_t, std::size_t>>> drawn;
  std::mt19937_64 random(seed);
  for (std::size_t i = 0; i < rows.size(); ++i) drawn[rows[i].set].emplace_back(random(), i);
  std::vector<std::size_t> kept;
  for (auto& [set, of_set] : drawn) {
    std::ranges::sort(of_set);
    of_set.resize(std::min(of_set.size(), limit));
    for (const auto& [order, index] : of_set) kept.push_back(index);
  }
  std::ranges::sort(kept);
  std::vector<ClaimRow> some;
  for (const std::size_t index : kept) some.push_back(std::move(rows[index]));
  return some;
}

}  // namespace kinglet
