// SPDX-License-Identifier: Apache-2.0
// How long a search takes in a library of so many passages, by words and by both ways, and how near
// the scan of vectors comes to a loop that only reads memory. Passages are words drawn by Zipf's
// law, vectors are drawn too: what is found means nothing, and a query's vector costs nothing (a
// real embedder's time is `kinglet eval embeddings`).
//   retrieve_bench [PASSAGES=100000] [VECTORS=1000000]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/thread_pool.h"
#include "engine/read_loop.h"
#include "knowledge/retriever.h"

namespace kinglet {
namespace {

constexpr std::size_t kWidth = 384;
constexpr int kWordsInPassage = 140;
constexpr int kPassagesInDocument = 100;
constexpr int kVocabulary = 60'000;
constexpr int kStopWords = 100;  // the commonest, which are no words of a query
constexpr int kQueries = 300;

// A word by its rank, from the first that is wanted on: the likelihood of the r-th is as 1/r.
std::string DrawWord(std::mt19937& random, int first_rank = 1) {
  std::uniform_real_distribution<double> uniform(std::log(first_rank), std::log(kVocabulary));
  std::string word = "w";
  for (int rank = static_cast<int>(std::exp(uniform(random))); rank > 0; rank /= 20) {
    word += static_cast<char>('a' + rank % 20);
  }
  return word;
}

std::vector<float> DrawVector(std::mt19937& random) {
  std::normal_distribution<float> normal;
  std::vector<float> vector(kWidth);
  float squares = 0;
  for (float& value : vector) {
    value = normal(random);
    squares += value * value;
  }
  for (float& value : vector) value /= std::sqrt(squares);
  return vector;
}

class DrawingEmbedder : public Embedder {
 public:
  std::size_t width() const override { return kWidth; }
  Result<std::vector<float>> Embed(std::span<const std::string> texts) override {
    std::vector<float> all;
    for (const std::string& text : texts) {
      std::mt19937 random(static_cast<unsigned>(std::hash<std::string>()(text)));
      const std::vector<float> vector = DrawVector(random);
      all.insert(all.end(), vector.begin(), vector.end());
    }
    return all;
  }
};

Result<void> Fill(Library& library, int passages) {
  std::mt19937 random(1);
  for (int first = 0; first < passages; first += kPassagesInDocument) {
    DocumentBuilder builder;
    builder.SetTitle("document " + std::to_string(first));
    for (int i = 0; i < kPassagesInDocument; ++i) {
      std::string text;
      for (int word = 0; word < kWordsInPassage; ++word) {
        text += DrawWord(random) + (word % 20 == 19 ? ". " : " ");
      }
      // A heading ends a passage.
      builder.AddHeading(1, "Part " + std::to_string(i));
      builder.AddParagraph(text);
    }
    TRY(library.Put({.uri = std::to_string(first), .media_type = "text/plain", .digest = "d"},
                    std::move(builder).Finish(), 1));
  }
  return {};
}

Result<void> TimeSearches(const char* name, const Retriever& retriever) {
  std::mt19937 random(2);
  std::uniform_int_distribution<int> count(3, 10);
  std::vector<double> times;
  for (int i = 0; i < kQueries; ++i) {
    std::string query;
    for (int left = count(random); left > 0; --left) query += DrawWord(random, kStopWords) + " ";
    const double start_ms = MonotonicMs();
    (void)TRY(retriever.Search(query, 10));
    times.push_back(MonotonicMs() - start_ms);
  }
  std::ranges::sort(times);
  std::printf("search by %-6s p50 %6.1f ms, p99 %6.1f ms\n", name, times[kQueries / 2],
              times[kQueries * 99 / 100]);
  return {};
}

Result<void> MeasureLibrary(int passages) {
  const auto folder = std::filesystem::temp_directory_path() / "kinglet_retrieve_bench";
  std::filesystem::remove_all(folder);
  {
    Library library = TRY(Library::Open(folder, LibraryMode::kWrite));
    const double start_ms = MonotonicMs();
    TRY(Fill(library, passages));
    const double filled_ms = MonotonicMs();
    DrawingEmbedder embedder;
    TRY(EmbedLibrary(library, embedder, "drawn", [](std::int64_t, std::int64_t) { return true; }));
    std::printf("%lld passages: %.0f/s written, %.0f/s with vectors\n",
                static_cast<long long>(TRY(library.CountVectors())),
                passages / (filled_ms - start_ms) * 1000,
                passages / (MonotonicMs() - filled_ms) * 1000);
    VectorSearch vectors(std::make_unique<DrawingEmbedder>(), AvailableCpus());
    (void)TRY(Retriever{library, &vectors}.Search("waa", 1));  // reads all vectors
    TRY(TimeSearches("words", {library}));
    TRY(TimeSearches("both", {library, &vectors}));
  }
  std::filesystem::remove_all(folder);
  return {};
}

void MeasureScan(int count) {
  std::mt19937 random(3);
  std::vector<std::string> encoded;
  for (int i = 0; i < 1000; ++i) encoded.push_back(EncodeVector(DrawVector(random)));
  VectorIndex index(kWidth, AvailableCpus());
  for (int i = 0; i < count; ++i) {
    index.Add(i + 1, encoded[static_cast<std::size_t>(random() % encoded.size())]);
  }
  const std::vector<std::uint8_t> memory(static_cast<std::size_t>(count) * kWidth, 1);
  ThreadPool pool(AvailableCpus());
  double scan = 0;
  double read = 0;
  for (int i = 0; i < 12; ++i) {  // in turns: other programs disturb both
    const std::vector<float> query = DrawVector(random);
    const double start_ms = MonotonicMs();
    index.Search(query, 100);
    scan = std::max(scan, static_cast<double>(memory.size()) / (MonotonicMs() - start_ms) * 1000);
    read = std::max(read, ReadBytesPerSecond(memory, memory.size(), pool));
  }
  std::printf("%d vectors of %zu: %.1f ms, %.1f GB/s of %.1f GB/s read = %.0f %%\n", count, kWidth,
              static_cast<double>(memory.size()) / scan * 1000, scan / 1e9, read / 1e9,
              100 * scan / read);
}

}  // namespace
}  // namespace kinglet

int main(int argc, char** argv) {
  const int passages = argc > 1 ? std::atoi(argv[1]) : 100'000;
  const int vectors = argc > 2 ? std::atoi(argv[2]) : 1'000'000;
  if (passages < 1 || vectors < 1) {
    std::fputs("retrieve_bench [PASSAGES] [VECTORS]\n", stderr);
    return 2;
  }
  kinglet::MeasureScan(vectors);
  if (const auto measured = kinglet::MeasureLibrary(passages); !measured) {
    std::fprintf(stderr, "retrieve_bench: %s\n", measured.error().message().c_str());
    return 1;
  }
  return 0;
}
