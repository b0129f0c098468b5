// SPDX-License-Identifier: Apache-2.0
// GGUF files: a sound one is read, and each thing that can be wrong with one is refused by name.
#include "tensor/gguf.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tensor/gguf_writer_for_test.h"

namespace kinglet {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

GgufForTest Sound() {
  GgufForTest file;
  file.Text("general.architecture", "llama").Uint32("a.count", 7);
  file.Texts("a.words", std::vector<std::string>{"one", "", "three"});
  file.Array<std::int32_t>("a.numbers", GgufType::kInt32, {-1, 2});
  file.F32("first", {8, 3}).F32("second", {16});
  return file;
}

std::span<const std::byte> AsBytes(const std::string& bytes) {
  return std::as_bytes(std::span(bytes));
}

std::string ErrorOf(const std::string& bytes) {
  const auto file = GgufFile::Parse(AsBytes(bytes));
  if (file) return "no error";
  EXPECT_EQ(file.error().code(), StatusCode::kInvalidInput);
  EXPECT_THAT(file.error().message(), Not(HasSubstr("\n")));
  return file.error().message();
}

TEST(Gguf, ReadsASoundFile) {
  const std::string bytes = Sound().Bytes();
  const GgufFile file = GgufFile::Parse(AsBytes(bytes)).value();
  EXPECT_EQ(file.version(), 3U);
  EXPECT_EQ(file.alignment(), 32U);
  EXPECT_EQ(file.file_bytes(), bytes.size());
  EXPECT_EQ(file.keys().size(), 4U);
  ASSERT_EQ(file.tensors().size(), 2U);
  const Tensor* first = file.FindTensor("first");
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(first->columns(), 8U);
  EXPECT_EQ(first->rows(), 3U);
  EXPECT_EQ(first->dtype, DType::kF32);
  EXPECT_EQ(first->data.size(), 96U);
  EXPECT_EQ(ShapeText(first->shape), "8 x 3");
  EXPECT_EQ(file.FindTensor("second")->rows(), 1U);
  EXPECT_EQ(file.FindTensor("third"), nullptr);
}

TEST(Gguf, ReadsVersion2AndAFileWithoutTensors) {
  GgufForTest file;
  file.version = 2;
  file.Text("general.architecture", "llama");
  EXPECT_TRUE(GgufFile::Parse(AsBytes(file.Header())));  // not even padded
}

TEST(Gguf, GivesValuesByType) {
  GgufForTest writer;
  writer.Key<std::uint8_t>("u8", GgufType::kUint8, 200).Key<std::int8_t>("i8", GgufType::kInt8, -3);
  writer.Key<std::uint16_t>("u16", GgufType::kUint16, 60000);
  writer.Key<std::int16_t>("i16", GgufType::kInt16, -300);
  writer.Key<std::uint64_t>("u64", GgufType::kUint64, 1ULL << 40);
  writer.Key<std::uint64_t>("beyond", GgufType::kUint64, 1ULL << 63);
  writer.Key<std::int64_t>("i64", GgufType::kInt64, -5).Key("f32", GgufType::kFloat32, 0.5F);
  writer.Key("f64", GgufType::kFloat64, 1e300).Key<std::uint8_t>("yes", GgufType::kBool, 1);
  writer.Array<float>("floats", GgufType::kFloat32, {1.5F, -2.0F});
  writer.Array<std::uint8_t>("bytes", GgufType::kUint8, {1, 255});
  writer.Array<std::uint8_t>("bools", GgufType::kBool, {1, 0});
  writer.Array<float>("none", GgufType::kFloat32, {});
  writer.Array<std::uint64_t>("far", GgufType::kUint64, {1ULL << 63});
  writer.Texts("words", std::vector<std::string>{"one", "", "t\xff"});
  const std::string bytes = writer.Bytes();
  const GgufFile file = GgufFile::Parse(AsBytes(bytes)).value();
  EXPECT_EQ(file.Require<std::int64_t>("u8"), 200);
  EXPECT_EQ(file.Require<std::int64_t>("i8"), -3);
  EXPECT_EQ(file.Require<std::int64_t>("u16"), 60000);
  EXPECT_EQ(file.Require<std::int64_t>("i16"), -300);
  EXPECT_EQ(file.Require<std::int64_t>("u64"), std::int64_t{1} << 40);
  EXPECT_FALSE(file.Require<std::int64_t>("beyond"));
  EXPECT_EQ(file.Require<std::int64_t>("i64"), -5);
  EXPECT_EQ(file.Require<double>("f32"), 0.5);
  EXPECT_EQ(file.Require<double>("f64"), 1e300);
  EXPECT_EQ(file.Require<bool>("yes"), true);
  EXPECT_THAT(file.Require<std::vector<float>>("floats").value(), ElementsAre(1.5F, -2.0F));
  EXPECT_THAT(file.Require<std::vector<std::uint8_t>>("bytes").value(), ElementsAre(1, 255));
  EXPECT_THAT(file.Require<std::vector<std::int64_t>>("bytes").value(), ElementsAre(1, 255));
  EXPECT_THAT(file.Require<std::vector<bool>>("bools").value(), ElementsAre(true, false));
  EXPECT_THAT(file.Require<std::vector<std::string_view>>("words").value(),
              ElementsAre("one", "", "t\xff"));
  EXPECT_TRUE(file.Require<std::vector<float>>("none").value().empty());
  EXPECT_FALSE(file.Require<std::vector<std::int64_t>>("none"));
  EXPECT_FALSE(file.Require<std::vector<std::int64_t>>("far"));
  EXPECT_EQ(file.Get<std::int64_t>("nowhere", 9), 9);
  EXPECT_EQ(file.Optional<bool>("nowhere").value(), std::nullopt);
}

TEST(Gguf, NamesTheKeyAndBothTypesWhereAValueIsOfAnother) {
  const std::string bytes = Sound().Bytes();
  const GgufFile file = GgufFile::Parse(AsBytes(bytes)).value();
  EXPECT_EQ(file.Require<std::int64_t>("general.architecture").error().message(),
            "key \"general.architecture\" is of type string, not an integer below 2^63");
  EXPECT_EQ(file.Require<std::string_view>("a.words").error().message(),
            "key \"a.words\" is of type array of 3 string, not a string");
  EXPECT_EQ(file.Get<bool>("a.count", true).error().message(),
            "key \"a.count\" is of type uint32, not a bool");
  EXPECT_EQ(file.Require<std::vector<float>>("a.count").error().message(),
            "key \"a.count\" is of type uint32, not an array of floats");
  EXPECT_EQ(file.Require<double>("b\n").error().message(), "key \"b\\x0A\" is missing");
}

struct Breakage {
  const char* what;
  std::function<void(GgufForTest&)> apply;
  const char* message;  // part of it
};

std::string LongValue(GgufType type, std::uint64_t count) {
  return ByteWriter().String("k").Number(GgufType::kArray).Number(type).Number(count).bytes();
}

const Breakage kBreakages[] = {
    {"magic", [](auto& f) { f.magic = "GGUX"; }, "begins with \"GGUX\""},
    {"hostile magic", [](auto& f) { f.magic = "\x1b[2J"; }, "begins with \"\\x1B[2J\""},
    {"version 1", [](auto& f) { f.version = 1; }, "version 1; versions 2 and 3"},
    {"version 77", [](auto& f) { f.version = 77; }, "version 77"},
    {"big-endian", [](auto& f) { f.version = 3U << 24; }, "version 3 in big-endian"},
    {"2^62 tensors", [](auto& f) { f.extra_tensors = 1LL << 62; }, "claims 46116860184273879"},
    {"2^62 keys", [](auto& f) { f.extra_keys = 1LL << 62; }, "keys, but its"},
    {"one tensor too many", [](auto& f) { f.extra_tensors = 1; }, "tensor 3 of 3"},
    {"key name of 2^62 bytes",
     [](auto& f) { f.keys.push_back(ByteWriter().Number(1ULL << 62).bytes()); },
     "key 5 of 5: the name is 4611686018427387904 bytes long"},
    {"string of 2^62 bytes",
     [](auto& f) {
       f.keys.push_back(
           ByteWriter().String("k").Number(GgufType::kString).Number(1ULL << 62).bytes());
     },
     "key \"k\": the string is 4611686018427387904 bytes long"},
    {"string past the end",
     [](auto& f) {
       f.keys.push_back(
           ByteWriter().String("k").Number(GgufType::kString).Number(std::uint64_t{5000}).bytes());
     },
     "key \"k\": the file ends at byte"},
    {"array of 2^62", [](auto& f) { f.keys.push_back(LongValue(GgufType::kString, 1ULL << 62)); },
     "key \"k\": an array claims 4611686018427387904 elements"},
    {"nested array", [](auto& f) { f.keys.push_back(LongValue(GgufType::kArray, 1)); },
     "key \"k\": an array of arrays is not supported (byte"},
    {"element type", [](auto& f) { f.keys.push_back(LongValue(GgufType{13}, 1)); },
     "key \"k\": array element type 13 does not exist (byte"},
    {"string in array past the end",
     [](auto& f) {
       f.keys.push_back(LongValue(GgufType::kString, 1) +
                        ByteWriter().Number(std::uint64_t{70000}).bytes());
     },
     "key \"k\": element 0: the file ends at byte"},
    {"value type", [](auto& f) { f.Uint32("k", 1).keys.back()[9] = 99; },
     "key \"k\": value type 99 does not exist (byte"},
    {"bool", [](auto& f) { f.template Key<std::uint8_t>("k", GgufType::kBool, 2); },
     "key \"k\": a bool is 2"},
    {"bool in array", [](auto& f) { f.template Array<std::uint8_t>("k", GgufType::kBool, {1, 3}); },
     "key \"k\": a bool is 3"},
    {"empty key", [](auto& f) { f.Uint32("", 1); }, "key 5 of 5: the name is empty"},
    {"key of 65536 bytes", [](auto& f) { f.Uint32(std::string(65536, 'k'), 1); },
     "the name is 65536 bytes long, more than the limit of 65535"},
    {"key not UTF-8", [](auto& f) { f.Uint32("k\xff", 1); }, "\"k\\xFF\" is not UTF-8"},
    {"two keys", [](auto& f) { f.Uint32("a.count", 1); }, "two keys are named \"a.count\""},
    {"alignment 0", [](auto& f) { f.Uint32("general.alignment", 0); },
     "\"general.alignment\" is 0, not a power of two"},
    {"alignment 48", [](auto& f) { f.Uint32("general.alignment", 48); }, "is 48, not a power"},
    {"alignment 2^31", [](auto& f) { f.Uint32("general.alignment", 1U << 31); }, "2147483648"},
    {"alignment text", [](auto& f) { f.Text("general.alignment", "32"); },
     "\"general.alignment\" is string, not an integer"},
    {"split", [](auto& f) { f.template Key<std::uint16_t>("split.count", GgufType::kUint16, 3); },
     "split into 3"},
    {"no dimension", [](auto& f) { f.Find("first").shape = {}; },
     "tensor \"first\": 0 dimensions; 1 to 4 are possible"},
    {"nine dimensions", [](auto& f) { f.Find("first").shape.resize(9, 1); },
     "tensor \"first\": 9 dimensions"},
    {"dimension 0", [](auto& f) { f.Find("first").shape = {16, 0}; },
     "tensor \"first\": the shape 16 x 0 has a dimension of 0"},
    {"dimensions overflow", [](auto& f) { f.Find("first").shape = {1ULL << 33, 1ULL << 33}; },
     "tensor \"first\": the shape 8589934592 x 8589934592 holds 2^63 values or more"},
    {"bytes overflow", [](auto& f) { f.Find("first").shape = {1ULL << 62}; },
     "tensor \"first\": the shape 4611686018427387904 takes 2^64 bytes or more"},
    {"type 250", [](auto& f) { f.Find("first").dtype = 250; },
     "tensor \"first\": type 250 is unknown (byte"},
    {"type 4", [](auto& f) { f.Find("first").dtype = 4; },
     "tensor \"first\": type 4 (Q4_2) was removed"},
    {"part of a block", [](auto& f) { f.Find("first").dtype = 12; },
     "tensor \"first\": rows of 8 values are no whole number of Q4_K blocks of 256"},
    {"tensor name too long", [](auto& f) { f.Find("first").name.assign(65, 'n'); },
     "tensor 1 of 2: the name is 65 bytes long, more than the limit of 64"},
    {"tensor without name", [](auto& f) { f.Find("first").name = ""; }, "the name is empty"},
    {"tensor name moves the cursor",
     [](auto& f) {
       f.Find("first").name = "\x1b[2J";
       f.Find("\x1b[2J").dtype = 99;
     },
     "tensor \"\\x1B[2J\": type 99"},
    {"two tensors", [](auto& f) { f.Find("second").name = "first"; },
     "two tensors are named \"first\""},
    {"offset past the end", [](auto& f) { f.Find("second").offset = 1 << 20; },
     "tensor \"second\": its offset 1048576 is past the end of the 160 bytes of data"},
    {"offset wraps", [](auto& f) { f.Find("second").offset = 0ULL - 32; },
     "tensor \"second\": its offset 18446744073709551584 is past the end"},
    {"offset misaligned", [](auto& f) { f.Find("second").offset = 7; },
     "tensor \"second\": its offset 7 is no multiple of 32"},
    {"overlap", [](auto& f) { f.Find("second").offset = 64; },
     "tensors \"first\" and \"second\" overlap at offset 64"},
    {"same place", [](auto& f) { f.Find("second").offset = 0; },
     "tensors \"first\" and \"second\" overlap at offset 0"},
    {"data cut", [](auto& f) { f.data.resize(f.data.size() - 1); },
     "tensor \"second\": its 64 bytes begin at byte"},
};

TEST(Gguf, RefusesEachThingThatIsWrong) {
  for (const Breakage& breakage : kBreakages) {
    GgufForTest file = Sound();
    breakage.apply(file);
    EXPECT_THAT(ErrorOf(file.Bytes()), HasSubstr(breakage.message)) << breakage.what;
  }
}

TEST(Gguf, RefusesAFileCutAnywhere) {
  const std::string bytes = Sound().Bytes();
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_NE(ErrorOf(bytes.substr(0, size)), "no error") << size;
  }
  EXPECT_EQ(ErrorOf(""), "the file is empty");
  EXPECT_THAT(ErrorOf("GG"), HasSubstr("begins with \"GG\""));
  EXPECT_THAT(ErrorOf(bytes.substr(0, 13)), HasSubstr("within the tensor count"));
  EXPECT_THAT(ErrorOf(bytes.substr(0, bytes.size() - 100)),
              HasSubstr("tensor \"first\": its 96 bytes begin at byte"));
}

