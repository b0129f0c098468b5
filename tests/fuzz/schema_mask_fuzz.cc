// SPDX-License-Identifier: Apache-2.0
// Schemas compiled to masks, and texts walked through them: each mask allows just the tokens that
// the automaton survives, no text comes to a dead end, and what may end is JSON that the validator
// accepts. Values drawn beside them are written where the validator accepts them, and only there.
// The first byte says whether the schema is drawn from bytes or given as text, the second how many
// of the last bytes steer.
// Covers: src/grammar/json_schema.cc src/grammar/schema_ src/grammar/decimal.cc
// Covers: src/grammar/matcher.cc src/grammar/token_mask.cc src/grammar/regex src/grammar/grammar.cc
// Longest input: 400
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/display.h"
#include "base/json.h"
#include "grammar/json_schema.h"
#include "grammar/json_validator.h"
#include "grammar/token_mask.h"
#include "schema_maker.h"

namespace kinglet {
namespace {

// Small, so that hostile schemas come to them soon.
constexpr MatcherLimits kLimits = {.max_states = 4000, .max_frames = 50'000, .max_places = 256};
constexpr ValidatorOptions kOptions = {.max_steps = 100'000};
constexpr std::size_t kMaxSchemaBytes = 1000;
constexpr int kMaxSteps = 80;        // of a walk, its way to an end included
constexpr int kMaxCheckedMasks = 6;  // of a walk

const TokenTrie& Trie() {
  static const std::unique_ptr<const TokenTrie> trie = [] {
    std::vector<std::string> tokens = {""};
    for (int byte = 0; byte < 256; ++byte) tokens.emplace_back(1, static_cast<char>(byte));
    for (const char* const token :
         {"{\"",   "\":",   "\":\"",  "\",\"",  "\"}",    "},",       "]}",
          "[]",    "{}",    "true",   "false",  "null",   "ab",       "aab",
          "\"a",   "\"a\"", "\"a\":", "\"b\":", "12",     "-0",       "0.",
          ".5",    "e5",    "\\n",    "\\\"",   "\\u00",  "\u00E9",   "x-",
          "x-1",   "2024-", "-02",    "[1,",    "[\"",    ",1",       "aaaaaaaaaaaaaaaa",
          "tru",   "nul",   "ab",     "ZaZ9",   "\u65E5", "\xE6\x97", "\xA5x",
          "a@b.c", "\"x-"}) {
      tokens.emplace_back(token);
    }
    const std::vector<std::string_view> views(tokens.begin(), tokens.end());
    return std::make_unique<const TokenTrie>(views);
  }();
  return *trie;
}

// A double may not hold it: what is checked then is the number next to it.
bool HasLongNumber(std::string_view text) {
  std::size_t digits = 0;
  for (const char c : text) {
    digits = (c >= '0' && c <= '9') || c == '.' ? digits + 1 : 0;
    if (digits > 15) return true;
  }
  return false;
}

bool HasKey(const json::value& value, std::string_view key) {
  if (const json::array* const items = value.if_array())
    return std::ranges::any_of(*items, [&](const json::value& item) { return HasKey(item, key); });
  const json::object* const members = value.if_object();
  return members != nullptr &&
         std::ranges::any_of(*members, [&](const json::key_value_pair& member) {
           return member.key() == key || HasKey(member.value(), key);
         });
}

class Walk {
 public:
  Walk(const json::value& schema, const JsonValidator& validator, Grammar grammar)
      : schema_(schema), validator_(validator), masker_(Trie(), std::move(grammar), kLimits) {}

  void Run(ByteSource& bytes) {
    Matcher& matcher = masker_.matcher();
    Matcher::StateId state = matcher.start();
    KINGLET_CHECK(state != Matcher::kDead || matcher.is_exhausted(), "{}", ToJson(schema_));
    for (int step = 0; step < kMaxSteps && state != Matcher::kDead; ++step) {
      const std::vector<TokenId> allowed = Allowed(state, step < kMaxCheckedMasks);
      if (matcher.is_exhausted()) return;
      if (matcher.MayEnd(state)) {
        CheckText();
        if (bytes.empty()) break;
      }
      KINGLET_CHECK(!allowed.empty() || matcher.MayEnd(state), "{}: {} is a dead end",
                    ToJson(schema_), EscapeForDisplay(text_));
      if (allowed.empty()) break;
      const std::string_view token = Trie().bytes(
          bytes.empty() ? TowardsAnEnd(allowed) : allowed[bytes.Byte() % allowed.size()]);
      text_ += token;
      state = matcher.Next(state, token);
    }
    // Byte by byte the same state: what was kept on the way is what is computed.
    const Matcher::StateId again = matcher.Next(matcher.start(), std::string_view(text_));
    KINGLET_CHECK(again == state || matcher.is_exhausted(), "{}: {}", ToJson(schema_),
                  EscapeForDisplay(text_));
  }

  void CheckValue(const json::value& value) {
    const Result<void> verdict = validator_.Validate(value);
    if (!verdict && verdict.error().code() == StatusCode::kLimitExceeded) return;
    Matcher& matcher = masker_.matcher();
    const std::string text = WrittenValue(value);
    const bool writes = matcher.MayEnd(matcher.Next(matcher.start(), std::string_view(text)));
    if (matcher.is_exhausted()) return;
    KINGLET_CHECK(writes == verdict.has_value(), "{}: {} is {}written", ToJson(schema_), text,
                  writes ? "" : "not ");
  }

 private:
  std::vector<TokenId> Allowed(Matcher::StateId state, bool is_checked) {
    const TokenMask mask = masker_.Mask(state);
    std::vector<TokenId> allowed;
    for (std::size_t i = 0; i < Trie().vocab_size(); ++i) {
      const auto id = static_cast<TokenId>(i);
      if (IsAllowed(mask, id)) allowed.push_back(id);
      if (!is_checked) continue;
      const std::string_view token = Trie().bytes(id);
      const bool survives =
          !token.empty() && masker_.matcher().Next(state, token) != Matcher::kDead;
      if (masker_.matcher().is_exhausted()) break;
      KINGLET_CHECK(IsAllowed(mask, id) == survives, "{}: token {} behind {}", ToJson(schema_),
                    EscapeForDisplay(token), EscapeForDisplay(text_));
    }
    return allowed;
  }

  static TokenId TowardsAnEnd(const std::vector<TokenId>& allowed) {
    for (const std::string_view end : {"\"", "}", "]", ":", "0", "a"}) {
      const std::optional<TokenId> id = Trie().Find(end);
      if (id && std::ranges::binary_search(allowed, *id)) return *id;
    }
    return allowed[0];
  }

  void CheckText() const {
    const Result<json::value> value = ParseJson(text_, {.max_depth = 2 * kMaxSteps});
    KINGLET_CHECK(value.has_value(), "{}: {} is no JSON", ToJson(schema_), EscapeForDisplay(text_));
    if (HasLongNumber(text_)) return;
    const Result<void> verdict = validator_.Validate(*value);
    if (verdict || verdict.error().code() == StatusCode::kLimitExceeded) return;
    KINGLET_CHECK(verdict.has_value(), "{}: {}: {}", ToJson(schema_), EscapeForDisplay(text_),
                  verdict.error().message());
  }

  const json::value& schema_;
  const JsonValidator& validator_;
  TokenMasker masker_;
  std::string text_;
};

bool MayBeWrittenInOtherOrder(const json::value& value) {
  if (const json::array* const items = value.if_array())
    return std::ranges::any_of(*items, MayBeWrittenInOtherOrder);
  const json::object* const members = value.if_object();
  return members != nullptr &&
         (members->size() > 1 ||
          std::ranges::any_of(*members, [](const json::key_value_pair& member) {
            return MayBeWrittenInOtherOrder(member.value());
          }));
}

void Run(std::string_view input) {
  if (input.size() < 3) return;
  const bool is_drawn = (input[0] & 1) != 0;
  const std::size_t steering = std::min<std::size_t>(input[1] & 0x3F, input.size() - 2);
  input.remove_prefix(2);
  ByteSource steer(input.substr(input.size() - steering));
  const std::string_view of_schema = input.substr(0, input.size() - steering);
  if (of_schema.size() > kMaxSchemaBytes) return;
  ByteSource drawn(of_schema);
  const Result<json::value> schema =
      is_drawn ? Result<json::value>(DrawSchema(drawn)) : ParseJson(of_schema);
  if (!schema) return;
  auto grammar = CompileJsonSchema(*schema);
  if (!grammar) {
    KINGLET_CHECK(
        grammar.error().code() == StatusCode::kInvalidInput && !grammar.error().message().empty(),
        "{}", ToJson(*schema));
    return;
  }
  const auto validator = JsonValidator::Create(*schema, kOptions);
  if (!validator) return;
  Walk walk(*schema, **validator, *std::move(grammar));
  // Formats accept less than their definitions where the whole is out of reach.
  if (is_drawn && !HasKey(*schema, "format")) {
    for (int i = 0; i < 3; ++i) {
      const json::value value = DrawValue(steer, 2);
      if (!MayBeWrittenInOtherOrder(value)) walk.CheckValue(value);
    }
  }
  walk.Run(steer);
}

}  // namespace
}  // namespace kinglet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kinglet::Run({reinterpret_cast<const char*>(data), size});
  return 0;
}
