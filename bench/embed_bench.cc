// SPDX-License-Identifier: Apache-2.0
// Kinglet's side of bench/embed_compare: an embedder inside this process, as its peers are inside
// theirs. Each line of standard input is a JSON array of texts; each answer is
// {"ms": time of the embedder alone, "cpu_ms": of all threads, "vectors": [[...], ...]}.
//   embed_bench MODEL [THREADS]
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "engine/model_embedder.h"

namespace kinglet {
namespace {

std::vector<std::string> TextsOf(const json::value& line) {
  std::vector<std::string> texts;
  if (!line.is_array()) return texts;
  for (const json::value& text : line.get_array()) {
    if (text.is_string()) texts.emplace_back(text.get_string());
  }
  return texts;
}

double CpuMs() { return 1000.0 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

Result<void> Answer(ModelEmbedder& embedder, const std::string& line) {
  const std::vector<std::string> texts = TextsOf(TRY(ParseJson(line)));
  const double start_ms = MonotonicMs();
  const double start_cpu_ms = CpuMs();
  const std::vector<float> values = TRY(embedder.Embed(texts));
  const double ms = MonotonicMs() - start_ms;
  const double cpu_ms = CpuMs() - start_cpu_ms;
  json::array vectors;
  for (std::size_t at = 0; at < values.size(); at += embedder.width()) {
    json::array vector;
    for (std::size_t i = 0; i < embedder.width(); ++i) vector.emplace_back(values[at + i]);
    vectors.push_back(std::move(vector));
  }
  fmt::print("{}\n",
             ToJson(json::object{{"ms", ms}, {"cpu_ms", cpu_ms}, {"vectors", std::move(vectors)}}));
  std::fflush(stdout);
  return {};
}

Result<void> Serve(const char* model, int threads) {
  const auto embedder = TRY(ModelEmbedder::Open(model, {.thread_count = threads}));
  for (std::string line; std::getline(std::cin, line);) TRY(Answer(*embedder, line));
  return {};
}

}  // namespace
}  // namespace kinglet

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fputs("embed_bench MODEL [THREADS]\n", stderr);
    return 2;
  }
  if (const auto done = kinglet::Serve(argv[1], argc > 2 ? std::atoi(argv[2]) : 0); !done) {
    std::fprintf(stderr, "embed_bench: %s\n", done.error().message().c_str());
    return 1;
  }
  return 0;
}
