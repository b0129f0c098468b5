// SPDX-License-Identifier: Apache-2.0
// What kinglet bench found, for people and for programs.
#pragma once

#include <string>

#include "base/json.h"
#include "cli/bench_measure.h"

namespace kinglet {

json::object BenchJson(const BenchResult& result);
std::string BenchTable(const BenchResult& result);
// One page with plots, without scripts and without anything from elsewhere.
std::string BenchHtml(const BenchResult& result);

}  // namespace kinglet
