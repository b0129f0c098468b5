// SPDX-License-Identifier: Apache-2.0
// A row's partial results are merged in the order of positions, by the thread that walks along its
// segments or, where threads share these, by one at the end: the same bits either way.
#include "model/attention.h"

#include <algorithm>

#include "model/step.h"

namespace kinglet {
namespace {

int Int(std::size_t n) { return static_cast<int>(n); }

// With fewer tasks than this a thread, tiles are split, so that no thread waits long for another.
constexpr std::size_t kTasksAThread = 4;

// Partial results that can wait at once: of so many tokens that see so many positions.
constexpr std::size_t kSplitTokens = 4;
constexpr std::size_t kSplitPositions = 131072;

constexpr std::size_t Segments(std::size_t positions) {
  return (positions + kSegmentTokens - 1) / kSegmentTokens;
}

// One layer's attention of one step.
class LayerAttention {
 public:
  LayerAttention(Step& step, std::size_t layer, const AttentionSpan& span)
      : step_(step),
        layer_(layer),
        span_(span),
        buffers_(step.buffers.attention),
        tiles_(buffers_.tiles()),
        stride_(PartialFloats(step.pages.layout())),
        kv_heads_(step.config.kv_head_count),
        group_(step.config.head_count / kv_heads_) {
    CutTiles();
  }

  void Run() {
    if (!Splits()) {
      ForEach(tiles_.size(), [&](const AttentionTile& tile, std::size_t kv_head, std::size_t,
                                 int thread) { WalkTile(tile, kv_head, thread); });
      return;
    }
    ForEach(units_,
            [&](const AttentionTile& tile, std::size_t kv_head, std::size_t segment, int thread) {
              AttendSegment(tile, kv_head, segment, thread, Partials(tile, kv_head, segment));
            });
    ForEach(tiles_.size(), [&](const AttentionTile& tile, std::size_t kv_head, std::size_t,
                               int thread) { MergeTile(tile, kv_head, thread); });
  }

 private:
  void CutTiles() {
    tiles_.clear();
    for (std::size_t run = 0; run < step_.runs.size(); ++run) {
      const std::size_t rows = step_.runs[run].count * group_;
      for (std::size_t row = 0; row < rows; row += kAttendRows) {
        AttentionTile tile;
        tile.run = run;
        tile.first_row = row;
        tile.row_count = std::min<std::size_t>(kAttendRows, rows - row);
        const KeyRange first = Visible(tile, 0);
        const KeyRange last = Visible(tile, tile.row_count - 1);
        tile.first_segment = static_cast<std::size_t>(first.begin) / kSegmentTokens;
        tile.segment_count = Segments(static_cast<std::size_t>(last.end)) - tile.first_segment;
        tiles_.push_back(tile);
      }
    }
    // The longest first, so that no thread ends on one.
    std::ranges::sort(tiles_, std::ranges::greater(), &AttentionTile::segment_count);
    for (AttentionTile& tile : tiles_) {
      tile.first_partial = partials_;
      partials_ += tile.row_count * tile.segment_count * kv_heads_;
      units_ += tile.segment_count;
    }
  }

  // Whether threads share a tile's segments.
  bool Splits() const {
    const auto threads = static_cast<std::size_t>(step_.pool.thread_count());
    return threads > 1 && tiles_.size() * kv_heads_ < kTasksAThread * threads &&
           units_ > tiles_.size() && partials_ <= buffers_.max_partials();
  }

  // work(tile, kv_head, segment, thread) for each KV head of each tile, where there are as many
  // units as tiles, or else of each segment of each tile.
  template <typename Work>
  void ForEach(std::size_t units, Work&& work) {
    const auto one = [&](std::size_t unit, std::size_t kv_head, int thread) {
      if (units == tiles_.size()) return work(tiles_[unit], kv_head, 0, thread);
      const AttentionTile* tile = tiles_.data();
      for (; unit >= tile->segment_count; ++tile) unit -= tile->segment_count;
      work(*tile, kv_head, unit, thread);
    };
    step_.pool.ParallelFor(units * kv_heads_, 1,
                           [&](std::size_t begin, std::size_t end, int thread) {
                             for (std::size_t i = begin; i < end; ++i) {
                               one(i / kv_heads_, i % kv_heads_, thread);
                             }
                           });
  }

  KeyRange Visible(const AttentionTile& tile, std::size_t row) const {
    const SequenceRun& run = step_.runs[tile.run];
    const std::size_t token = (tile.first_row + row) / group_;
    const std::size_t end = run.first_position + (span_.causal ? token + 1 : run.count);
    const std::size_t begin = span_.window > 0 && end > span_.window ? end - span_.window : 0;
    return {Int(begin), Int(end)};
  }
  static bool Sees(const AttendRow& row, std::size_t segment) {
    const int first = Int(segment) * kSegmentTokens;
    return row.begin < first + kSegmentTokens && row.end > first;
  }

  // Of a query, and of the place where its mix goes: [head_dim] in [T][H * d].
  std::size_t RowOffset(const AttentionTile& tile, std::size_t kv_head, std::size_t row) const {
    const std::size_t r = tile.first_row + row;
    const std::size_t token = step_.runs[tile.run].first_token + r / group_;
    const std::size_t head = kv_head * group_ + r % group_;
    return token * step_.config.query_width() + head * step_.config.head_dim;
  }

  void FillRows(const AttentionTile& tile, std::size_t kv_head, AttendRow* rows) const {
    for (std::size_t r = 0; r < tile.row_count; ++r) {
      const KeyRange visible = Visible(tile, r);
      rows[r] = {&step_.buffers.queries[RowOffset(tile, kv_head, r)], visible.begin, visible.end};
    }
  }