TEST(Gguf, SurvivesEachByteChanged) {
  const std::string sound = Sound().Bytes();
  for (std::size_t at = 0; at < Sound().Header().size(); ++at) {
    for (const char value : {'\x00', '\x01', '\x7f', '\xff'}) {
      std::string bytes = sound;
      bytes[at] = value;
      const auto file = GgufFile::Parse(AsBytes(bytes));
      if (!file) continue;
      for (const GgufKey& key : file->keys()) {
        static_cast<void>(key.value.As<std::vector<std::string_view>>());
        static_cast<void>(key.value.As<std::vector<std::int64_t>>());
      }
    }
  }
}

// A folder of its own, removed at the end.
class SplitGguf : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "kinglet-split-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static GgufForTest Part(std::uint16_t index, std::uint16_t count, std::int32_t tensors) {
    GgufForTest part;
    part.Key("split.no", GgufType::kUint16, index).Key("split.count", GgufType::kUint16, count);
    part.Key("split.tensors.count", GgufType::kInt32, tensors);
    return part;
  }
  std::filesystem::path Write(const std::string& name, const std::string& bytes) {
    std::ofstream(folder_ / name, std::ios::binary) << bytes;
    return folder_ / name;
  }
  std::string OpenError(const std::filesystem::path& path) {
    const auto file = GgufFile::Open(path);
    return file ? "no error" : file.error().message();
  }

  std::filesystem::path folder_;
};

