// SPDX-License-Identifier: Apache-2.0
// How fast a vocabulary file tokenizes a text on one core: tokenizer_bench VOCABULARY.gguf TEXT
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "base/file.h"
#include "model/vocabulary_from_gguf.h"
#include "tensor/gguf.h"
#include "text/tokenizer.h"

namespace kinglet {
namespace {

// Processor time, which other programs on the machine do not lengthen much: one core's.
double CpuMs() { return static_cast<double>(std::clock()) * 1e3 / CLOCKS_PER_SEC; }

constexpr int kRuns = 7;  // the median is told; the first also fills the tokenizer's own memory

Result<void> Bench(const char* vocabulary_path, const char* text_path) {
  const std::string text = TRY(ReadFile(text_path, std::size_t{1} << 28U));
  const GgufFile file = TRY(GgufFile::Open(vocabulary_path));
  Vocabulary vocabulary = TRY(ReadVocabulary(file));
  const double start_ms = CpuMs();
  const auto tokenizer = TRY(Tokenizer::Create(std::move(vocabulary)));
  const double create_ms = CpuMs() - start_ms;
  const auto report = [&](std::string_view name, const std::string& what) {
    std::vector<double> run_ms;
    std::size_t count = 0;
    for (int run = 0; run < kRuns; ++run) {
      const double run_start_ms = CpuMs();
      count = tokenizer->Encode(what).size();
      run_ms.push_back(CpuMs() - run_start_ms);
    }
    const double first_ms = run_ms[0];
    std::ranges::sort(run_ms);
    const auto mb_per_s = [&](double ms) { return static_cast<double>(what.size()) / ms / 1e3; };
    fmt::print("{}: {} bytes, {} tokens, {:.1f} MB/s, first run {:.1f} MB/s\n", name, what.size(),
               count, mb_per_s(run_ms[kRuns / 2]), mb_per_s(first_ms));
  };
  fmt::print("create: {:.0f} ms\n", create_ms);
  report("text", text);
  report("one letter, 1 MB", std::string(1'000'000, 'a'));
  report("one letter, 4 MB", std::string(4'000'000, 'a'));
  report("one digit, 1 MB", std::string(1'000'000, '7'));
  report("spaces, 1 MB", std::string(1'000'000, ' '));
  return {};
}

}  // namespace
}  // namespace kinglet

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: tokenizer_bench VOCABULARY.gguf TEXT\n", stderr);
    return 2;
  }
  const auto done = kinglet::Bench(argv[1], argv[2]);
  if (done) return 0;
  fmt::print(stderr, "tokenizer_bench: {}\n", done.error().message());
  return 1;
}
