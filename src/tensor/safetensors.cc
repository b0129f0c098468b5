// SPDX-License-Identifier: Apache-2.0
// The header's JSON against the bytes that follow it.
#include "tensor/safetensors.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/display.h"
#include "base/json.h"

namespace kinglet {
namespace {

constexpr std::uint64_t kMaxHeaderBytes = std::uint64_t{16} << 20;
constexpr std::size_t kMaxDepth = 8;
constexpr std::size_t kMaxDimensions = 4;
constexpr std::size_t kLengthBytes = 8;

constexpr std::pair<std::string_view, DType> kDTypeNames[] = {
    {"F64", DType::kF64}, {"F32", DType::kF32}, {"F16", DType::kF16}, {"BF16", DType::kBF16},
    {"I64", DType::kI64}, {"I32", DType::kI32}, {"I16", DType::kI16}, {"I8", DType::kI8},
};

Result<DType> ReadDType(const json::value& description) {
  const json::value* name = Find(description, "dtype");
  if (name == nullptr || !name->is_string()) {
    return Error(StatusCode::kInvalidInput, "dtype is missing or no string");
  }
  const std::string_view text = name->get_string();
  const auto* row =
      std::ranges::find(kDTypeNames, text, [](const auto& known) { return known.first; });
  if (row == std::end(kDTypeNames)) {
    return Error(StatusCode::kInvalidInput, "dtype {} is not supported", Quoted(text));
  }
  return row->second;
}

// A list of whole numbers that are not negative.
Result<std::vector<std::uint64_t>> ReadNumbers(const json::value& description,
                                               std::string_view member) {
  const json::value* list = Find(description, member);
  if (list == nullptr || !list->is_array()) {
    return Error(StatusCode::kInvalidInput, "{} is missing or no array", member);
  }
  std::vector<std::uint64_t> numbers;
  for (const json::value& item : list->get_array()) {
    // Boost.JSON reads what fits int64 as int64, and only more as uint64.
    if (item.is_int64() && item.get_int64() >= 0) {
      numbers.push_back(static_cast<std::uint64_t>(item.get_int64()));
    } else if (item.is_uint64()) {
      numbers.push_back(item.get_uint64());
    } else {
      return Error(StatusCode::kInvalidInput, "{} holds something else than whole numbers", member);
    }
  }
  return numbers;
}

// The bytes that a shape takes, which is not yet reversed or may be.
Result<std::uint64_t> DataBytes(DType dtype, std::span<const std::uint64_t> shape) {
  std::uint64_t bytes = Info(dtype).block_bytes;
  for (const std::uint64_t size : shape) {
    if (size == 0 || __builtin_mul_overflow(bytes, size, &bytes)) {
      return Error(StatusCode::kInvalidInput, "the shape {} has a dimension of 0 or is too large",
                   ShapeText(shape));
    }
  }
  return bytes;
}

Result<Tensor> ReadTensor(const json::value& description, std::span<const std::byte> data) {
  Tensor tensor;
  tensor.dtype = TRY(ReadDType(description));
  tensor.shape = TRY(ReadNumbers(description, "shape"));
  if (tensor.shape.size() > kMaxDimensions) {
    return Error(StatusCode::kInvalidInput, "{} dimensions, more than {}", tensor.shape.size(),
                 kMaxDimensions);
  }
  if (tensor.shape.empty()) tensor.shape.push_back(1);
  std::ranges::reverse(tensor.shape);
  const auto offsets = TRY(ReadNumbers(description, "data_offsets"));
  if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data.size()) {
    return Error(StatusCode::kInvalidInput, "data_offsets {} do not lie in {} bytes of data",
                 fmt::join(offsets, ", "), data.size());
  }
  const auto bytes = TRY(DataBytes(tensor.dtype, tensor.shape));
  if (offsets[1] - offsets[0] != bytes) {
    return Error(StatusCode::kInvalidInput, "data_offsets {} span {} bytes, but the shape takes {}",
                 fmt::join(offsets, ", "), offsets[1] - offsets[0], bytes);
  }
  tensor.data = data.subspan(offsets[0], bytes);
  return tensor;
}

// The format allows no byte of data to belong to two tensors or to none.
Result<void> CheckCovers(std::span<const Tensor> tensors, std::span<const std::byte> data) {
  std::vector<const Tensor*> by_offset;
  by_offset.reserve(tensors.size());
  for (const Tensor& tensor : tensors) by_offset.push_back(&tensor);
  std::ranges::sort(by_offset, {}, [](const Tensor* tensor) { return tensor->data.data(); });
  const std::byte* end = data.data();
  for (const Tensor* tensor : by_offset) {
    if (tensor->data.data() != end) {
      return Error(StatusCode::kInvalidInput, "tensor {} begins at byte {} of the data, not at {}",
                   Quoted(tensor->name), tensor->data.data() - data.data(), end - data.data());
    }
    end = tensor->data.data() + tensor->data.size();
  }
  if (end != data.data() + data.size()) {
    return Error(StatusCode::kInvalidInput, "{} bytes of data follow the last tensor",
                 data.data() + data.size() - end);
  }
  return {};
}

Result<json::value> ReadHeader(std::span<const std::byte> bytes, std::uint64_t* header_bytes) {
  if (bytes.size() < kLengthBytes) {
    return Error(StatusCode::kInvalidInput, "the file ends at byte {}, within the header's length",
                 bytes.size());
  }
  std::memcpy(header_bytes, bytes.data(), kLengthBytes);
  if (*header_bytes > kMaxHeaderBytes || *header_bytes > bytes.size() - kLengthBytes) {
    return Error(
        StatusCode::kInvalidInput,
        "the header claims {} bytes, of a file of {} and a limit of {}: cut short, damaged "
        "or no safetensors file",
        *header_bytes, bytes.size(), kMaxHeaderBytes);
  }
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes,
                              *header_bytes);
  auto header = ParseJson(text, {.max_bytes = kMaxHeaderBytes, .max_depth = kMaxDepth});
  if (!header) return std::unexpected(header.error().WithContext("the header"));
  if (!header->is_object()) {
    return Error(StatusCode::kInvalidInput, "the header is no JSON object");
  }
  return header;
}