  // The partial results of the tile's rows in its segment number `segment`, from 0.
  float* Partials(const AttentionTile& tile, std::size_t kv_head, std::size_t segment) const {
    const std::size_t row =
        tile.first_partial + (kv_head * tile.segment_count + segment) * tile.row_count;
    return buffers_.partials() + row * stride_;
  }

  void AttendSegment(const AttentionTile& tile, std::size_t kv_head, std::size_t segment,
                     int thread, float* partials) const {
    AttendRow rows[kAttendRows];
    FillRows(tile, kv_head, rows);
    AttendRows(tile, kv_head, segment, thread, rows, partials);
  }

  void AttendRows(const AttentionTile& tile, std::size_t kv_head, std::size_t segment, int thread,
                  const AttendRow* rows, float* partials) const {
    const std::size_t position = (tile.first_segment + segment) * kSegmentTokens;
    const std::span<std::uint8_t* const> pages = step_.runs[tile.run].sequence->pages();
    AttendArgs args;
    args.layout = &step_.pages.layout();
    args.rows = rows;
    args.count = Int(tile.row_count);
    args.first_position = Int(position);
    for (std::size_t i = 0; i < kSegmentPages; ++i) {
      const std::size_t page = position / kPageTokens + i;
      if (page >= pages.size()) break;
      args.blocks[i] = pages[page] + step_.pages.BlockOffset(layer_, kv_head);
    }
    args.scale = static_cast<float>(step_.config.attention_scale);
    args.scratch = buffers_.Thread(thread).scratch;
    args.out = partials;
    step_.ops.attend(args);
  }

  // One thread goes along all segments.
  void WalkTile(const AttentionTile& tile, std::size_t kv_head, int thread) const {
    AttendRow rows[kAttendRows];
    FillRows(tile, kv_head, rows);
    float* const partials = buffers_.Thread(thread).partial;
    for (std::size_t segment = 0; segment < tile.segment_count; ++segment) {
      AttendRows(tile, kv_head, segment, thread, rows, partials);
      MergeSegment(tile, segment, rows, partials, thread);
    }
    Finish(tile, kv_head, thread);
  }

  // One thread merges what several have found.
  void MergeTile(const AttentionTile& tile, std::size_t kv_head, int thread) const {
    AttendRow rows[kAttendRows];
    FillRows(tile, kv_head, rows);
    for (std::size_t segment = 0; segment < tile.segment_count; ++segment) {
      MergeSegment(tile, segment, rows, Partials(tile, kv_head, segment), thread);
    }
    Finish(tile, kv_head, thread);
  }

  void MergeSegment(const AttentionTile& tile, std::size_t segment, const AttendRow* rows,
                    const float* partials, int thread) const {
    float* state = buffers_.Thread(thread).state;
    const int value_stride = step_.pages.layout().value_stride;
    const std::size_t at = tile.first_segment + segment;
    for (std::size_t r = 0; r < tile.row_count; ++r, partials += stride_, state += stride_) {
      if (!Sees(rows[r], at)) continue;
      if (static_cast<std::size_t>(rows[r].begin) / kSegmentTokens == at) {
        std::copy_n(partials, stride_, state);
      } else {
        step_.ops.merge_partial(partials, value_stride, state);
      }
    }
  }

  void Finish(const AttentionTile& tile, std::size_t kv_head, int thread) const {
    const float* state = buffers_.Thread(thread).state;
    const std::size_t dims = step_.config.head_dim;
    for (std::size_t r = 0; r < tile.row_count; ++r, state += stride_) {
      const float inverse = 1 / state[step_.pages.layout().value_stride + 1];
      float* out = step_.buffers.mixed.row(0) + RowOffset(tile, kv_head, r);
      for (std::size_t d = 0; d < dims; ++d) out[d] = state[d] * inverse;
    }
  }

  Step& step_;
  std::size_t layer_;
  const AttentionSpan& span_;
  AttentionBuffers& buffers_;
  std::vector<AttentionTile>& tiles_;
  std::size_t stride_;  // floats of a partial result
  std::size_t kv_heads_;
  std::size_t group_;         // query heads that share a KV head
  std::size_t units_ = 0;     // segments of all tiles
  std::size_t partials_ = 0;  // rows that they leave
};

}  // namespace

AttentionBuffers::AttentionBuffers(const ModelConfig& config, const KvBlockLayout& layout,
                                   std::size_t context_tokens, int thread_count)
    : layout_(layout),
      thread_lines_((AttendScratchFloats(layout) + 2 * kAttendRows * PartialFloats(layout)) /
                    kLineFloats),
      max_partials_(config.head_count * kSplitTokens *
                    Segments(std::min(context_tokens, kSplitPositions))),
      of_threads_(static_cast<std::size_t>(thread_count) * thread_lines_),
      partials_(std::make_unique_for_overwrite<float[]>(max_partials_ * PartialFloats(layout))) {
  const std::size_t group = config.head_count / config.kv_head_count;
  tiles_.reserve(kStepTokens * (group / kAttendRows + 2));
}

AttentionBuffers::OfThread AttentionBuffers::Thread(int thread) {
  OfThread of;
  of.scratch = of_threads_[static_cast<std::size_t>(thread) * thread_lines_].values;
  of.partial = of.scratch + AttendScratchFloats(layout_);
  of.state = of.partial + kAttendRows * PartialFloats(layout_);
  return of;
}

void MixValues(Step& step, std::size_t layer, const AttentionSpan& span) {
  LayerAttention(step, layer, span).Run();
}

}  // namespace kinglet
