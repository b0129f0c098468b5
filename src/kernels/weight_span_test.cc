// SPDX-License-Identifier: Apache-2.0
// What blocks mean, against an independent reader of the format.
#include "kernels/weight_span.h"

#include <cmath>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/file.h"
#include "base/json.h"
#include "kernels/scalar.h"

namespace kinglet {
namespace {

std::vector<std::uint8_t> FromHex(std::string_view hex) {
  std::vector<std::uint8_t> bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(
        static_cast<std::uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return bytes;
}

TEST(WeightSpanTest, BlocksHoldTheNumbersThatAnotherReaderFinds) {
  const auto text = ReadFile(KINGLET_TEST_DATA "/quantised_blocks.json", std::size_t{1} << 20);
  ASSERT_TRUE(text.has_value());
  const auto types = ParseJson(*text);
  ASSERT_TRUE(types.has_value());
  int checked = 0;
  for (const DTypeInfo& info : AllDTypes()) {
    const json::value* type = Find(*types, info.name);
    if (type == nullptr) continue;
    const std::vector<std::uint8_t> bytes = FromHex(type->at("bytes").as_string());
    const json::array& expected = type->at("values").as_array();
    ASSERT_EQ(bytes.size() / info.block_bytes * info.block_values, expected.size());
    std::vector<float> values(expected.size());
    DequantiseRow(info.dtype, bytes.data(), static_cast<int>(values.size()), values.data());
    for (std::size_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(values[i], static_cast<float>(expected[i].to_number<double>()))
          << info.name << " " << i;
    }
    ++checked;
  }
  EXPECT_EQ(checked, 22);
}

}  // namespace
}  // namespace kinglet