template <typename T>
Result<std::vector<T>> CopyOf(const Tensor* tensor, std::string_view name, DType dtype,
                              std::span<const std::uint64_t> shape) {
  if (tensor == nullptr) {
    return Error(StatusCode::kInvalidInput, "tensor {} is missing", Quoted(name));
  }
  if (tensor->dtype != dtype || !std::ranges::equal(tensor->shape, shape)) {
    return Error(StatusCode::kInvalidInput, "tensor {} is {} {}, not {} {}", Quoted(name),
                 Info(tensor->dtype).name, ShapeText(tensor->shape), Info(dtype).name,
                 ShapeText(shape));
  }
  std::vector<T> values(tensor->data.size() / sizeof(T));
  std::memcpy(values.data(), tensor->data.data(), tensor->data.size());
  return values;
}

}  // namespace

Result<SafetensorsFile> SafetensorsFile::Parse(std::span<const std::byte> bytes) {
  std::uint64_t header_bytes = 0;
  const json::value header = TRY(ReadHeader(bytes, &header_bytes));
  const auto data = bytes.subspan(kLengthBytes + header_bytes);
  SafetensorsFile file;
  file.names_.reserve(header.get_object().size());
  file.tensors_.reserve(header.get_object().size());
  for (const auto& [key, description] : header.get_object()) {
    const std::string_view name = key;
    if (name == "__metadata__") continue;
    auto tensor = ReadTensor(description, data);
    if (!tensor) {
      return std::unexpected(tensor.error().WithContext(fmt::format("tensor {}", Quoted(name))));
    }
    tensor->name = file.names_.emplace_back(name);
    file.tensors_.push_back(*std::move(tensor));
  }
  TRY(CheckCovers(file.tensors_, data));
  std::ranges::sort(file.tensors_, {}, &Tensor::name);
  return file;
}

Result<SafetensorsFile> SafetensorsFile::Open(const std::filesystem::path& path) {
  MappedFile mapping = TRY(MappedFile::Open(path));
  auto file = Parse(mapping.bytes());
  if (!file) return std::unexpected(file.error().WithContext(EscapeForDisplay(path.string())));
  file->mapping_ = std::move(mapping);
  return file;
}

const Tensor* SafetensorsFile::FindTensor(std::string_view name) const {
  const auto at = std::ranges::lower_bound(tensors_, name, {}, &Tensor::name);
  return at == tensors_.end() || at->name != name ? nullptr : &*at;
}

Result<std::vector<float>> SafetensorsFile::Floats(std::string_view name,
                                                   std::span<const std::uint64_t> shape) const {
  return CopyOf<float>(FindTensor(name), name, DType::kF32, shape);
}

Result<std::vector<std::int32_t>> SafetensorsFile::Int32s(
    std::string_view name, std::span<const std::uint64_t> shape) const {
  return CopyOf<std::int32_t>(FindTensor(name), name, DType::kI32, shape);
}

}  // namespace kinglet
