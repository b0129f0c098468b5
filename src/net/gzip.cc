// SPDX-License-Identifier: Apache-2.0
// One deflate over the whole; inflated piece by piece, so that a small file cannot fill the memory.
#include "net/gzip.h"

#include <zlib.h>

#include <limits>

namespace kinglet {
namespace {

constexpr int kGzipWindow = 15 + 16;  // 32 KiB, and a gzip header
constexpr std::size_t kPiece = std::size_t{1} << 16;

// zlib reads through a pointer that is not const.
void SetInput(z_stream& stream, std::string_view bytes) {
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
}

}  // namespace

std::optional<std::string> Gzip(std::string_view bytes) {
  constexpr int kMemory = 8;  // zlib's own
  if (bytes.size() > std::numeric_limits<uInt>::max() / 2) return std::nullopt;
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow, kMemory, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    return std::nullopt;
  }
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  SetInput(stream, bytes);
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int done = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (done != Z_STREAM_END) return std::nullopt;
  return out;
}

std::optional<std::string> Gunzip(std::string_view bytes, std::size_t max_bytes) {
  if (bytes.size() > std::numeric_limits<uInt>::max()) return std::nullopt;
  z_stream stream{};
  if (inflateInit2(&stream, kGzipWindow) != Z_OK) return std::nullopt;
  SetInput(stream, bytes);
  std::string out;
  int status = Z_OK;
  while (status == Z_OK && out.size() <= max_bytes) {
    const std::size_t begin = out.size();
    out.resize(begin + kPiece);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + begin);
    stream.avail_out = static_cast<uInt>(kPiece);
    status = inflate(&stream, Z_NO_FLUSH);
    out.resize(begin + kPiece - stream.avail_out);
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END || stream.avail_in > 0 || out.size() > max_bytes) return std::nullopt;
  return out;
}

}  // namespace kinglet
