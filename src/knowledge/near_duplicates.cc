// SPDX-License-Identifier: Apache-2.0
// One permutation rather than 128: the hash of a shingle says in which of 128 bins it competes to
// be the least. Bins that stay empty borrow from others by a fixed order (Shrivastava, "Optimal
// Densification for Fast and Accurate Minwise Hashing", 2017). One hash a shingle, whatever the
// size of the signature.
#include "knowledge/near_duplicates.h"

#include <algorithm>
#include <bit>

#include "text/plain_words.h"

namespace kinglet {
namespace {

constexpr std::size_t kMinShingles = 32;
constexpr int kBinBits = std::bit_width(kSignatureSize) - 1;
static_assert(std::has_single_bit(kSignatureSize));

// Two texts meet where one band of their signatures is the same. 25 bands of 5: at 0.8 all but 5 of
// 100,000 pairs do, at 0.5 half of them, at 0.3 6 %, at 0.1 one of 4,000.
constexpr std::size_t kBandRows = 5;
constexpr std::size_t kBands = kSignatureSize / kBandRows;

constexpr std::uint32_t kEmpty = UINT32_MAX;  // no shingle's value

// The finaliser of MurmurHash3: every bit of the outcome depends on every one of what goes in.
constexpr std::uint64_t Mix(std::uint64_t hash) {
  hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCD;
  hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53;
  return hash ^ (hash >> 33);
}

// FNV-1a.
std::uint64_t HashOf(std::string_view word) {
  std::uint64_t hash = 0xCBF29CE484222325;
  for (const char c : word) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  return hash;
}

// Calls visit(hash) for each shingle in order, as often as it comes.
template <typename Visit>
void ForEachShingle(std::string_view utf8, const Visit& visit) {
  std::array<std::uint64_t, kShingleWords> words{};  // the last ones, in a ring
  std::size_t count = 0;
  for (PlainWords text(utf8); text.Next();) {
    words[count++ % kShingleWords] = HashOf(text.word());
    if (count < kShingleWords) continue;
    std::uint64_t hash = 0;
    for (std::size_t i = 0; i < kShingleWords; ++i) {
      hash = Mix(hash + words[(count + i) % kShingleWords]);
    }
    visit(hash);
  }
}

void FillEmptyBins(MinHashSignature& signature) {
  const MinHashSignature own = signature;
  for (std::size_t bin = 0; bin < kSignatureSize; ++bin) {
    for (std::uint64_t attempt = 0; signature[bin] == kEmpty; ++attempt) {
      signature[bin] = own[Mix((attempt << kBinBits) + bin + 1) % kSignatureSize];
    }
  }
}

}  // namespace

std::vector<std::uint64_t> ShinglesOf(std::string_view utf8) {
  std::vector<std::uint64_t> shingles;
  ForEachShingle(utf8, [&](std::uint64_t hash) { shingles.push_back(hash); });
  std::ranges::sort(shingles);
  const auto repeated = std::ranges::unique(shingles);
  shingles.erase(repeated.begin(), repeated.end());
  return shingles;
}

double Jaccard(const std::vector<std::uint64_t>& a, const std::vector<std::uint64_t>& b) {
  std::size_t in_both = 0;
  auto in_b = b.begin();
  for (const std::uint64_t shingle : a) {
    while (in_b != b.end() && *in_b < shingle) ++in_b;
    if (in_b != b.end() && *in_b == shingle) ++in_both;
  }
  const std::size_t all = a.size() + b.size() - in_both;
  return all == 0 ? 0 : static_cast<double>(in_both) / static_cast<double>(all);
}

std::optional<MinHashSignature> SignatureOf(std::string_view utf8) {
  MinHashSignature signature;
  signature.fill(kEmpty);
  std::size_t count = 0;
  ForEachShingle(utf8, [&](std::uint64_t hash) {
    ++count;
    std::uint32_t& least = signature[hash >> (64 - kBinBits)];
    least = std::min(least, std::min(static_cast<std::uint32_t>(hash), kEmpty - 1));
  });
  if (count < kMinShingles) return std::nullopt;
  FillEmptyBins(signature);
  return signature;
}

double EstimateJaccard(const MinHashSignature& a, const MinHashSignature& b) {
  std::size_t same = 0;
  for (std::size_t bin = 0; bin < kSignatureSize; ++bin) same += a[bin] == b[bin] ? 1 : 0;
  return static_cast<double>(same) / static_cast<double>(kSignatureSize);
}

std::optional<NearDuplicateIndex::Match> NearDuplicateIndex::Add(
    std::int64_t id, const MinHashSignature& signature) {
  std::array<std::uint64_t, kBands> keys{};
  for (std::size_t band = 0; band < kBands; ++band) {
    keys[band] = band;
    for (std::size_t row = 0; row < kBandRows; ++row) {
      keys[band] = Mix(keys[band] + signature[band * kBandRows + row]);
    }
  }
  std::optional<Match> best;
  for (const std::uint64_t key : keys) {
    const auto bucket = buckets_.find(key);
    if (bucket == buckets_.end()) continue;
    for (const std::uint32_t index : bucket->second) {
      const Kept& other = kept_[index];
      const double jaccard = EstimateJaccard(signature, other.signature);
      if (jaccard < kNearDuplicateJaccard) continue;
      if (!best || jaccard > best->jaccard) best = Match{other.id, jaccard};
    }
  }
  if (best) return best;
  for (const std::uint64_t key : keys) {
    buckets_[key].push_back(static_cast<std::uint32_t>(kept_.size()));
  }
  kept_.push_back({id, signature});
  return std::nullopt;
}

}  // namespace kinglet
