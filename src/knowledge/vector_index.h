// SPDX-License-Identifier: Apache-2.0
// Vectors of 8 bits in memory, and the nearest of them to a query by a look at each: exact, and as
// fast as memory is read. Up to a million vectors a graph would save less than it costs to keep.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/ops.h"

namespace kinglet {

// A vector in bytes: its scale (f32, little-endian), then a code of -127..127 for each value, which
// is scale * code. A dot product is off by half a scale for each unit of the query's magnitudes at
// most: of lengths 1 and 384 values each, by 0.002 where all is for the worst.
std::string EncodeVector(std::span<const float> vector);
constexpr std::size_t EncodedBytes(std::size_t width) { return sizeof(float) + width; }
// Of a query that is not rounded with a vector that is. encoded: EncodedBytes(query.size()).
float DotProduct(std::span<const float> query, std::string_view encoded);

struct VectorHit {
  std::int64_t id = 0;
  float score = 0;  // dot product of the query, not rounded, and the vector as it is kept
};

// One caller at a time.
class VectorIndex {
 public:
  // width: values of a vector, at least 1 and at most kMaxCodes. thread_count: that a search uses.
  VectorIndex(std::size_t width, int thread_count);

  std::size_t width() const { return width_; }
  std::size_t size() const { return ids_.size(); }

  // id: greater than all before. encoded: EncodedBytes(width()).
  void Add(std::int64_t id, std::string_view encoded);
  void Clear();
  std::int64_t last_id() const { return ids_.empty() ? 0 : ids_.back(); }

  // The best first, of the same score the one with the lower id. query: width() values.
  std::vector<VectorHit> Search(std::span<const float> query, std::size_t limit);
  // Of one vector; unset where there is none with that id.
  std::optional<float> Score(std::span<const float> query, std::int64_t id) const;

 private:
  struct Candidate {
    float score;  // by rounded queries
    std::uint32_t row;
  };
  struct FreeAligned {
    void operator()(std::int8_t* codes) const;
  };

  static bool IsBetter(const Candidate& a, const Candidate& b);
  // The `limit` best of rows [begin, end), added to those in `best`.
  void Scan(std::span<const std::int8_t> query, std::size_t begin, std::size_t end,
            std::size_t limit, std::vector<Candidate>& best) const;
  const std::int8_t* Row(std::size_t row) const;

  std::size_t width_;
  std::size_t stride_;  // bytes of a row: width_ and zeros up to a multiple of 64
  const Ops& ops_;
  ThreadPool pool_;
  std::vector<std::unique_ptr<std::int8_t, FreeAligned>> blocks_;  // [kBlockRows][stride_] each
  std::vector<float> scales_;
  std::vector<std::int64_t> ids_;
};

}  // namespace kinglet
