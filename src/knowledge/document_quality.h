// SPDX-License-Identifier: Apache-2.0
// What is noted of each document beside its text, and what a library does about personal data: both
// are settled before the text is cut and kept.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "knowledge/document.h"
#include "knowledge/near_duplicates.h"
#include "knowledge/personal_data.h"

namespace kinglet {

enum class PersonalDataPolicy : std::uint8_t {
  kKeep,    // it is counted
  kMask,    // it is counted and replaced, "[email]", in text, title and headings
  kRefuse,  // a document with any is not kept
};

inline constexpr std::array kPersonalDataPolicies = {
    PersonalDataPolicy::kKeep, PersonalDataPolicy::kMask, PersonalDataPolicy::kRefuse};

std::string_view Name(PersonalDataPolicy policy);  // "keep", "mask", "refuse"
std::optional<PersonalDataPolicy> PersonalDataPolicyNamed(std::string_view name);

// By kind, in the order of kPersonalDataKinds.
using PersonalDataCounts = std::array<std::int64_t, kPersonalDataKinds.size()>;

struct DocumentQuality {
  std::string language;                // LanguageOf
  PersonalDataCounts personal_data{};  // what was found, whatever became of it
  std::int64_t model_instructions = 0;
  std::optional<std::int64_t> dropped_bytes;  // Document::dropped_bytes
  std::optional<MinHashSignature> signature;  // SignatureOf the kept text
  PersonalDataPolicy policy = PersonalDataPolicy::kKeep;

  bool has_personal_data() const { return personal_data != PersonalDataCounts{}; }
};

// A document that a library may take.
struct ExaminedDocument {
  Document document;
  DocumentQuality quality;
};

// Looks at it, and masks what the policy says.
ExaminedDocument ExamineDocument(Document document, PersonalDataPolicy policy);

// kInvalidInput, with what was found: the document has personal data, and the policy refuses it.
Result<void> CheckPolicy(const DocumentQuality& quality);

}  // namespace kinglet
