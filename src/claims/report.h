// SPDX-License-Identifier: Apache-2.0
// Findings for people and for programs: one page that needs nothing else, the same as Markdown, and
// JSON.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "claims/finding.h"

namespace kinglet {

// What all findings have in common: the machine, the program, the command, the files.
using ReportFacts = std::vector<std::pair<std::string, std::string>>;

std::string FindingsHtml(std::span<const Finding> findings, const ReportFacts& facts);
std::string FindingsMarkdown(std::span<const Finding> findings, const ReportFacts& facts);
json::object FindingsJson(std::span<const Finding> findings, const ReportFacts& facts);

}  // namespace kinglet
