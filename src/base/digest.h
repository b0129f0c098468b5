// SPDX-License-Identifier: Apache-2.0
// SHA-256, as FIPS 180-4 has it, of bytes that come in pieces.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "base/status.h"

namespace kinglet {

class Sha256 {
 public:
  Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;
  ~Sha256();

  void Update(std::string_view bytes);
  // 64 lower-case hexadecimal digits. Ends the digest: no Update after it.
  std::string Hex();

  static std::string HexOf(std::string_view bytes);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Of all of a file.
Result<std::string> Sha256OfFile(const std::filesystem::path& path);

}  // namespace kinglet
