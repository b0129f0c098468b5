// SPDX-License-Identifier: Apache-2.0
// The table of parts, and the folder of what was found.
#include "claims/setup.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/digest.h"
#include "base/file.h"

namespace kinglet {
namespace {

constexpr std::size_t kMaxKeptBytes = std::size_t{1} << 30;

constexpr PartFlag kFlags[] = {
    {"--small", "MODEL", "the small model", Part::kSmall, true},
    {"--large", "MODEL", "one several times larger", Part::kLarge, true},
    {"--sparse", "MODEL", "a mixture of experts", Part::kSparse, true},
    {"--dense", "MODEL", "a dense model, to hold against the mixture", Part::kDense, true},
    {"--eight-bit", "MODEL", "the small model with 8-bit weights", Part::kEightBit, true},
    {"--eight-billions", "MODEL",
     "Llama 3.1 8B in 4 bits, or a file of its shape: measured instead of computed",
     Part::kEightBillions, true},
    {"--embedder", "MODEL", "an embedding model, to search by meaning", Part::kEmbedder, true},
    {"--data", "FILE", "questions about paragraphs, as SQuAD 2.0 has them", Part::kData},
    {"--pages", "DIR", "web pages, laid out as for eval extraction", Part::kPages},
    {"--intents", "FILE", "questions with their intents, as CLINC150 has them", Part::kIntents},
};

}  // namespace

std::span<const PartFlag> PartFlags() { return kFlags; }

const PartFlag& FlagOf(Part part) { return *std::ranges::find(kFlags, part, &PartFlag::part); }

Result<std::unique_ptr<Engine>> ClaimSetup::Open(Part model, EngineOptions options) const {
  options.thread_count = thread_count;
  return open_engine(file(model), std::move(options));
}

Result<json::value> Kept(const ClaimSetup& setup, std::string_view name, const json::object& key,
                         const std::function<Result<json::value>()>& make) {
  const std::filesystem::path path = setup.work / fmt::format("{}.json", name);
  if (const auto text = ReadFile(path, kMaxKeptBytes)) {
    // One that a crash cut off or another program wrote is made anew.
    const auto kept = ParseJson(*text, {.max_bytes = kMaxKeptBytes});
    const json::value* const of = kept ? Find(*kept, "key") : nullptr;
    const json::value* const found = kept ? Find(*kept, "found") : nullptr;
    if (of != nullptr && found != nullptr && *of == key) return *found;
  }
  const std::string found = ToJson(TRY(make()));
  TRY(WriteFileAtomic(path, fmt::format(R"({{"key":{},"found":{}}})", ToJson(key), found)));
  // As the next run reads it: reading may round a number's last digit.
  return ParseJson(found, {.max_bytes = kMaxKeptBytes});
}

Result<std::string> DigestOf(const ClaimSetup& setup, Part part) {
  return Sha256OfFile(setup.file(part));
}

}  // namespace kinglet
