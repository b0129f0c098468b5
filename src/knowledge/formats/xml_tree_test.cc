// SPDX-License-Identifier: Apache-2.0
#include "knowledge/formats/xml_tree.h"

#include <gtest/gtest.h>

namespace kinglet {
namespace {

Status ErrorOf(std::string_view xml, const XmlLimits& limits = {}) {
  const auto tree = ParseXml(xml, "a.xml", limits);
  return tree ? Status(StatusCode::kFailed, "it is read") : tree.error();
}

TEST(ParseXml, GivesElementsByTheirLocalNames) {
  const XmlTree tree = ParseXml(
                           "<w:a xmlns:w='u'><w:b x='1 &amp; &lt;&#50;'>one</w:b><!-- no --><b>t"
                           "<![CDATA[w<]]><!-- no -->o&amp;&#x20AC;</b><c/></w:a>",
                           "a.xml")
                           .value();
  const XmlNode root = tree.root();
  EXPECT_EQ(root.tag(), "a");
  EXPECT_EQ(root.Child("b").Attribute("x"), "1 & <2");
  std::string seen;
  for (const XmlNode child : root.children()) {
    seen += std::string(child.tag()) + "=" + TextBelow(child) + ";";
  }
  EXPECT_EQ(seen, "b=one;b=tw<o&€;c=;");
}

TEST(ParseXml, AnswersForWhatIsNotThere) {
  const XmlTree tree = ParseXml("<a><b/></a>", "a.xml").value();
  const XmlNode nothing = tree.root().Child("x").Child("y");
  EXPECT_FALSE(nothing);
  EXPECT_EQ(nothing.Attribute("z"), "");
  EXPECT_EQ(TextBelow(nothing), "");
  EXPECT_TRUE(tree.root().Child("b"));
  EXPECT_FALSE(XmlTree().root());
}

TEST(ParseXml, TellsARelationshipFromAnId) {
  const XmlTree tree =
      ParseXml(
          "<a xmlns:q='http://schemas.openxmlformats.org/officeDocument/2006/relationships'>"
          "<b id='256' q:id='rId2'/></a>",
          "a.xml")
          .value();
  EXPECT_EQ(tree.root().Child("b").Attribute("id"), "256");
  EXPECT_EQ(tree.root().Child("b").Attribute("r:id"), "rId2");
}

TEST(ParseXml, ReadsUtf16) {
  std::string bytes = "\xFF\xFE";
  for (const char c : std::string_view("<?xml version='1.0' encoding='UTF-16'?><a>\xE9</a>")) {
    bytes += c;
    bytes += '\0';
  }
  EXPECT_EQ(TextBelow(ParseXml(bytes, "a.xml").value().root()), "é");
}

TEST(ParseXml, NamesTheMemberThatIsBroken) {
  EXPECT_EQ(ErrorOf("<a>\n<b></a>").code(), StatusCode::kInvalidInput);
  EXPECT_EQ(ErrorOf("<a>\n<b></a>").message(), "a.xml: its XML is broken in line 2");
  EXPECT_EQ(ErrorOf("").code(), StatusCode::kInvalidInput);
  EXPECT_EQ(ErrorOf("<a>").code(), StatusCode::kInvalidInput);
  EXPECT_EQ(ErrorOf("<a/>text").code(), StatusCode::kInvalidInput);
}

TEST(ParseXml, KnowsNoEntitiesButXmlsOwn) {
  EXPECT_EQ(ErrorOf("<a>&nbsp;</a>").code(), StatusCode::kInvalidInput);
  for (const std::string_view declaration :
       {"<!ENTITY x 'ha'>", "<!ENTITY x SYSTEM 'file:///etc/passwd'>", "<!ENTITY % x 'ha'>",
        "<!ATTLIST a b CDATA 'default'>", "<!ATTLIST a b (c|d) 'c'>", "<!ELEMENT a ANY>",
        "<!NOTATION n SYSTEM 'n'>", "<!ENTITY x SYSTEM 'x' NDATA n>"}) {
    const Status status = ErrorOf("<!DOCTYPE a [" + std::string(declaration) + "]><a>&x;</a>");
    EXPECT_EQ(status.message(),
              "a.xml: its XML declares entities or types of its own, which is refused")
        << declaration;
  }
}

TEST(ParseXml, RefusesABillionLaughs) {
  std::string xml = "<!DOCTYPE a [<!ENTITY l0 'ha'>";
  for (int i = 1; i < 10; ++i) {
    xml += "<!ENTITY l" + std::to_string(i) + " '";
    for (int j = 0; j < 10; ++j) xml += "&l" + std::to_string(i - 1) + ";";
    xml += "'>";
  }
  EXPECT_EQ(ErrorOf(xml + "]><a>&l9;</a>").code(), StatusCode::kInvalidInput);
}

TEST(ParseXml, NeverReadsADocumentTypeThatIsOnlyNamed) {
  const auto tree = ParseXml("<!DOCTYPE a PUBLIC '-//x//y' 'file:///etc/passwd'><a>b</a>", "a.xml");
  ASSERT_TRUE(tree);
  EXPECT_EQ(TextBelow(tree->root()), "b");
  const auto reference = ParseXml("<!DOCTYPE a SYSTEM 'file:///etc/passwd' [%x;]><a>&y;</a>", "a");
  ASSERT_TRUE(reference);
  EXPECT_EQ(TextBelow(reference->root()), "");
}

TEST(ParseXml, HasLimits) {
  std::string deep;
  for (int i = 0; i < 201; ++i) deep += "<a>";
  EXPECT_EQ(ErrorOf(deep).code(), StatusCode::kLimitExceeded);
  EXPECT_EQ(ErrorOf("<a><b/>c<b/></a>", {.nodes = 5}).message(), "it is read");
  EXPECT_EQ(ErrorOf("<a><b/>c<b/></a>", {.nodes = 4}).code(), StatusCode::kLimitExceeded);
  std::string wide = "<a";
  for (int i = 0; i < 257; ++i) wide += " a" + std::to_string(i) + "='1'";
  EXPECT_EQ(ErrorOf(wide + "/>").code(), StatusCode::kLimitExceeded);
  EXPECT_EQ(
      ErrorOf("<a><!-- " + wide + " --><?x '?><b>" + std::string(999, '"') + "</b></a>").message(),
      "it is read");
  std::string spaces;  // open at once, each of its own element
  for (int i = 0; i < 150; ++i) {
    spaces += "<a xmlns:p" + std::to_string(i) + "='u' xmlns:q" + std::to_string(i) + "='u'>";
  }
  EXPECT_EQ(ErrorOf(spaces).code(), StatusCode::kLimitExceeded);
}

}  // namespace
}  // namespace kinglet
