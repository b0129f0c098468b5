// SPDX-License-Identifier: Apache-2.0
// Safetensors files: a sound one is read, and what is wrong with others is named.
#include "tensor/safetensors.h"

#include <cstdlib>
#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tensor/gguf_writer_for_test.h"

namespace kinglet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string FileOf(std::string_view header, std::string_view data) {
  return ByteWriter().String(header).Raw(data).bytes();
}

std::span<const std::byte> AsBytes(const std::string& bytes) {
  return std::as_bytes(std::span(bytes));
}

std::string ErrorOf(const std::string& bytes) {
  const auto file = SafetensorsFile::Parse(AsBytes(bytes));
  if (file) return "no error";
  EXPECT_EQ(file.error().code(), StatusCode::kInvalidInput);
  return file.error().message();
}

const std::string kData = ByteWriter()
                              .Number(1.0F)
                              .Number(2.0F)
                              .Number(3.0F)
                              .Number(4.0F)
                              .Number(5.0F)
                              .Number(6.0F)
                              .Number(std::int32_t{-7})
                              .bytes();

constexpr std::string_view kHeader =
    R"({"__metadata__":{"by":"test"},
        "wide":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},
        "one":{"dtype":"I32","shape":[],"data_offsets":[24,28]}})";

TEST(Safetensors, ReadsASoundFile) {
  const std::string bytes = FileOf(kHeader, kData);
  SafetensorsFile parsed = SafetensorsFile::Parse(AsBytes(bytes)).value();
  const SafetensorsFile file = std::move(parsed);  // names and data stay where they are
  ASSERT_EQ(file.tensors().size(), 2U);
  EXPECT_EQ(file.tensors()[0].name, "one");
  const Tensor* wide = file.FindTensor("wide");
  ASSERT_NE(wide, nullptr);
  EXPECT_EQ(wide->columns(), 3U);
  EXPECT_EQ(wide->rows(), 2U);
  EXPECT_THAT(file.Floats("wide", std::vector<std::uint64_t>{3, 2}).value(),
              ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(file.Int32s("one", std::vector<std::uint64_t>{1}).value(), ElementsAre(-7));
  EXPECT_EQ(file.FindTensor("two"), nullptr);
}

TEST(Safetensors, NamesTheTensorThatIsNotWhatWasAskedFor) {
  const std::string bytes = FileOf(kHeader, kData);
  const SafetensorsFile file = SafetensorsFile::Parse(AsBytes(bytes)).value();
  const std::vector<std::uint64_t> shape = {2, 3};
  EXPECT_EQ(file.Floats("two", shape).error().message(), "tensor \"two\" is missing");
  EXPECT_EQ(file.Floats("wide", shape).error().message(),
            "tensor \"wide\" is F32 3 x 2, not F32 2 x 3");
  EXPECT_EQ(file.Int32s("wide", shape).error().message(),
            "tensor \"wide\" is F32 3 x 2, not I32 2 x 3");
}

TEST(Safetensors, RefusesEachThingThatIsWrong) {
  const auto one = [](std::string_view description) {
    return ErrorOf(FileOf(fmt::format("{{\"t\\n\":{}}}", description), std::string(8, '\0')));
  };
  EXPECT_EQ(one(R"({"dtype":"F32","shape":[2],"data_offsets":[0,8]})"), "no error");
  const std::pair<const char*, const char*> kCases[] = {
      {"7", "tensor \"t\\x0A\": dtype is missing"},
      {R"({"dtype":"F9","shape":[2],"data_offsets":[0,8]})", "dtype \"F9\" is not supported"},
      {R"({"dtype":"F32","shape":2,"data_offsets":[0,8]})", "shape is missing or no array"},
      {R"({"dtype":"F32","shape":[-2],"data_offsets":[0,8]})", "shape holds something else"},
      {R"({"dtype":"F32","shape":[2.0],"data_offsets":[0,8]})", "shape holds something else"},
      {R"({"dtype":"F32","shape":[0],"data_offsets":[0,0]})", "a dimension of 0"},
      {R"({"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]})", "too large"},
      {R"({"dtype":"F32","shape":[1,1,1,1,2],"data_offsets":[0,8]})", "5 dimensions"},
      {R"({"dtype":"F32","shape":[2],"data_offsets":[0,9]})", "do not lie in 8 bytes"},
      {R"({"dtype":"F32","shape":[2],"data_offsets":[8,0]})", "do not lie in 8 bytes"},
      {R"({"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615]})", "do not lie"},
      {R"({"dtype":"F32","shape":[2],"data_offsets":[0]})", "do not lie"},
      {R"({"dtype":"F32","shape":[1],"data_offsets":[0,8]})",
       "span 8 bytes, but the shape takes 4"},
      {R"({"dtype":"F32","shape":[1],"data_offsets":[4,8]})",
       "begins at byte 4 of the data, not at 0"},
      {R"({"dtype":"F32","shape":[1],"data_offsets":[0,4]})", "4 bytes of data follow"},
  };
  for (const auto& [description, message] : kCases) {
    EXPECT_THAT(one(description), HasSubstr(message)) << description;
  }
  EXPECT_THAT(ErrorOf(FileOf(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
                                 "b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})",
                             std::string(12, '\0'))),
              HasSubstr("tensor \"b\" begins at byte 4 of the data, not at 8"));
  EXPECT_THAT(ErrorOf(FileOf("[]", "")), HasSubstr("no JSON object"));
  EXPECT_THAT(ErrorOf(FileOf("{", "")), HasSubstr("the header: not JSON"));
  EXPECT_THAT(ErrorOf(ByteWriter().Number(~std::uint64_t{0}).bytes()), HasSubstr("claims"));
}

TEST(Safetensors, RefusesAFileCutAnywhere) {
  const std::string bytes = FileOf(kHeader, kData);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_NE(ErrorOf(bytes.substr(0, size)), "no error") << size;
  }
}

TEST(Safetensors, OpensAllGoldens) {
  const char* shared = std::getenv("KINGLET_SHARED");
  if (shared == nullptr) GTEST_SKIP() << "KINGLET_SHARED is not set";
  int count = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(
           std::filesystem::path(shared) / "data" / "goldens")) {
    if (entry.path().extension() != ".safetensors") continue;
    const auto file = SafetensorsFile::Open(entry.path());
    EXPECT_TRUE(file) << file.error().message();
    ++count;
  }
  EXPECT_GT(count, 0);
}

}  // namespace
}  // namespace kinglet
