// SPDX-License-Identifier: Apache-2.0
// Relationships are resolved within the archive only: a target is a member's name or nothing.
#include "knowledge/formats/office_package.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "knowledge/cleaner.h"

namespace kinglet {
namespace {

// What programs and libraries write where nobody gave a title.
constexpr std::string_view kDefaultTitles[] = {"PowerPoint Presentation", "Word Document"};

std::string LastPart(std::string_view path) {
  return std::string(path.substr(path.find_last_of('/') + 1));
}

}  // namespace

Result<OfficePackage> OfficePackage::Open(std::string_view bytes, DocumentBuilder& builder) {
  OfficePackage package(TRY(ZipArchive::Open(bytes)));
  const std::vector<Relationship> relationships = TRY(package.RelationshipsOf(""));
  package.main_part_ = PartOfType(relationships, "officeDocument");
  if (package.main_part_.empty()) {
    return Error(StatusCode::kInvalidInput, "its zip archive names no office document");
  }
  const std::string properties = PartOfType(relationships, "core-properties");
  if (!properties.empty()) TRY(package.ReadTitle(properties, builder));
  return package;
}

Result<XmlTree> OfficePackage::Read(const std::string& part) {
  return ParseXml(TRY(archive_.Require(part)), part);
}

std::string OfficePackage::RelationshipsPart(std::string_view part) {
  const std::size_t name = part.find_last_of('/') + 1;
  std::string path(part.substr(0, name));
  path += "_rels/";
  path += part.substr(name);
  return path + ".rels";
}

Result<std::vector<Relationship>> OfficePackage::RelationshipsOf(const std::string& part) {
  std::vector<Relationship> relationships;
  const std::string name = RelationshipsPart(part);
  if (!archive_.Has(name)) return relationships;
  const XmlTree tree = TRY(Read(name));
  for (const XmlNode node : tree.root().children()) {
    if (node.tag() != "Relationship" || node.Attribute("TargetMode") == "External") continue;
    std::optional<std::string> target = ResolveMember(part, node.Attribute("Target"));
    if (!target || !archive_.Has(*target)) continue;
    relationships.push_back(
        {std::string(node.Attribute("Id")), LastPart(node.Attribute("Type")), *std::move(target)});
  }
  return relationships;
}

Result<void> OfficePackage::ReadTitle(const std::string& part, DocumentBuilder& builder) {
  const XmlTree tree = TRY(Read(part));
  const std::string title = OneLine(TextBelow(tree.root().Child("title")));
  if (std::ranges::find(kDefaultTitles, title) == std::end(kDefaultTitles)) builder.SetTitle(title);
  return {};
}

std::string PartOfType(const std::vector<Relationship>& relationships, std::string_view type) {
  const auto found = std::ranges::find(relationships, type, &Relationship::type);
  return found == relationships.end() ? "" : found->part;
}

std::map<std::string, std::string, std::less<>> PartsById(
    const std::vector<Relationship>& relationships) {
  std::map<std::string, std::string, std::less<>> parts;
  for (const Relationship& relationship : relationships) {
    parts.emplace(relationship.id, relationship.part);
  }
  return parts;
}

bool IsOn(XmlNode node) {
  const std::string_view value = node.Attribute("val");
  return node && value != "0" && value != "false" && value != "off";
}

Result<void> RefuseCompoundFile(std::string_view bytes, DocumentBuilder&) {
  // [MS-OFFCRYPTO] 2.3.4.4: the stream of this name holds the real file; names are UTF-16.
  constexpr std::string_view kEncrypted("E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0", 32);
  if (bytes.find(kEncrypted) != std::string_view::npos) {
    return Error(StatusCode::kInvalidInput, "it is encrypted: save it without a password");
  }
  return Error(StatusCode::kInvalidInput,
               "it has the old format of Office 97 under a new name: save it in the new one");
}

}  // namespace kinglet
