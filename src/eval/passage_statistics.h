// SPDX-License-Identifier: Apache-2.0
// How many of some passages hold a stem, as a library would know it: what is rare says more.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "answer/terms.h"

namespace kinglet {

class PassageStatistics {
 public:
  void Add(std::string_view passage);  // counts once, however often it comes
  std::vector<Term> TermsOf(std::string_view text) const;

 private:
  std::unordered_set<std::string> seen_;
  std::int64_t total_ = 0;
  std::unordered_map<std::string, std::int64_t> count_;
};

}  // namespace kinglet
