// SPDX-License-Identifier: Apache-2.0
// How long the passages of a long document had better be: articles of SQuAD 2.0, each put together
// from its paragraphs, are cut by several sizes, and a search is to find the bytes of the answer.
// Long passages hold more and say it less clearly, so what counts is the share of questions whose
// answer is within a budget of bytes, the best passages first and the last one cut.
//   chunk_sizes SQUAD.json [EMBEDDER]
#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/thread_pool.h"
#include "base/utf8.h"
#include "engine/model_embedder.h"
#include "eval/retrieval_metrics.h"
#include "knowledge/chunker.h"
#include "knowledge/retriever.h"
#include "knowledge/sentences.h"

namespace kinglet {
namespace {

constexpr int kPassages = 20;
constexpr std::array<std::size_t, 3> kRanks = {1, 3, 5};
constexpr std::array<std::size_t, 3> kBudgets = {1000, 2000, 3000};  // bytes of passages

struct Question {
  std::string text;
  std::size_t article = 0;
  std::vector<ByteRange> answers;  // of the article's text; any of them will do
};

struct Suite {
  std::vector<Document> articles;  // the title, and a block for each paragraph
  std::vector<Question> questions;
  std::size_t left_out = 0;  // questions whose answer the cleaner has changed
};

// How a document is cut.
struct Cut {
  std::size_t target_bytes = 0;
  bool keeps_paragraphs = true;  // else the text is one block: its sentences are all that is known
  bool overlaps = false;         // a passage begins with the last sentence of the one before it
};

constexpr std::size_t kToday = ChunkSizes().target_bytes;
constexpr Cut kCuts[] = {
    {kToday},
    {200},
    {300},
    {450},
    {750},
    {900},
    {1200},
    {1600},
    {2000},
    {kToday, false},
    {900, false},
    {kToday, true, true},
    {450, true, true},
    {900, true, true},
};

// The place of byte `characters` counts to, in a text that is UTF-8.
std::size_t ByteOfCharacter(std::string_view text, std::int64_t characters) {
  std::size_t byte = 0;
  for (; byte < text.size(); ++byte) {
    if (!IsUtf8Continuation(text[byte]) && characters-- == 0) break;
  }
  return byte;
}

void AddQuestions(const json::value& paragraph, ByteRange block, Suite& suite) {
  const std::string_view context = paragraph.at("context").as_string();
  const bool is_kept = block.Of(suite.articles.back().text) == context;
  for (const json::value& entry : paragraph.at("qas").as_array()) {
    if (entry.at("answers").as_array().empty()) continue;  // the article does not say
    if (!is_kept) {
      ++suite.left_out;
      continue;
    }
    Question question{std::string(entry.at("question").as_string()), suite.articles.size() - 1, {}};
    for (const json::value& answer : entry.at("answers").as_array()) {
      const std::size_t begin =
          block.begin + ByteOfCharacter(context, answer.at("answer_start").as_int64());
      question.answers.push_back({begin, begin + answer.at("text").as_string().size()});
    }
    suite.questions.push_back(std::move(question));
  }
}

Result<Suite> ReadSuite(const char* path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  const json::value squad = TRY(ParseJson(bytes));
  Suite suite;
  for (const json::value& article : squad.at("data").as_array()) {
    DocumentBuilder builder;
    builder.SetTitle(article.at("title").as_string());
    const json::array& paragraphs = article.at("paragraphs").as_array();
    for (const json::value& paragraph : paragraphs) {
      builder.AddParagraph(paragraph.at("context").as_string());
    }
    suite.articles.push_back(std::move(builder).Finish());
    const std::vector<Block> blocks = suite.articles.back().blocks;
    for (std::size_t i = 0; i < paragraphs.size(); ++i) {
      AddQuestions(paragraphs[i], blocks.at(i).range, suite);
    }
  }
  return suite;
}

std::vector<Chunk> Divide(Document document, const Cut& cut) {
  if (!cut.keeps_paragraphs) {
    document.blocks = {{.kind = BlockKind::kParagraph, .range = {0, document.text.size()}}};
  }
  ChunkSizes sizes{.target_bytes = cut.target_bytes, .max_bytes = cut.target_bytes * 5 / 3};
  sizes.max_unit_bytes = std::max(sizes.max_unit_bytes, sizes.max_bytes);
  std::vector<Chunk> chunks = ChunkDocument(document, sizes);
  if (!cut.overlaps) return chunks;
  for (std::size_t i = chunks.size() - 1; i > 0; --i) {
    const ByteRange before = chunks[i - 1].range;
    chunks[i].range.begin = before.begin + SplitSentences(before.Of(document.text)).back().begin;
  }
  return chunks;
}

Result<void> Fill(Library& library, const Suite& suite, const Cut& cut) {
  for (std::size_t i = 0; i < suite.articles.size(); ++i) {
    const Document& article = suite.articles[i];
    DocumentDetails details;
    details.record.source = {.uri = std::to_string(i), .media_type = "text/plain", .digest = "d"};
    details.record.title = article.title;
    details.record.text_bytes = static_cast<std::int64_t>(article.text.size());
    details.text = article.text;
    for (const Chunk& chunk : Divide(article, cut)) details.chunks.push_back({0, "", chunk.range});
    TRY(library.Restore(details));
  }
  return {};
}

// Sentences are the same however passages are cut: what was embedded once is kept.
class RememberingEmbedder : public Embedder {
 public:
  using Memory = std::map<std::string, std::vector<float>>;

