// SPDX-License-Identifier: Apache-2.0
// Rounded queries find candidates, exact products put them in order.
#include "knowledge/vector_index.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <new>

#include "base/check.h"
#include "kernels/backend.h"
#include "kernels/scalar.h"

namespace kinglet {
namespace {

constexpr std::size_t kBlockRows = 4096;   // that are allocated, and scanned by a thread, at once
constexpr std::size_t kBatchRows = 256;    // whose sums are kept in the first cache
constexpr std::size_t kCodesPerLine = 64;  // that rows are padded to
constexpr std::size_t kOversampling = 4;   // candidates for each that is wanted
constexpr float kMaxCode = 127;

struct Rounded {
  float scale = 0;
  std::vector<std::int8_t> codes;  // zeros behind the values
};

Rounded Round(std::span<const float> vector, std::size_t padded) {
  float greatest = 0;
  for (const float value : vector) greatest = std::max(greatest, std::fabs(value));
  Rounded rounded{.scale = greatest / kMaxCode, .codes = std::vector<std::int8_t>(padded)};
  if (!(rounded.scale > 0) || !std::isfinite(rounded.scale)) return {.codes = rounded.codes};
  for (std::size_t i = 0; i < vector.size(); ++i) {
    const float code = std::nearbyint(vector[i] / rounded.scale);
    rounded.codes[i] = static_cast<std::int8_t>(std::clamp(code, -kMaxCode, kMaxCode));
  }
  return rounded;
}

float ScaleOf(std::string_view encoded) {
  float scale = 0;
  std::memcpy(&scale, encoded.data(), sizeof(scale));
  return scale;
}

const Ops& FastestOps() {
  const Result<const Ops*> ops = ChooseOps();
  return ops ? **ops : kScalarOps;
}

float ExactProduct(std::span<const float> query, const std::int8_t* codes, float scale) {
  float sum = 0;
  for (std::size_t i = 0; i < query.size(); ++i) sum += query[i] * static_cast<float>(codes[i]);
  return sum * scale;
}

}  // namespace

std::string EncodeVector(std::span<const float> vector) {
  const Rounded rounded = Round(vector, vector.size());
  std::string encoded(EncodedBytes(vector.size()), '\0');
  std::memcpy(encoded.data(), &rounded.scale, sizeof(float));
  std::memcpy(encoded.data() + sizeof(float), rounded.codes.data(), rounded.codes.size());
  return encoded;
}

float DotProduct(std::span<const float> query, std::string_view encoded) {
  KINGLET_CHECK(encoded.size() == EncodedBytes(query.size()), "a vector of another width");
  const auto* const codes = reinterpret_cast<const std::int8_t*>(encoded.data() + sizeof(float));
  return ExactProduct(query, codes, ScaleOf(encoded));
}

void VectorIndex::FreeAligned::operator()(std::int8_t* codes) const { std::free(codes); }

VectorIndex::VectorIndex(std::size_t width, int thread_count)
    : width_(width),
      stride_((width + kCodesPerLine - 1) / kCodesPerLine * kCodesPerLine),
      ops_(FastestOps()),
      pool_(thread_count) {
  KINGLET_CHECK(width > 0 && stride_ <= kMaxCodes, "vectors of {} values", width);
}

void VectorIndex::Add(std::int64_t id, std::string_view encoded) {
  KINGLET_CHECK(encoded.size() == EncodedBytes(width_), "a vector of another width");
  KINGLET_CHECK(ids_.empty() || id > ids_.back(), "vector {} behind {}", id, last_id());
  const std::size_t row = ids_.size();
  if (row % kBlockRows == 0) {
    const std::size_t bytes = kBlockRows * stride_;
    auto* const codes = static_cast<std::int8_t*>(std::aligned_alloc(kCodesPerLine, bytes));
    if (codes == nullptr) throw std::bad_alloc();
    std::memset(codes, 0, bytes);
    blocks_.emplace_back(codes);
  }
  std::memcpy(blocks_.back().get() + row % kBlockRows * stride_, encoded.data() + sizeof(float),
              width_);
  scales_.push_back(ScaleOf(encoded));
  ids_.push_back(id);
}

void VectorIndex::Clear() {
  blocks_.clear();
  scales_.clear();
  ids_.clear();
}

const std::int8_t* VectorIndex::Row(std::size_t row) const {
  return blocks_[row / kBlockRows].get() + row % kBlockRows * stride_;
}

bool VectorIndex::IsBetter(const Candidate& a, const Candidate& b) {
  return a.score != b.score ? a.score > b.score : a.row < b.row;
}

void VectorIndex::Scan(std::span<const std::int8_t> query, std::size_t begin, std::size_t end,
                       std::size_t limit, std::vector<Candidate>& best) const {
  // Kept to the best now and then, rather than in order at every step.
  const auto keep_best = [&] {
    const auto last = best.begin() + static_cast<std::ptrdiff_t>(limit);
    std::nth_element(best.begin(), last - 1, best.end(), IsBetter);
    best.erase(last, best.end());
  };
  float least = best.size() >= limit ? std::ranges::min(best, {}, &Candidate::score).score
                                     : -std::numeric_limits<float>::infinity();
  std::int32_t sums[kBatchRows];
  for (std::size_t row = begin; row < end; row += kBatchRows) {
    const std::size_t count = std::min(kBatchRows, end - row);
    ops_.dot_codes(query.data(), Row(row), static_cast<int>(stride_), static_cast<int>(count),
                   sums);
    for (std::size_t i = 0; i < count; ++i) {
      const float score = static_cast<float>(sums[i]) * scales_[row + i];
      if (score <= least) continue;
      best.push_back({score, static_cast<std::uint32_t>(row + i)});
      if (best.size() < 2 * limit) continue;
      keep_best();
      least = best[limit - 1].score;
    }
  }
  if (best.size() > limit) keep_best();
}

std::vector<VectorHit> VectorIndex::Search(std::span<const float> query, std::size_t limit) {
  KINGLET_CHECK(query.size() == width_, "a query of another width");
  std::vector<VectorHit> hits;
  if (limit == 0) return hits;
  const Rounded rounded = Round(query, stride_);
  const std::size_t wanted = std::min(limit * kOversampling, size());
  std::vector<std::vector<Candidate>> best(static_cast<std::size_t>(pool_.thread_count()));
  if (wanted > 0) {
    pool_.ParallelFor(size(), kBlockRows, [&](std::size_t begin, std::size_t end, int thread) {
      Scan(rounded.codes, begin, end, wanted, best[static_cast<std::size_t>(thread)]);
    });
  }
  // Which threads have found them must not matter.
  std::vector<Candidate> candidates;
  for (const auto& of_thread : best) {
    candidates.insert(candidates.end(), of_thread.begin(), of_thread.end());
  }
  std::ranges::sort(candidates, IsBetter);
  candidates.resize(std::min(candidates.size(), wanted));
  for (const Candidate& candidate : candidates) {
    hits.push_back(
        {ids_[candidate.row], ExactProduct(query, Row(candidate.row), scales_[candidate.row])});
  }
  std::ranges::sort(hits, [](const VectorHit& a, const VectorHit& b) {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
  });
  hits.resize(std::min(hits.size(), limit));
  return hits;
}

std::optional<float> VectorIndex::Score(std::span<const float> query, std::int64_t id) const {
  const auto found = std::ranges::lower_bound(ids_, id);
  if (found == ids_.end() || *found != id) return std::nullopt;
  const auto row = static_cast<std::size_t>(found - ids_.begin());
  return ExactProduct(query, Row(row), scales_[row]);
}

}  // namespace kinglet
