// SPDX-License-Identifier: Apache-2.0
// What DOCX, PPTX and XLSX have in common (ECMA-376 part 2): parts in a zip archive that find each
// other by relationships.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "knowledge/document.h"
#include "knowledge/formats/xml_tree.h"
#include "knowledge/formats/zip_archive.h"

namespace kinglet {

struct Relationship {
  std::string id;
  std::string type;  // the last part of its name: "styles", "slide", "hyperlink"
  std::string part;  // a member that there is
};

class OfficePackage {
 public:
  // Sets the title that the properties name. kInvalidInput: not one with a main part.
  static Result<OfficePackage> Open(std::string_view bytes, DocumentBuilder& builder);

  const std::string& main_part() const { return main_part_; }

  // Unpacks many parts at once: see ZipArchive::Load.
  Result<void> Load(const std::vector<std::string>& parts) { return archive_.Load(parts); }
  // A part that must be there.
  Result<XmlTree> Read(const std::string& part);

  // Of a part, in their order; none where it has none. Targets outside of the package or missing
  // from it are left out.
  Result<std::vector<Relationship>> RelationshipsOf(const std::string& part);

  // Where a part's relationships are.
  static std::string RelationshipsPart(std::string_view part);

 private:
  explicit OfficePackage(ZipArchive archive) : archive_(std::move(archive)) {}

  Result<void> ReadTitle(const std::string& part, DocumentBuilder& builder);

  ZipArchive archive_;
  std::string main_part_;
};

// The first part of a type; empty where there is none.
std::string PartOfType(const std::vector<Relationship>& relationships, std::string_view type);
std::map<std::string, std::string, std::less<>> PartsById(
    const std::vector<Relationship>& relationships);

// On or off, as OOXML writes both: an element that is there means on unless its val denies it.
bool IsOn(XmlNode node);

// Files that begin as old office documents do but are named like new ones: they are encrypted, or
// only renamed. Always kInvalidInput.
Result<void> RefuseCompoundFile(std::string_view bytes, DocumentBuilder& builder);

}  // namespace kinglet
