// SPDX-License-Identifier: Apache-2.0
// Chunks go to the embedder with their headings, sentences without.
#include "knowledge/vector_search.h"

#include <algorithm>

#include "knowledge/sentences.h"

namespace kinglet {
namespace {

// Two embedders are the same if they make the same of this.
constexpr std::string_view kProbe =
    "The kingfisher waits above the river, and knows that the fish are below.";
constexpr float kSameProbe = 0.995F;  // cosine; rounding to 8 bits takes less than 0.001

constexpr int kChunksAtOnce = 16;
constexpr std::size_t kMinSentenceBytes = 30;  // what is shorter joins the next
constexpr std::size_t kMaxSentences = 24;      // of a chunk

std::string Joined(std::string_view prefix, std::string_view text) {
  return std::string(prefix).append(text);
}

Result<std::vector<float>> EmbedOne(Embedder& embedder, std::string text) {
  return embedder.Embed(std::span(&text, 1));
}

// With the prefix of passages, as another one makes other vectors of them.
Result<std::vector<float>> EmbedProbe(Embedder& embedder) {
  return EmbedOne(embedder, Joined(embedder.passage_prefix(), kProbe));
}

std::string WithHeading(const ChunkText& chunk) {
  const std::string& above = chunk.heading.empty() ? chunk.title : chunk.heading;
  return above.empty() ? chunk.text : above + "\n" + chunk.text;
}

// Empty where the chunk is one.
std::vector<std::string> SentencesOf(const std::string& text) {
  std::vector<std::string> sentences;
  std::size_t begin = 0;
  std::size_t end = 0;
  for (const ByteRange& range : SplitSentences(text)) {
    if (end == begin) begin = range.begin;
    end = range.end;
    if (end - begin < kMinSentenceBytes) continue;
    sentences.push_back(text.substr(begin, end - begin));
    begin = end;
    if (sentences.size() == kMaxSentences) break;
  }
  if (end > begin && sentences.size() < kMaxSentences) {
    sentences.push_back(text.substr(begin, end - begin));
  }
  if (sentences.size() == 1) sentences.clear();
  return sentences;
}

Result<std::vector<ChunkVectors>> EmbedChunks(Embedder& embedder,
                                              std::span<const ChunkText> chunks) {
  const std::string_view prefix = embedder.passage_prefix();
  std::vector<std::string> texts;
  std::vector<std::size_t> sentence_counts;
  for (const ChunkText& chunk : chunks) {
    const std::vector<std::string> sentences = SentencesOf(chunk.text);
    sentence_counts.push_back(sentences.size());
    texts.push_back(Joined(prefix, WithHeading(chunk)));
    for (const std::string& sentence : sentences) texts.push_back(Joined(prefix, sentence));
  }
  const std::vector<float> values = TRY(embedder.Embed(texts));
  std::span<const float> rest(values);
  const auto take = [&] {
    const std::span<const float> vector = rest.first(embedder.width());
    rest = rest.subspan(embedder.width());
    return EncodeVector(vector);
  };
  std::vector<ChunkVectors> vectors;
  for (std::size_t i = 0; i < chunks.size(); ++i) {
    ChunkVectors& of = vectors.emplace_back();
    of.chunk_id = chunks[i].id;
    of.chunk = take();
    for (std::size_t k = 0; k < sentence_counts[i]; ++k) of.sentences += take();
  }
  return vectors;
}

// False: go_on, which is told how many chunks are done, has stopped it.
template <typename GoOn>
Result<bool> EmbedRest(Library& library, Embedder& embedder, const GoOn& go_on) {
  std::int64_t done = 0;
  std::int64_t last_id = 0;
  while (true) {
    const std::vector<ChunkText> chunks = TRY(library.ChunksWithoutVectors(last_id, kChunksAtOnce));
    if (chunks.empty()) return true;
    TRY(library.PutVectors(TRY(EmbedChunks(embedder, chunks))));
    last_id = chunks.back().id;
    done += static_cast<std::int64_t>(chunks.size());
    if (!go_on(done)) return false;
  }
}

bool IsSame(std::span<const float> probe, const EmbedderRecord& record) {
  return record.width == probe.size() && record.probe.size() == EncodedBytes(probe.size()) &&
         DotProduct(probe, record.probe) > kSameProbe;
}

}  // namespace

Result<void> EmbedLibrary(Library& library, Embedder& embedder, std::string_view name,
                          const std::function<bool(std::int64_t, std::int64_t)>& on_progress) {
  const std::vector<float> probe = TRY(EmbedProbe(embedder));
  const auto old = TRY(library.FindEmbedder());
  const bool is_same = old && IsSame(probe, *old);
  if (!is_same || old->name != name) {
    // The probe of the vectors that are there stays theirs: rounding must not make another of it.
    TRY(library.SetEmbedder(
        {std::string(name), is_same ? old->probe : EncodeVector(probe), embedder.width()}));
  }
  const std::int64_t count = TRY(library.CountChunksWithoutVectors());
  const bool is_done = TRY(
      EmbedRest(library, embedder, [&](std::int64_t done) { return on_progress(done, count); }));
  if (!is_done) return Error(StatusCode::kCancelled, "interrupted");
  return {};
}

VectorSearch::VectorSearch(std::unique_ptr<Embedder> embedder, int thread_count)
    : embedder_(std::move(embedder)), index_(embedder_->width(), thread_count) {}

Result<bool> VectorSearch::Fits(Library& library) {
  const std::scoped_lock lock(mutex_);
  return FitsLocked(library);
}

Result<void> VectorSearch::EmbedMissing(Library& library, const std::function<bool()>& go_on) {
  const std::scoped_lock lock(mutex_);
  (void)TRY(EmbedRest(library, *embedder_, [&go_on](std::int64_t) { return go_on(); }));
  return {};
}

Result<bool> VectorSearch::FitsLocked(Library& library) {
  const auto record = TRY(library.FindEmbedder());
  if (!record) return false;
  if (probe_.empty()) probe_ = TRY(EmbedProbe(*embedder_));
  return IsSame(probe_, *record);
}

// New chunks have higher ids than all before, so that what was added is read from the last one on;
// after a removal the count is another.
Result<void> VectorSearch::Refresh(Library& library) {
  const std::int64_t revision = TRY(library.VectorRevision());
  if (revision == revision_) return {};
  if (!TRY(FitsLocked(library))) {
    return Error(StatusCode::kInvalidInput,
                 "the library's vectors were made by another embedder than this one");
  }
  const auto add = [this](std::int64_t id, std::string_view encoded) { index_.Add(id, encoded); };
  TRY(library.ReadVectors(index_.last_id(), add));
  if (static_cast<std::int64_t>(index_.size()) != TRY(library.CountVectors())) {
    index_.Clear();
    TRY(library.ReadVectors(0, add));
  }
  revision_ = revision;
  return {};
}

Result<std::vector<float>> VectorSearch::Embed(std::string_view query) {
  const std::scoped_lock lock(mutex_);
  return EmbedOne(*embedder_, Joined(embedder_->query_prefix(), query));
}

Result<std::vector<VectorHit>> VectorSearch::Search(Library& library, std::span<const float> query,
                                                    std::size_t limit) {
  const std::scoped_lock lock(mutex_);
  TRY(Refresh(library));
  return index_.Search(query, limit);
}

Result<std::vector<std::optional<double>>> VectorSearch::Score(
    Library& library, std::span<const float> query, std::span<const std::int64_t> chunk_ids) {
  const std::scoped_lock lock(mutex_);
  const std::size_t bytes = EncodedBytes(query.size());
  std::vector<std::optional<double>> scores(chunk_ids.size());
  TRY(library.ReadSentenceVectors(chunk_ids, [&](std::size_t i, std::string_view sentences) {
    const std::optional<float> chunk = index_.Score(query, chunk_ids[i]);
    if (!chunk) return;
    float best = sentences.empty() ? *chunk : -1;
    for (; sentences.size() >= bytes; sentences.remove_prefix(bytes)) {
      best = std::max(best, DotProduct(query, sentences.substr(0, bytes)));
    }
    scores[i] = (*chunk + best) / 2;
  }));
  return scores;
}

}  // namespace kinglet
