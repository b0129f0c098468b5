// SPDX-License-Identifier: Apache-2.0
// Personal data first: all else is said of the text that is kept.
#include "knowledge/document_quality.h"

#include <algorithm>
#include <utility>

#include "knowledge/model_instructions.h"
#include "knowledge/text_language.h"

namespace kinglet {
namespace {

void Count(const std::vector<PersonalData>& found, PersonalDataCounts& counts) {
  for (const PersonalData& data : found) ++counts[static_cast<std::size_t>(data.kind)];
}

// Where a byte of the text is once what was found is masked. Asked in ascending order, of bytes
// that do not lie within what was found.
class MaskedOffsets {
 public:
  explicit MaskedOffsets(const std::vector<PersonalData>& found) : found_(found) {}

  std::size_t Of(std::size_t byte) {
    for (; next_ < found_.size() && found_[next_].range.end <= byte; ++next_) {
      removed_ += found_[next_].range.size();
      added_ += Name(found_[next_].kind).size() + 2;
    }
    return byte - removed_ + added_;
  }

 private:
  const std::vector<PersonalData>& found_;
  std::size_t next_ = 0;
  std::size_t removed_ = 0;
  std::size_t added_ = 0;
};

std::string Masked(std::string_view text) { return MaskPersonalData(text, FindPersonalData(text)); }

// No finding holds a line end, so each lies within one block.
void Mask(Document& document, const std::vector<PersonalData>& found) {
  document.title = Masked(document.title);
  for (std::string& heading : document.headings) heading = Masked(heading);
  document.text = MaskPersonalData(document.text, found);
  MaskedOffsets of_blocks(found);
  for (Block& block : document.blocks) {
    block.range.begin = of_blocks.Of(block.range.begin);
    block.range.end = of_blocks.Of(block.range.end);
  }
  MaskedOffsets of_pages(found);
  for (std::size_t& page : document.pages) page = of_pages.Of(page);
  MaskedOffsets of_lines(found);
  for (LineMark& mark : document.lines) mark.byte = of_lines.Of(mark.byte);
}

}  // namespace

std::string_view Name(PersonalDataPolicy policy) {
  switch (policy) {
    case PersonalDataPolicy::kKeep:
      return "keep";
    case PersonalDataPolicy::kMask:
      return "mask";
    case PersonalDataPolicy::kRefuse:
      break;
  }
  return "refuse";
}

std::optional<PersonalDataPolicy> PersonalDataPolicyNamed(std::string_view name) {
  for (const PersonalDataPolicy policy : kPersonalDataPolicies) {
    if (Name(policy) == name) return policy;
  }
  return std::nullopt;
}

ExaminedDocument ExamineDocument(Document document, PersonalDataPolicy policy) {
  DocumentQuality quality;
  quality.policy = policy;
  const std::vector<PersonalData> found = FindPersonalData(document.text);
  Count(found, quality.personal_data);
  // Mostly the title is a heading, too.
  if (document.text.find(document.title) == std::string::npos) {
    Count(FindPersonalData(document.title), quality.personal_data);
  }
  if (policy == PersonalDataPolicy::kMask) Mask(document, found);
  quality.language = LanguageOf(document.text);
  quality.model_instructions =
      static_cast<std::int64_t>(FindModelInstructions(document.text).size());
  quality.signature = SignatureOf(document.text);
  if (document.dropped_bytes) {
    quality.dropped_bytes = static_cast<std::int64_t>(*document.dropped_bytes);
  }
  return {std::move(document), std::move(quality)};
}

Result<void> CheckPolicy(const DocumentQuality& quality) {
  if (quality.policy != PersonalDataPolicy::kRefuse || !quality.has_personal_data()) return {};
  std::string what;
  for (const PersonalDataKind kind : kPersonalDataKinds) {
    const std::int64_t count = quality.personal_data[static_cast<std::size_t>(kind)];
    if (count > 0) what += fmt::format("{}{} {}", what.empty() ? "" : ", ", count, Name(kind));
  }
  return Error(StatusCode::kInvalidInput,
               "it holds personal data ({}), which this library refuses: ingest it into another "
               "one, or with --personal-data mask",
               what);
}

}  // namespace kinglet
