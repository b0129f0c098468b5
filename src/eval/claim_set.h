// SPDX-License-Identifier: Apache-2.0
// Claims of which people have said whether a passage supports them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace kinglet {

struct LabelledClaim {
  std::string text;
  bool is_supported = false;
};

// A row of the data: a passage and what is claimed of it.
struct ClaimRow {
  std::string set;  // that it is of: "halueval" or "begin"
  std::string passage;
  std::string question;               // that the claims answer; empty: none
  std::vector<LabelledClaim> claims;  // of halueval a right one and an invented one
};

// Told apart by their first bytes: lines of JSON as HaluEval's questions and answers have them (Li
// et al. 2023), or a table as BEGIN has it (Dziri et al. 2022). Of BEGIN's labels "Fully
// attributable" is supported and all others are not, "Generic" among them. kInvalidInput names the
// line.
Result<std::vector<ClaimRow>> ParseClaimSet(std::string_view text);

// `limit` rows of each set (0, or no more than there are: all), drawn by the seed, in their order.
std::vector<ClaimRow> DrawRows(std::vector<ClaimRow> rows, std::size_t limit, std::uint64_t seed);

}  // namespace kinglet
