// SPDX-License-Identifier: Apache-2.0
// Writes GGUF bytes, sound or broken on purpose, for tests and for the fuzzer's seeds.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/gguf.h"

namespace kinglet {

// Appends little-endian values to a string.
class ByteWriter {
 public:
  template <typename T>
  ByteWriter& Number(T value) {
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    bytes_.append(bytes, sizeof value);
    return *this;
  }
  ByteWriter& Raw(std::string_view bytes) {
    bytes_.append(bytes);
    return *this;
  }
  ByteWriter& String(std::string_view text) { return Number(std::uint64_t{text.size()}).Raw(text); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

struct TensorForTest {
  std::string name;
  std::vector<std::uint64_t> shape;
  std::uint32_t dtype = 0;
  std::uint64_t offset = 0;
};

// A GGUF file put together field by field; each field can be made wrong.
struct GgufForTest {
  std::string magic = "GGUF";
  std::uint32_t version = 3;
  std::uint64_t alignment = 32;
  std::int64_t extra_keys = 0;     // claimed, not written
  std::int64_t extra_tensors = 0;  // claimed, not written
  std::vector<std::string> keys;   // as bytes: name, type, value
  std::vector<TensorForTest> tensors;
  std::string data;  // after the header and its padding

  template <typename T>
  GgufForTest& Key(std::string_view name, GgufType type, T value) {
    keys.push_back(ByteWriter().String(name).Number(type).Number(value).bytes());
    return *this;
  }
  GgufForTest& Uint32(std::string_view name, std::uint32_t value) {
    return Key(name, GgufType::kUint32, value);
  }
  GgufForTest& Text(std::string_view name, std::string_view value) {
    keys.push_back(ByteWriter().String(name).Number(GgufType::kString).String(value).bytes());
    return *this;
  }
  GgufForTest& Texts(std::string_view name, std::span<const std::string> values) {
    ByteWriter writer;
    writer.String(name).Number(GgufType::kArray).Number(GgufType::kString);
    writer.Number(std::uint64_t{values.size()});
    for (const std::string& value : values) writer.String(value);
    keys.push_back(writer.bytes());
    return *this;
  }
  template <typename T>
  GgufForTest& Array(std::string_view name, GgufType type, const std::vector<T>& values) {
    ByteWriter writer;
    writer.String(name).Number(GgufType::kArray).Number(type).Number(std::uint64_t{values.size()});
    for (const T value : values) writer.Number(value);
    keys.push_back(writer.bytes());
    return *this;
  }
  // A tensor of F32 after the last one, filled with one value.
  GgufForTest& F32(std::string_view name, std::vector<std::uint64_t> shape, float value = 0.5F) {
    std::uint64_t count = 1;
    for (const std::uint64_t size : shape) count *= size;
    data.resize((data.size() + alignment - 1) / alignment * alignment);
    tensors.push_back({std::string(name), std::move(shape), 0, data.size()});
    for (std::uint64_t i = 0; i < count; ++i) data += ByteWriter().Number(value).bytes();
    return *this;
  }

  TensorForTest& Find(std::string_view name) {
    for (TensorForTest& tensor : tensors) {
      if (tensor.name == name) return tensor;
    }
    return tensors.at(tensors.size());  // throws: the test names a tensor that it did not make
  }

  std::string Header() const {
    ByteWriter writer;
    writer.Raw(magic).Number(version);
    writer.Number(std::uint64_t{tensors.size()} + static_cast<std::uint64_t>(extra_tensors));
    writer.Number(std::uint64_t{keys.size()} + static_cast<std::uint64_t>(extra_keys));
    for (const std::string& key : keys) writer.Raw(key);
    for (const TensorForTest& tensor : tensors) {
      writer.String(tensor.name).Number(static_cast<std::uint32_t>(tensor.shape.size()));
      for (const std::uint64_t size : tensor.shape) writer.Number(size);
      writer.Number(tensor.dtype).Number(tensor.offset);
    }
    return writer.bytes();
  }
  std::string Bytes() const {
    std::string bytes = Header();
    bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
    return bytes + data;
  }
};

}  // namespace kinglet
