// SPDX-License-Identifier: Apache-2.0
// Books as their makers write them.
#include "knowledge/formats/epub.h"

#include <gtest/gtest.h>

#include "knowledge/describe_for_test.h"
#include "knowledge/zip_writer_for_test.h"

namespace kinglet {
namespace {

std::string Book(const std::string& manifest, const std::string& spine, const ZipMembers& more) {
  ZipMembers members = {
      {"mimetype", "application/epub+zip"},
      {"META-INF/container.xml",
       "<container xmlns='urn:oasis:names:tc:opendocument:xmlns:container'><rootfiles><rootfile "
       "full-path='OEBPS/content.opf'/></rootfiles></container>"},
      {"OEBPS/content.opf",
       "<package xmlns='http://www.idpf.org/2007/opf' xmlns:dc='d'><metadata><dc:title>The hen "
       "book</dc:title></metadata><manifest>" +
           manifest + "</manifest><spine>" + spine + "</spine></package>"}};
  members.insert(members.end(), more.begin(), more.end());
  return WriteZip(members);
}

std::string Item(const std::string& id, const std::string& href, const std::string& more = "") {
  return "<item id='" + id + "' href='" + href + "' media-type='application/xhtml+xml' " + more +
         "/>";
}

std::string Page(const std::string& body) {
  return "<?xml version='1.0' encoding='utf-8'?><!DOCTYPE html><html "
         "xmlns='http://www.w3.org/1999/xhtml'><head><title>page</title></head><body>" +
         body + "</body></html>";
}

const char* const kManifestOfTwo =
    "<item id='one' href='1%20%C3%A9.xhtml' "
    "media-type='application/xhtml+xml'/>"
    "<item id='two' href='../two.xhtml#x' "
    "media-type='application/xhtml+xml'/>";

TEST(Epub, ReadsChaptersInTheOrderOfTheSpine) {
  const std::string bytes =
      Book(kManifestOfTwo + Item("nav", "nav.xhtml", "properties='scripted nav'") +
               Item("away", "../../etc/passwd") + Item("gone", "gone.xhtml") +
               "<item id='css' href='a.css' media-type='text/css'/>",
           "<itemref idref='nav'/><itemref idref='two'/><itemref idref='one'/><itemref "
           "idref='two'/><itemref idref='away'/><itemref idref='gone'/><itemref idref='css'/>"
           "<itemref idref='unknown'/>",
           {{"OEBPS/1 é.xhtml", Page("<h1>Nests</h1><p>Straw &amp; hay.</p>")},
            {"two.xhtml", Page("<h1>Feeding</h1><h2>Corn</h2><p>Yellow.</p>")},
            {"OEBPS/nav.xhtml", Page("<h1>Contents</h1>")},
            {"OEBPS/a.css", "p {}"}});
  EXPECT_EQ(Describe(Extract("a.epub", bytes)),
            "title: The hen book\n"
            "heading [Feeding] Feeding\n"
            "heading [Feeding > Corn] Corn\n"
            "paragraph [Feeding > Corn] Yellow.\n"
            "heading [Nests] Nests\n"
            "paragraph [Nests] Straw & hay.\n");
}

TEST(Epub, TellsALockedBookFromScrambledFonts) {
  const auto book = [](const std::string& algorithm, const std::string& uri) {
    return Book(kManifestOfTwo, "<itemref idref='two'/>",
                {{"two.xhtml", Page("<p>text</p>")},
                 {"META-INF/encryption.xml",
                  "<encryption xmlns='c' xmlns:enc='e'><enc:EncryptedData><enc:EncryptionMethod "
                  "Algorithm='" +
                      algorithm + "'/><enc:CipherData><enc:CipherReference URI='" + uri +
                      "'/></enc:CipherData></enc:EncryptedData></encryption>"}});
  };
  const std::string cipher = "http://www.w3.org/2001/04/xmlenc#aes128-cbc";
  EXPECT_EQ(Extract("a.epub", book("http://www.idpf.org/2008/embedding", "OEBPS/a.otf")).text,
            "text");
  EXPECT_EQ(Extract("a.epub", book(cipher, "OEBPS/a.mp3")).text, "text");
  EXPECT_EQ(ErrorOf("a.epub", book(cipher, "two.xhtml")).message(),
            "it is encrypted: the shop that sold it locks it to its own readers (DRM)");
}

TEST(Epub, SaysWhyItCannotBeRead) {
  EXPECT_EQ(ErrorOf("a.epub", WriteZip({{"a", "x"}})).message(),
            "its zip archive has no member \"META-INF/container.xml\"");
  EXPECT_EQ(ErrorOf("a.epub", WriteZip({{"META-INF/container.xml", "<container/>"}})).message(),
            "META-INF/container.xml: it names no package document that there is");
  EXPECT_EQ(ErrorOf("a.epub", Book("", "", {})).message(),
            "OEBPS/content.opf: it names no chapters that there are");
}

}  // namespace
}  // namespace kinglet
