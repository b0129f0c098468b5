// SPDX-License-Identifier: Apache-2.0
// libxml2's HTML parser through its SAX callbacks, so that the tree, its depth and its size are
// ours to bound.
#include "knowledge/formats/html_tree.h"

#include <algorithm>
#include <cstdarg>
#include <memory>

#include <libxml/HTMLparser.h>
#include <libxml/parser.h>

#include "base/check.h"
#include "knowledge/cleaner.h"

namespace kinglet {
namespace {

std::string_view View(const xmlChar* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

std::string_view LocalName(const xmlChar* name) {
  const std::string_view full = View(name);
  return full.substr(full.rfind(':') + 1);
}

class TreeWriter {
 public:
  TreeWriter(const HtmlLimits& limits, xmlParserCtxt* parser) : limits_(limits), parser_(parser) {
    tree_.nodes.emplace_back();
    open_.push_back(0);
  }

  void Start(const xmlChar* name, const xmlChar** attributes) {
    if (open_.size() > limits_.depth || tree_.nodes.size() >= limits_.nodes) return Stop();
    HtmlNode node;
    node.tag = LowerAscii(LocalName(name));
    if (parser_->input != nullptr) node.line = static_cast<std::size_t>(parser_->input->line);
    for (; attributes != nullptr && attributes[0] != nullptr; attributes += 2) {
      AddAttribute(node, LowerAscii(LocalName(attributes[0])), View(attributes[1]));
    }
    open_.push_back(Append(std::move(node)));
  }

  // libxml2 reports starts and ends in balance; a stopped parser does not.
  void End() {
    if (open_.size() > 1) open_.pop_back();
  }

  void Characters(std::string_view text) {
    if (stopped_) return;
    HtmlNode& parent = tree_.nodes[open_.back()];
    if (!parent.children.empty() && tree_.nodes[parent.children.back()].tag.empty()) {
      tree_.nodes[parent.children.back()].text += text;
      return;
    }
    if (tree_.nodes.size() >= limits_.nodes) return Stop();
    HtmlNode node;
    node.text = text;
    Append(std::move(node));
  }

  bool stopped() const { return stopped_; }

  HtmlTree Finish() && { return std::move(tree_); }

 private:
  static void AddAttribute(HtmlNode& node, std::string name, std::string_view value) {
    if (std::ranges::find(kHtmlAttributes, name) == std::end(kHtmlAttributes)) return;
    const bool verbatim = name == "href" || name == "title";
    node.attributes.emplace_back(std::move(name),
                                 verbatim ? std::string(value) : LowerAscii(value));
  }

  std::uint32_t Append(HtmlNode node) {
    const auto index = static_cast<std::uint32_t>(tree_.nodes.size());
    tree_.nodes.push_back(std::move(node));
    tree_.nodes[open_.back()].children.push_back(index);
    return index;
  }

  void Stop() {
    stopped_ = true;
    xmlStopParser(parser_);
  }

  const HtmlLimits& limits_;
  xmlParserCtxt* parser_;
  HtmlTree tree_;
  std::vector<std::uint32_t> open_;
  bool stopped_ = false;
};

TreeWriter& Writer(void* user) { return *static_cast<TreeWriter*>(user); }

void OnStart(void* user, const xmlChar* name, const xmlChar** attributes) {
  Writer(user).Start(name, attributes);
}
void OnEnd(void* user, const xmlChar*) { Writer(user).End(); }
void OnCharacters(void* user, const xmlChar* text, int bytes) {
  Writer(user).Characters({reinterpret_cast<const char*>(text), static_cast<std::size_t>(bytes)});
}
void Ignore(void*, const char*, ...) {}  // NOLINT: libxml2 asks for a variadic function

struct FreeParser {
  void operator()(xmlParserCtxt* parser) const { htmlFreeParserCtxt(parser); }
};

}  // namespace

std::string_view HtmlNode::Attribute(std::string_view name) const {
  for (const auto& [key, value] : attributes) {
    if (key == name) return value;
  }
  return {};
}

bool HtmlNode::HasClass(std::string_view name) const {
  const std::string_view classes = Attribute("class");
  for (std::size_t at = classes.find(name); at != std::string::npos;
       at = classes.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if ((at == 0 || IsSpace(classes[at - 1])) && (end == classes.size() || IsSpace(classes[end]))) {
      return true;
    }
  }
  return false;
}

Result<HtmlTree> ParseHtml(std::string_view utf8, const HtmlLimits& limits) {
  // libxml2's own first use is not made for several threads at once.
  static const bool is_ready = [] {
    xmlInitParser();
    return true;
  }();
  KINGLET_CHECK(is_ready, "libxml2");
  const std::unique_ptr<xmlParserCtxt, FreeParser> parser(htmlNewParserCtxt());
  KINGLET_CHECK(parser != nullptr && parser->sax != nullptr, "out of memory");
  TreeWriter writer(limits, parser.get());
  // What parses the text and what receives it are one context; the tree hangs on the user data.
  xmlSAXHandler& sax = *parser->sax;
  sax = {};
  sax.startElement = OnStart;
  sax.endElement = OnEnd;
  sax.characters = OnCharacters;
  sax.ignorableWhitespace = OnCharacters;
  sax.cdataBlock = [](void*, const xmlChar*, int) {};  // scripts and style sheets
  sax.error = Ignore;
  sax.warning = Ignore;
  parser->userData = &writer;
  // The document it returns is null without libxml2's own tree builder.
  xmlFreeDoc(htmlCtxtReadMemory(parser.get(), utf8.data(), static_cast<int>(utf8.size()), nullptr,
                                "UTF-8",
                                HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
                                    HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC));
  if (writer.stopped()) {
    return Error(StatusCode::kLimitExceeded,
                 "its elements nest deeper than {} or are more than {}: not a page for people",
                 limits.depth, limits.nodes);
  }
  return std::move(writer).Finish();
}

}  // namespace kinglet
