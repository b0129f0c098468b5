// SPDX-License-Identifier: Apache-2.0
// Read in pieces, so that a limit holds before memory is taken.
#include "cli/standard_input.h"

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace kinglet {

Result<std::string> ReadStandardInput(std::size_t max_bytes) {
  std::string text;
  char piece[1 << 16];
  while (const std::size_t size_bytes = std::fread(piece, 1, sizeof piece, stdin)) {
    text.append(piece, size_bytes);
    if (text.size() > max_bytes) {
      return Error(StatusCode::kLimitExceeded, "the text is longer than {} bytes", max_bytes);
    }
  }
  if (std::ferror(stdin) != 0) {
    return Error(StatusCode::kFailed, "cannot read standard input");
  }
  return text;
}

Result<std::optional<std::string>> ReadLine(std::FILE* file, std::size_t max_bytes) {
  std::string line;
  int byte = getc_unlocked(file);
  if (byte == EOF && std::ferror(file) == 0) return std::nullopt;
  for (; byte != EOF && byte != '\n'; byte = getc_unlocked(file)) {
    if (line.size() == max_bytes) {
      return Error(StatusCode::kLimitExceeded, "the line is longer than {} bytes", max_bytes);
    }
    line += static_cast<char>(byte);
  }
  if (std::ferror(file) != 0) {
    return Error(StatusCode::kFailed, "cannot read it: {}", std::strerror(errno));
  }
  return line;
}

}  // namespace kinglet
