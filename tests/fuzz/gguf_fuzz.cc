// SPDX-License-Identifier: Apache-2.0
// A GGUF file of a stranger: opened, and read as far as a model's config, tensors and vocabulary.
// An input with a second magic in it is two parts of a split file, which begin at the magics.
// Covers: src/tensor/gguf.cc src/tensor/gguf_reader.cc src/tensor/gguf_value.cc
// Covers: src/model/config.cc src/model/tensors.cc src/model/vocabulary_from_gguf.cc
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/display.h"
#include "model/config.h"
#include "model/tensors.h"
#include "model/vocabulary_from_gguf.h"
#include "tensor/gguf.h"

namespace kinglet {
namespace {

void CheckMessage(const Status& status) {
  KINGLET_CHECK(EscapeForDisplay(status.message()) == status.message(), "{}", status.message());
  KINGLET_CHECK(status.code() == StatusCode::kInvalidInput, "{}", status.message());
}

// Reads each byte that a value or a tensor claims.
void ReadAll(const GgufFile& file) {
  std::size_t sum = 0;
  for (const GgufKey& key : file.keys()) {
    const GgufValue& value = key.value;
    sum += key.name.size() + value.TypeName().size();
    sum += value.As<bool>().has_value() + value.As<std::int64_t>().has_value();
    sum += value.As<double>().has_value();
    sum += std::string(value.As<std::string_view>().value_or("")).size();
    sum += value.As<std::vector<bool>>().has_value();
    sum += value.As<std::vector<std::uint8_t>>().has_value();
    sum += value.As<std::vector<std::int64_t>>().has_value();
    sum += value.As<std::vector<float>>().has_value();
    if (const auto texts = value.As<std::vector<std::string_view>>()) {
      for (const std::string_view text : *texts) sum += std::string(text).size();
    }
    KINGLET_CHECK(file.Find(key.name) == &value, "{}", EscapeForDisplay(key.name));
  }
  for (const Tensor& tensor : file.tensors()) {
    for (const std::byte byte : tensor.data) sum += static_cast<unsigned char>(byte);
    const DTypeInfo& info = Info(tensor.dtype);
    KINGLET_CHECK(tensor.rows() * tensor.columns() / info.block_values * info.block_bytes ==
                      tensor.data.size(),
                  "{}", EscapeForDisplay(tensor.name));
    KINGLET_CHECK(file.FindTensor(tensor.name) == &tensor, "{}", EscapeForDisplay(tensor.name));
  }
  [[maybe_unused]] volatile std::size_t used = sum;
}

// A folder that goes when the program ends.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "kinglet-fuzz-XXXXXX").string();
    KINGLET_CHECK(mkdtemp(name.data()) != nullptr, "{}", name);
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Opens two parts from disk, as there is no other way.
void RunParts(std::string_view first, std::string_view second) {
  static const TemporaryFolder folder;
  const auto first_path = folder.path() / "m-00001-of-00002.gguf";
  std::ofstream(first_path, std::ios::binary) << first;
  std::ofstream(folder.path() / "m-00002-of-00002.gguf", std::ios::binary) << second;
  const auto file = GgufFile::Open(first_path);
  if (!file) return CheckMessage(file.error());
  ReadAll(*file);
}

void Run(std::span<const std::byte> bytes) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (const std::size_t magic = text.find("GGUF", 1); magic != text.npos) {
    return RunParts(text.substr(0, magic), text.substr(magic));
  }
  const auto file = GgufFile::Parse(bytes);
  if (!file) return CheckMessage(file.error());
  ReadAll(*file);
  if (const auto vocabulary = ReadVocabulary(*file); !vocabulary) CheckMessage(vocabulary.error());
  const auto config = ReadModelConfig(*file);
  if (!config) return CheckMessage(config.error());
  if (const auto tensors = BindTensors(*file, *config); !tensors) CheckMessage(tensors.error());
}

}  // namespace
}  // namespace kinglet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kinglet::Run(std::as_bytes(std::span(data, size)));
  return 0;
}