  RememberingEmbedder(Embedder& embedder, Memory& memory) : embedder_(embedder), memory_(memory) {}
  std::size_t width() const override { return embedder_.width(); }
  Result<std::vector<float>> Embed(std::span<const std::string> texts) override {
    std::vector<float> all;
    for (const std::string& text : texts) {
      std::vector<float>& known = memory_[text];
      if (known.empty()) known = TRY(embedder_.Embed({&text, 1}));
      all.insert(all.end(), known.begin(), known.end());
    }
    return all;
  }

 private:
  Embedder& embedder_;
  Memory& memory_;
};

bool Holds(const Question& question, const Passage& passage, std::size_t length) {
  if (passage.document != std::to_string(question.article)) return false;
  const auto begin = static_cast<std::size_t>(passage.start_byte);
  return std::ranges::any_of(question.answers, [&](const ByteRange& answer) {
    return begin <= answer.begin && answer.end <= begin + length;
  });
}

// By question, 1 or 0: whether it is found.
struct Found {
  std::array<std::vector<double>, kRanks.size()> by_rank;
  std::array<std::vector<double>, kBudgets.size()> by_budget;
};

Result<Found> Judge(const Suite& suite, const Retriever& retriever) {
  Found found;
  for (const Question& question : suite.questions) {
    const std::vector<Passage> passages = TRY(retriever.Search(question.text, kPassages));
    std::size_t rank = passages.size();
    std::size_t bytes = 0;  // to the end of the passage that holds the answer
    std::array<bool, kBudgets.size()> within{};
    for (std::size_t i = 0; i < passages.size(); ++i) {
      const std::size_t size = passages[i].text.size();
      for (std::size_t k = 0; k < kBudgets.size(); ++k) {
        const std::size_t left = kBudgets[k] - std::min(kBudgets[k], bytes);
        within[k] = within[k] || Holds(question, passages[i], std::min(left, size));
      }
      if (Holds(question, passages[i], size)) rank = std::min(rank, i);
      bytes += size;
    }
    for (std::size_t k = 0; k < kRanks.size(); ++k) {
      found.by_rank[k].push_back(rank < std::min(kRanks[k], passages.size()) ? 1 : 0);
    }
    for (std::size_t k = 0; k < kBudgets.size(); ++k) {
      found.by_budget[k].push_back(within[k] ? 1 : 0);
    }
  }
  return found;
}

double MeanOf(const std::vector<double>& values) { return EstimateMean(values, 1).mean; }

// What is found more, or less, than as of today: of the same questions, so that the interval is
// that of the difference.
Estimate Difference(const std::vector<double>& values, const std::vector<double>& today) {
  std::vector<double> differences;
  for (std::size_t i = 0; i < values.size(); ++i) differences.push_back(values[i] - today[i]);
  return EstimateMean(differences, 1);
}

void Print(const Cut& cut, const char* by, std::int64_t chunks, std::size_t text_bytes,
           const Found& found, const Found& today) {
  std::printf("%5zu %-9s %-8s %-6s %6lld %6.0f ", cut.target_bytes,
              cut.keeps_paragraphs ? "paragraph" : "sentence", cut.overlaps ? "sentence" : "none",
              by, static_cast<long long>(chunks),
              static_cast<double>(text_bytes) / static_cast<double>(chunks));
  for (const auto& values : found.by_rank) std::printf(" %.3f", MeanOf(values));
  std::printf("  ");
  for (std::size_t k = 0; k < kBudgets.size(); ++k) {
    const Estimate difference = Difference(found.by_budget[k], today.by_budget[k]);
    std::printf(" %.3f (%+.3f to %+.3f)", MeanOf(found.by_budget[k]), difference.low,
                difference.high);
  }
  std::printf("\n");
  std::fflush(stdout);
}

Result<void> Measure(const char* squad, const char* embedder_path) {
  const Suite suite = TRY(ReadSuite(squad));
  std::size_t text_bytes = 0;
  for (const Document& article : suite.articles) text_bytes += article.text.size();
  std::printf("%zu articles, %zu bytes, %zu questions (%zu left out)\n", suite.articles.size(),
              text_bytes, suite.questions.size(), suite.left_out);
  std::printf(
      "bytes cut at    overlap  by     chunks   mean  R@1   R@3   R@5    within 1,000, "
      "2,000 and 3,000 bytes (95 %% of the difference from the first line)\n");
  std::unique_ptr<ModelEmbedder> model;
  RememberingEmbedder::Memory memory;
  if (embedder_path != nullptr) {
    model = TRY(ModelEmbedder::Open(embedder_path, {.thread_count = AvailableCpus()}));
  }
  const auto folder = std::filesystem::temp_directory_path() / "kinglet_chunk_sizes";
  std::optional<Found> words_today;
  std::optional<Found> both_today;
  for (const Cut& cut : kCuts) {
    std::filesystem::remove_all(folder);
    Library library = TRY(Library::Open(folder, LibraryMode::kWrite));
    TRY(Fill(library, suite, cut));
    const std::int64_t chunks = TRY(library.TermStatistics("a word")).total_chunks;
    const Found by_words = TRY(Judge(suite, {library}));
    if (!words_today) words_today = by_words;
    Print(cut, "words", chunks, text_bytes, by_words, *words_today);
    if (model == nullptr) continue;
    auto embedder = std::make_unique<RememberingEmbedder>(*model, memory);
    TRY(EmbedLibrary(library, *embedder, "measured",
                     [](std::int64_t, std::int64_t) { return true; }));
    VectorSearch vectors(std::move(embedder), AvailableCpus());
    const Found by_both = TRY(Judge(suite, {library, &vectors}));
    if (!both_today) both_today = by_both;
    Print(cut, "both", chunks, text_bytes, by_both, *both_today);
  }
  std::filesystem::remove_all(folder);
  return {};
}

}  // namespace
}  // namespace kinglet

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fputs("chunk_sizes SQUAD.json [EMBEDDER]\n", stderr);
    return 2;
  }
  if (const auto measured = kinglet::Measure(argv[1], argc > 2 ? argv[2] : nullptr); !measured) {
    std::fprintf(stderr, "chunk_sizes: %s\n", measured.error().message().c_str());
    return 1;
  }
  return 0;
}
