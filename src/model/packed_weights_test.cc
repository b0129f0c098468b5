// SPDX-License-Identifier: Apache-2.0
// Float matrices that are rounded while they are packed are those of a file of Q8_0.
#include "model/packed_weights.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "kernels/panels.h"
#include "kernels/round_row.h"
#include "tensor/gguf_writer_for_test.h"

namespace kinglet {
namespace {

// A matrix whose last panel is not full, and one whose rows are no whole blocks.
std::string FileBytes() {
  GgufForTest file;
  file.Text("general.architecture", "test");
  file.F32("a.weight", {64, 21}).F32("b.weight", {48, 16});
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  for (std::size_t at = 0; at + 4 <= file.data.size(); at += 4) {
    const float value = normal(random);
    std::memcpy(&file.data[at], &value, sizeof(value));
  }
  return file.Bytes();
}

TEST(PackedWeightsTest, RoundsFloatsWhereTheirRowsAreWholeBlocks) {
  const std::string bytes = FileBytes();
  const GgufFile file = GgufFile::Parse(std::as_bytes(std::span(bytes))).value();
  const Tensor& a = *file.FindTensor("a.weight");
  const Tensor& b = *file.FindTensor("b.weight");
  ThreadPool pool(2);
  const auto packed = PackedWeights::InMemory(
      file, PlanPacking(std::vector{&a, &b}, FloatMatrices::kRounded), pool);
  ASSERT_TRUE(packed.has_value());
  EXPECT_EQ(packed->Find(b)->dtype, DType::kF32);
  ASSERT_EQ(packed->Find(a)->dtype, DType::kQ8_0);

  const std::size_t row_bytes = 2 * Info(DType::kQ8_0).block_bytes;
  std::vector<std::uint8_t> rows(21 * row_bytes);
  const auto* floats = reinterpret_cast<const std::uint8_t*>(a.data.data());
  for (std::size_t row = 0; row < 21; ++row) {
    RoundRow(DType::kF32, floats + row * 64 * sizeof(float), 64, &rows[row * row_bytes]);
  }
  std::vector<std::uint8_t> panels(2 * PanelBytes(DType::kQ8_0, 64));
  PackPanel(DType::kQ8_0, rows.data(), row_bytes, 16, 64, panels.data());
  PackPanel(DType::kQ8_0, &rows[16 * row_bytes], row_bytes, 5, 64, &panels[panels.size() / 2]);
  ASSERT_EQ(packed->Find(a)->bytes(), panels.size());
  EXPECT_TRUE(std::ranges::equal(panels, std::span(packed->data(*packed->Find(a)), panels.size())));
}

}  // namespace
}  // namespace kinglet
