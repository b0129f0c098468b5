// SPDX-License-Identifier: Apache-2.0
// The container names the package document; its spine names the chapters in order.
#include "knowledge/formats/epub.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "knowledge/cleaner.h"
#include "knowledge/formats/html.h"
#include "knowledge/formats/xml_tree.h"
#include "knowledge/formats/zip_archive.h"

namespace kinglet {
namespace {

constexpr char kContainer[] = "META-INF/container.xml";
constexpr char kEncryption[] = "META-INF/encryption.xml";

// One of the words of a list in an attribute.
bool HasWord(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const std::size_t end = std::min(words.find(' '), words.size());
    if (words.substr(0, end) == word) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

Result<std::string> PackagePath(ZipArchive& archive) {
  const XmlTree container = TRY(ParseXml(TRY(archive.Require(kContainer)), kContainer));
  for (const XmlNode file : container.root().Child("rootfiles").children()) {
    const std::string_view path = file.Attribute("full-path");
    if (file.tag() == "rootfile" && archive.Has(path)) return std::string(path);
  }
  return Error(StatusCode::kInvalidInput, "{}: it names no package document that there is",
               kContainer);
}

// In order, each once.
std::vector<std::string> Chapters(const ZipArchive& archive, const std::string& package_path,
                                  XmlNode package) {
  std::map<std::string_view, std::string> pages;  // by id
  for (const XmlNode item : package.Child("manifest").children()) {
    const std::string_view type = item.Attribute("media-type");
    if (type != "application/xhtml+xml" && type != "text/html" && type != "text/x-oeb1-document") {
      continue;
    }
    if (HasWord(item.Attribute("properties"), "nav")) continue;
    std::optional<std::string> member = ResolveMember(package_path, item.Attribute("href"));
    if (member && archive.Has(*member)) pages.emplace(item.Attribute("id"), *std::move(member));
  }
  std::vector<std::string> chapters;
  std::set<std::string> seen;
  for (const XmlNode item : package.Child("spine").children()) {
    const auto found = pages.find(item.Attribute("idref"));
    if (found != pages.end() && seen.insert(found->second).second) {
      chapters.push_back(found->second);
    }
  }
  return chapters;
}

// Fonts may be scrambled so that nobody takes them out of the book; that protects no text.
bool IsFontScrambling(std::string_view algorithm) {
  return algorithm == "http://www.idpf.org/2008/embedding" ||
         algorithm == "http://ns.adobe.com/pdf/enc#RC";
}

Result<void> RefuseLocked(ZipArchive& archive, const std::vector<std::string>& chapters) {
  if (!archive.Has(kEncryption)) return {};
  const XmlTree encryption = TRY(ParseXml(TRY(archive.Require(kEncryption)), kEncryption));
  const std::set<std::string_view> pages(chapters.begin(), chapters.end());
  for (const XmlNode data : encryption.root().children()) {
    if (IsFontScrambling(data.Child("EncryptionMethod").Attribute("Algorithm"))) continue;
    const std::string_view uri = data.Child("CipherData").Child("CipherReference").Attribute("URI");
    const std::optional<std::string> member = ResolveMember("", uri);
    if (member && pages.contains(*member)) {
      return Error(StatusCode::kInvalidInput,
                   "it is encrypted: the shop that sold it locks it to its own readers (DRM)");
    }
  }
  return {};
}

}  // namespace

Result<void> ExtractEpub(std::string_view bytes, DocumentBuilder& builder) {
  ZipArchive archive = TRY(ZipArchive::Open(bytes));
  const std::string package_path = TRY(PackagePath(archive));
  const XmlTree package = TRY(ParseXml(TRY(archive.Require(package_path)), package_path));
  const XmlNode metadata = package.root().Child("metadata");
  const XmlNode old_metadata = metadata.Child("dc-metadata");  // of OEB, before EPUB 2
  builder.SetTitle(TextBelow((old_metadata ? old_metadata : metadata).Child("title")));
  const std::vector<std::string> chapters = Chapters(archive, package_path, package.root());
  if (chapters.empty()) {
    return Error(StatusCode::kInvalidInput, "{}: it names no chapters that there are",
                 package_path);
  }
  TRY(RefuseLocked(archive, chapters));
  TRY(archive.Load(chapters));
  for (const std::string& chapter : chapters) {
    const std::string* page = archive.Find(chapter);
    if (page != nullptr) TRY(ExtractHtml(*page, builder));
  }
  return {};
}

}  // namespace kinglet