TEST_F(SplitGguf, OpensAllParts) {
  const auto first =
      Write("m-00001-of-00003.gguf", Part(0, 3, 2).Text("general.architecture", "llama").Bytes());
  Write("m-00002-of-00003.gguf", Part(1, 3, 2).F32("a", {8}, 1.0F).Bytes());
  const std::string last = Part(2, 3, 2).F32("b", {4, 2}, 2.0F).Bytes();
  Write("m-00003-of-00003.gguf", last);
  GgufFile file = GgufFile::Open(first).value();
  const GgufFile moved = std::move(file);
  EXPECT_EQ(moved.part_count(), 3U);
  EXPECT_EQ(moved.Require<std::string_view>("general.architecture"), "llama");
  ASSERT_NE(moved.FindTensor("b"), nullptr);
  float value = 0;
  std::memcpy(&value, moved.FindTensor("b")->data.data(), sizeof value);
  EXPECT_EQ(value, 2.0F);
}

TEST_F(SplitGguf, NamesWhatIsWrongWithTheParts) {
  const auto first = Write("m-00001-of-00002.gguf", Part(0, 2, 2).F32("a", {8}).Bytes());
  const std::string second_name = "m-00002-of-00002.gguf";
  EXPECT_THAT(OpenError(first),
              HasSubstr("part 2 of 2 is missing: " + (folder_ / second_name).string()));

  const auto second = Write(second_name, Part(1, 2, 2).F32("a", {8}).Bytes());
  EXPECT_THAT(OpenError(first), HasSubstr("two tensors are named \"a\""));
  EXPECT_THAT(OpenError(second), HasSubstr("part 2 of 2: open the first, m-00001-of-00002.gguf"));

  Write(second_name, Part(1, 2, 2).Bytes());
  EXPECT_THAT(OpenError(first), HasSubstr("\"split.tensors.count\" is 2, but the parts hold 1"));
  Write(second_name, Part(0, 2, 2).Bytes());
  EXPECT_THAT(OpenError(first), HasSubstr(second_name + ": keys \"split.no\" 0"));
  Write(second_name, "GGUX");
  EXPECT_THAT(OpenError(first), HasSubstr(second_name + ": not a GGUF file"));

  EXPECT_THAT(OpenError(Write("m.gguf", Part(0, 2, 1).Bytes())),
              HasSubstr("its name does not end in -00001-of-00002.gguf"));
  EXPECT_THAT(OpenError(Write("n.gguf", Part(2, 2, 1).Bytes())), HasSubstr("name no part"));
}

TEST_F(SplitGguf, ReportsAMissingFileAsNotFound) {
  EXPECT_EQ(GgufFile::Open(folder_ / "none.gguf").error().code(), StatusCode::kNotFound);
}

}  // namespace
}  // namespace kinglet
