// SPDX-License-Identifier: Apache-2.0
// What looks at every text of a library or of an answer, on any bytes: what it finds lies in the
// text, in order, at whole characters, what is masked of UTF-8 is UTF-8, and no more tokens are
// useful than there are.
// Covers: src/knowledge/personal_data.cc src/knowledge/phone_numbers.cc
// Covers: src/knowledge/model_instructions.cc src/text/plain_words.cc
// Covers: src/knowledge/near_duplicates.cc src/knowledge/text_language.cc
// Covers: src/ledger/useful_tokens.cc
// Longest input: 4096
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"
#include "knowledge/model_instructions.h"
#include "knowledge/near_duplicates.h"
#include "knowledge/personal_data.h"
#include "knowledge/text_language.h"
#include "ledger/useful_tokens.h"

namespace {

void CheckRange(std::string_view text, kinglet::ByteRange range, std::size_t end_before) {
  KINGLET_CHECK(end_before <= range.begin && range.begin < range.end && range.end <= text.size(),
                "{} to {} of {}, after {}", range.begin, range.end, text.size(), end_before);
  if (!kinglet::IsUtf8(text)) return;
  KINGLET_CHECK(kinglet::IsUtf8(range.Of(text)), "a range cuts a character");
}

// Tokens of one to four bytes, whatever characters they cut.
void CheckUsefulTokens(std::string_view text) {
  std::vector<std::string_view> tokens;
  for (std::size_t at = 0; at < text.size(); at += tokens.back().size()) {
    tokens.push_back(text.substr(at, 1 + tokens.size() % 4));
  }
  for (const kinglet::TextForm form : {kinglet::TextForm::kProse, kinglet::TextForm::kStructured}) {
    const int useful = kinglet::CountUsefulTokens(tokens, form);
    KINGLET_CHECK((useful > 0) == !tokens.empty() && useful <= std::ssize(tokens),
                  "{} of {} tokens", useful, tokens.size());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::size_t end = 0;
  const auto personal_data = kinglet::FindPersonalData(text);
  for (const kinglet::PersonalData& found : personal_data) {
    CheckRange(text, found.range, end);
    end = found.range.end;
  }
  const std::string masked = kinglet::MaskPersonalData(text, personal_data);
  KINGLET_CHECK(!kinglet::IsUtf8(text) || kinglet::IsUtf8(masked), "masking breaks a character");
  end = 0;
  for (const kinglet::ByteRange& range : kinglet::FindModelInstructions(text)) {
    CheckRange(text, range, end);
    end = range.end;
  }
  const auto shingles = kinglet::ShinglesOf(text);
  const auto signature = kinglet::SignatureOf(text);
  KINGLET_CHECK(!signature || !shingles.empty(), "a signature of nothing");
  (void)kinglet::LanguageOf(text);
  CheckUsefulTokens(text);
  return 0;
}
