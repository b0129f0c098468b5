// SPDX-License-Identifier: Apache-2.0
// What the ledger costs an answer: counting its useful tokens, its share of the machine, its row.
#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "base/clock.h"
#include "ledger/books.h"
#include "ledger/useful_tokens.h"

namespace kinglet {
namespace {

constexpr int kAnswers = 20'000;

void Print(const char* what, std::vector<double> ms) {
  std::ranges::sort(ms);
  const auto at = [&](double share) {
    return ms[static_cast<std::size_t>(share * static_cast<double>(ms.size() - 1))] * 1000;
  };
  fmt::print("{:<40} median {:7.1f} us  99 % {:7.1f} us  99.9 % {:8.1f} us  most {:8.1f} us\n",
             what, at(0.5), at(0.99), at(0.999), at(1));
}

template <typename Work>
std::vector<double> Time(int count, Work&& work) {
  std::vector<double> ms;
  for (int i = 0; i < count; ++i) {
    const double start_ms = MonotonicMs();
    work();
    ms.push_back(MonotonicMs() - start_ms);
  }
  return ms;
}

// Words, no sentence of them twice.
std::vector<std::string> Words(int count) {
  std::vector<std::string> words;
  for (int i = 0; i < count; ++i) {
    words.push_back(fmt::format(" w{}{}", i * 7919 % 1009, i % 12 == 11 ? "." : ""));
  }
  return words;
}

void MeasureRows(const std::filesystem::path& folder, bool keep_text,
                 std::optional<int> keep_days) {
  std::filesystem::remove_all(folder);
  Books books(
      {.ledger = {
           .file = folder / "ledger.sqlite", .keep_text = keep_text, .keep_days = keep_days}});
  LedgerEntry entry{.answered_at = UnixSeconds(),
                    .kind = "chat.completions",
                    .mode = "text",
                    .model = "a-model-of-some-name-q4_k_m",
                    .model_digest = std::string(71, 'd'),
                    .question = std::string(200, 'q'),
                    .answer = std::string(1000, 'a')};
  const std::string what = fmt::format("share and row{}{}", keep_text ? ", 1.2 kB of text" : "",
                                       keep_days ? ", old rows removed" : "");
  Print(what.c_str(), Time(kAnswers, [&] {
          MachineMeter::Share share = books.Begin();
          if (const auto closed = books.Close(share, entry); !closed) {
            fmt::print("{}\n", closed.error().message());
          }
        }));
  const auto bytes = std::filesystem::file_size(folder / "ledger.sqlite");
  fmt::print("  {} rows, {:.0f} bytes a row\n", kAnswers,
             static_cast<double>(bytes) / static_cast<double>(kAnswers));
}

}  // namespace
}  // namespace kinglet

// usage: ledger_bench [FOLDER], where the ledgers are to be
int main(int count, char** arguments) {
  using kinglet::TextForm;
  const std::filesystem::path folder =
      std::filesystem::path(count > 1 ? arguments[1] : "/tmp") / "kinglet_ledger_bench";
  for (const int tokens : {64, 512, 4096}) {
    const std::vector<std::string> words = kinglet::Words(tokens);
    const std::vector<std::string_view> views(words.begin(), words.end());
    kinglet::Print(fmt::format("useful tokens of {}", tokens).c_str(), kinglet::Time(200, [&] {
                     kinglet::CountUsefulTokens(views, TextForm::kProse);
                   }));
  }
  kinglet::MeasureRows(folder, /*keep_text=*/false, {});
  kinglet::MeasureRows(folder, /*keep_text=*/true, {});
  kinglet::MeasureRows(folder, /*keep_text=*/false, 30);
  std::filesystem::remove_all(folder);
}
