// SPDX-License-Identifier: Apache-2.0
// How much of an article is kept of its page, and how much of what is kept is the article.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace kinglet {

// The text that is kept of a page of HTML.
using ExtractPage = std::function<Result<std::string>(std::string_view html)>;

// A page's HTML from its gzip file. kInvalidInput: it is none.
Result<std::string> ReadPage(const std::filesystem::path& path);

struct ExtractionResult {
  struct Page {
    std::string name;
    double f1 = 0;
  };
  std::vector<Page> pages;
  std::string digest;  // SHA-256 of the articles and pages
  double precision = 0;
  double recall = 0;
  double f1 = 0;
};

// folder: ground-truth.json of {page: {"articleBody"}}, and html/PAGE.html.gz of each, as the
// benchmark of article extraction by Zyte has it, whose scores these are: runs of four words, by
// how often they come; precision and recall are means over pages, F1 is of these means. A page's
// own F1 is of its own.
Result<ExtractionResult> MeasureExtraction(const std::filesystem::path& folder,
                                           const ExtractPage& extract);

struct Overlap {
  double common = 0;  // runs of words in both, over those in either
  double extra = 0;   // in `kept` alone
  double missed = 0;  // in `article` alone
};
Overlap CompareTexts(std::string_view article, std::string_view kept);

}  // namespace kinglet
