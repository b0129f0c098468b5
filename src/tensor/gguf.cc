// SPDX-License-Identifier: Apache-2.0
// One or several files as one: parts, look-up by name, typed access.
#include "tensor/gguf.h"

#include <algorithm>
#include <iterator>
#include <type_traits>

#include "base/display.h"
#include "tensor/gguf_reader.h"

namespace kinglet {
namespace {

// As gguf-split has them: the part's index from 0, the number of parts and of all parts' tensors.
constexpr std::string_view kSplitIndex = "split.no";
constexpr std::string_view kSplitCount = "split.count";
constexpr std::string_view kSplitTensors = "split.tensors.count";
constexpr std::int64_t kMaxParts = 65535;

// "-00001-of-00003.gguf", which ends the name of part 1 of 3.
std::string PartSuffix(std::int64_t number, std::int64_t count) {
  return fmt::format("-{:05}-of-{:05}.gguf", number, count);
}

template <typename T>
constexpr std::string_view Expected() {
  if constexpr (std::is_same_v<T, bool>) return "a bool";
  if constexpr (std::is_same_v<T, std::int64_t>) return "an integer below 2^63";
  if constexpr (std::is_same_v<T, double>) return "a float";
  if constexpr (std::is_same_v<T, std::string_view>) return "a string";
  if constexpr (std::is_same_v<T, std::vector<bool>>) return "an array of bool";
  if constexpr (std::is_same_v<T, std::vector<std::uint8_t>>) return "an array of bytes";
  if constexpr (std::is_same_v<T, std::vector<std::int64_t>>) return "an array of integers";
  if constexpr (std::is_same_v<T, std::vector<float>>) return "an array of floats";
  if constexpr (std::is_same_v<T, std::vector<std::string_view>>) return "an array of strings";
}

std::unexpected<Status> In(const std::filesystem::path& path, const Status& status) {
  return std::unexpected(status.WithContext(EscapeForDisplay(path.string())));
}

struct Split {
  std::int64_t count = 1;  // of parts
  std::optional<std::int64_t> tensor_count;
  std::string stem;  // of the parts' names, without PartSuffix
};

// What the file called name says of its siblings; an error where it is not the first part.
Result<Split> ReadSplit(const GgufFile& file, std::string_view name) {
  Split split;
  split.count = TRY(file.Get<std::int64_t>(kSplitCount, 1));
  if (split.count <= 1) return Split();
  split.tensor_count = TRY(file.Optional<std::int64_t>(kSplitTensors));
  const auto index = TRY(file.Require<std::int64_t>(kSplitIndex));
  if (split.count > kMaxParts || index < 0 || index >= split.count) {
    return Error(StatusCode::kInvalidInput,
                 "keys \"split.no\" {} and \"split.count\" {} name no part of a split file", index,
                 split.count);
  }
  const std::string suffix = PartSuffix(index + 1, split.count);
  if (!name.ends_with(suffix)) {
    return Error(StatusCode::kInvalidInput,
                 "part {} of {}, but its name does not end in {}: give the parts the names that "
                 "they were published with",
                 index + 1, split.count, suffix);
  }
  split.stem = name.substr(0, name.size() - suffix.size());
  if (index != 0) {
    return Error(StatusCode::kInvalidInput, "part {} of {}: open the first, {}", index + 1,
                 split.count, EscapeForDisplay(split.stem + PartSuffix(1, split.count)));
  }
  return split;
}

}  // namespace

std::uint64_t Tensor::rows() const {
  std::uint64_t rows = 1;
  for (std::size_t i = 1; i < shape.size(); ++i) rows *= shape[i];
  return rows;
}

std::string ShapeText(std::span<const std::uint64_t> shape) {
  return fmt::format("{}", fmt::join(shape, " x "));
}

Result<GgufFile> GgufFile::ReadPart(std::span<const std::byte> bytes) {
  GgufContent content = TRY(ReadGguf(bytes));
  GgufFile file;
  file.version_ = content.version;
  file.alignment_ = content.alignment;
  file.file_bytes_ = bytes.size();
  file.keys_ = std::move(content.keys);
  file.tensors_ = std::move(content.tensors);
  file.keys_by_name_ = std::move(content.keys_by_name);
  file.tensors_by_name_ = std::move(content.tensors_by_name);
  return file;
}

Result<GgufFile> GgufFile::Parse(std::span<const std::byte> bytes) {
  GgufFile file = TRY(ReadPart(bytes));
  const auto count = TRY(file.Get<std::int64_t>(kSplitCount, 1));
  if (count > 1) {
    return Error(StatusCode::kInvalidInput,
                 "a part of a model split into {}; the parts belong together", count);
  }
  return file;
}

Result<GgufFile> GgufFile::Of(std::vector<GgufKey> keys, std::vector<Tensor> tensors,
                              const std::filesystem::path& path, std::uint64_t file_bytes,
                              std::shared_ptr<const void> owner) {
  GgufFile file;
  file.version_ = 3;
  file.alignment_ = 1;
  file.file_bytes_ = file_bytes;
  file.path_ = path;
  file.keys_by_name_ = TRY(IndexKeys(keys));
  file.tensors_by_name_ = TRY(IndexTensors(tensors));
  file.keys_ = std::move(keys);
  file.tensors_ = std::move(tensors);
  file.owner_ = std::move(owner);
  return file;
}

Result<void> GgufFile::AddPart(GgufFile part, std::int64_t number, std::int64_t count) {
  const auto part_index = TRY(part.Require<std::int64_t>(kSplitIndex));
  const auto part_count = TRY(part.Require<std::int64_t>(kSplitCount));
  if (part_index != number - 1 || part_count != count) {
    return Error(StatusCode::kInvalidInput,
                 "keys \"split.no\" {} and \"split.count\" {} do not fit part {} of {}", part_index,
                 part_count, number, count);
  }
  file_bytes_ += part.file_bytes_;
  ++part_count_;
  std::ranges::move(part.mappings_, std::back_inserter(mappings_));
  std::ranges::move(part.tensors_, std::back_inserter(tensors_));
  if (tensors_.size() > kMaxGgufTensors) {
    return Error(StatusCode::kInvalidInput, "the parts hold over {} tensors", kMaxGgufTensors);
  }
  return {};
}

Result<void> GgufFile::IndexParts(std::optional<std::int64_t> tensor_count) {
  if (tensor_count && *tensor_count != static_cast<std::int64_t>(tensors_.size())) {
    return Error(StatusCode::kInvalidInput,
                 "key \"split.tensors.count\" is {}, but the parts hold {}", *tensor_count,
                 tensors_.size());
  }
  tensors_by_name_ = TRY(IndexTensors(tensors_));
  return {};
}

Result<GgufFile> GgufFile::OpenPart(const std::filesystem::path& path) {
  MappedFile mapping = TRY(MappedFile::Open(path));
  auto part = ReadPart(mapping.bytes());
  if (!part) return In(path, part.error());
  part->mappings_.push_back(std::move(mapping));
  return part;
}

Result<GgufFile> GgufFile::Open(const std::filesystem::path& path) {
  GgufFile file = TRY(OpenPart(path));
  const auto split = ReadSplit(file, path.filename().string());
  if (!split) return In(path, split.error());
  for (std::int64_t number = 2; number <= split->count; ++number) {
    const auto part_path = path.parent_path() / (split->stem + PartSuffix(number, split->count));
    auto part = OpenPart(part_path);
    if (!part && part.error().code() == StatusCode::kNotFound) {
      return In(path, Status(StatusCode::kInvalidInput,
                             fmt::format("part {} of {} is missing: {}", number, split->count,
                                         EscapeForDisplay(part_path.string()))));
    }
    if (!part) return part;
    const auto added = file.AddPart(*std::move(part), number, split->count);
    if (!added) return In(part_path, added.error());
  }
  if (split->count > 1) {
    const auto indexed = file.IndexParts(split->tensor_count);
    if (!indexed) return In(path, indexed.error());
  }
  file.path_ = path;
  return file;
}

std::vector<FileIdentity> GgufFile::Identities() const {
  std::vector<FileIdentity> identities;
  for (const MappedFile& mapping : mappings_) identities.push_back(mapping.identity());
  return identities;
}

void GgufFile::GiveBack(std::span<const std::byte> data) const {
  for (const MappedFile& mapping : mappings_) {
    const std::span<const std::byte> bytes = mapping.bytes();
    const bool within = data.data() >= bytes.data() && data.data() < bytes.data() + bytes.size();
    if (within) return mapping.GiveBack(data);
  }
}

const GgufValue* GgufFile::Find(std::string_view key) const {
  const GgufKey* found = FindKey(keys_, keys_by_name_, key);
  return found == nullptr ? nullptr : &found->value;
}

const Tensor* GgufFile::FindTensor(std::string_view name) const {
  const auto at = std::ranges::lower_bound(tensors_by_name_, name, {},
                                           [&](std::uint32_t i) { return tensors_[i].name; });
  return at == tensors_by_name_.end() || tensors_[*at].name != name ? nullptr : &tensors_[*at];
}

template <typename T>
Result<T> GgufFile::Require(std::string_view key) const {
  auto value = TRY(Optional<T>(key));
  if (!value) return Error(StatusCode::kInvalidInput, "key {} is missing", Quoted(key));
  return *std::move(value);
}

template <typename T>
Result<std::optional<T>> GgufFile::Optional(std::string_view key) const {
  const GgufValue* found = Find(key);
  if (found == nullptr) return std::optional<T>();
  std::optional<T> value = found->As<T>();
  if (!value) {
    return Error(StatusCode::kInvalidInput, "key {} is of type {}, not {}", Quoted(key),
                 found->TypeName(), Expected<T>());
  }
  return value;
}

#define KINGLET_INSTANTIATE(...)                                          \
  template Result<__VA_ARGS__> GgufFile::Require(std::string_view) const; \
  template Result<std::optional<__VA_ARGS__>> GgufFile::Optional(std::string_view) const
KINGLET_INSTANTIATE(bool);
KINGLET_INSTANTIATE(std::int64_t);
KINGLET_INSTANTIATE(double);
KINGLET_INSTANTIATE(std::string_view);
KINGLET_INSTANTIATE(std::vector<bool>);
KINGLET_INSTANTIATE(std::vector<std::uint8_t>);
KINGLET_INSTANTIATE(std::vector<std::int64_t>);
KINGLET_INSTANTIATE(std::vector<float>);
KINGLET_INSTANTIATE(std::vector<std::string_view>);
#undef KINGLET_INSTANTIATE

}  // namespace kinglet
