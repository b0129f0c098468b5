// SPDX-License-Identifier: Apache-2.0
// How attention's work is cut: into tiles of rows that share a head of keys and values, and tiles,
// where there are few of them, into the segments of positions that they see.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "kernels/ops.h"
#include "model/config.h"

namespace kinglet {

struct Step;

// Which keys a query sees.
struct AttentionSpan {
  std::size_t window = 0;  // the last so many up to its own; 0: all of them
  bool causal = true;      // false: an encoder, where each token sees the whole sequence
};

// Some rows of one sequence. Row r is token r / group of the run and query head r % group of those
// that share a head of keys and values.
struct AttentionTile {
  std::size_t run = 0;
  std::size_t first_row = 0;
  std::size_t row_count = 0;  // 1..kAttendRows
  std::size_t first_segment = 0;
  std::size_t segment_count = 0;  // that any of the rows sees
  std::size_t first_partial = 0;  // its rows in `partials` begin here, where the tiles are split
};

// Memory for all of it, taken when a model is loaded.
class AttentionBuffers {
 public:
  AttentionBuffers(const ModelConfig& config, const KvBlockLayout& layout,
                   std::size_t context_tokens, int thread_count);

  struct OfThread {
    float* scratch = nullptr;  // [AttendScratchFloats]
    float* partial = nullptr;  // [kAttendRows][PartialFloats]
    float* state = nullptr;    // [kAttendRows][PartialFloats]
  };
  OfThread Thread(int thread);

  std::size_t max_partials() const { return max_partials_; }
  float* partials() const { return partials_.get(); }
  std::vector<AttentionTile>& tiles() { return tiles_; }

 private:
  static constexpr std::size_t kLineFloats = 16;
  struct alignas(64) Line {  // of the cache
    float values[kLineFloats];
  };

  KvBlockLayout layout_;
  std::vector<AttentionTile> tiles_;
  std::size_t thread_lines_;
  std::size_t max_partials_;           // rows
  std::vector<Line> of_threads_;       // [threads][thread_lines]
  std::unique_ptr<float[]> partials_;  // [max_partials][PartialFloats], backed as it is used
};

// mixed = for each query head, values weighted by softmax(attention_scale * query . key).
void MixValues(Step& step, std::size_t layer, const AttentionSpan& span);

}  // namespace kinglet
