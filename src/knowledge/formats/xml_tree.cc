// SPDX-License-Identifier: Apache-2.0
// libxml2's XML parser through its SAX callbacks, so that the tree, its depth and its size are ours
// to bound, and document types have nobody who would listen to them.
#include "knowledge/formats/xml_tree.h"

#include <algorithm>
#include <memory>
#include <unordered_map>

#include <libxml/parser.h>

#include "base/check.h"
#include "base/display.h"
#include "knowledge/cleaner.h"

namespace kinglet {

std::string_view XmlNode::tag() const { return tree_->names_[tree_->nodes_[index_].tag]; }

std::string_view XmlNode::text() const { return tree_->View(tree_->nodes_[index_].text); }

std::string_view XmlNode::Attribute(std::string_view name) const {
  const XmlTree::Node& node = tree_->nodes_[index_];
  for (std::uint32_t i = 0; i < node.attribute_count; ++i) {
    const XmlTree::NamedText& attribute = tree_->attributes_[node.first_attribute + i];
    if (tree_->names_[attribute.name] == name) return tree_->View(attribute.value);
  }
  return {};
}

XmlNode XmlNode::Child(std::string_view tag) const {
  for (const XmlNode child : children()) {
    if (child.tag() == tag) return child;
  }
  return {tree_, 0};
}

XmlChildren XmlNode::children() const {
  return XmlChildren({tree_, tree_->nodes_[index_].first_child});
}

XmlChildren::Iterator& XmlChildren::Iterator::operator++() {
  node_.index_ = node_.tree_->nodes_[node_.index_].next_sibling;
  return *this;
}

// Fills a tree from libxml2's callbacks.
class XmlTreeWriter {
 public:
  enum class Trouble { kNone, kTooLarge, kDeclares };

  XmlTreeWriter(const XmlLimits& limits, xmlParserCtxt* parser)
      : limits_(limits), parser_(parser) {}

  void Start(std::string_view name, std::size_t namespaces, std::size_t attribute_count,
             const xmlChar** attributes) {
    if (trouble_ != Trouble::kNone) return;
    namespaces_ += namespaces;
    if (open_.size() >= limits_.depth || namespaces_ > limits_.tag_attributes) {
      return Stop(Trouble::kTooLarge);
    }
    XmlTree::Node node;
    node.tag = Intern(name);
    node.first_attribute = static_cast<std::uint32_t>(tree_.attributes_.size());
    node.attribute_count = static_cast<std::uint32_t>(attribute_count);
    // libxml2 gives five pointers each: name, prefix, namespace, and where the value begins and
    // ends.
    for (std::size_t i = 0; i < attribute_count; ++i, attributes += 5) {
      const std::string_view space = View(attributes[2]);
      std::string key = space.ends_with("/relationships") ? "r:" : "";
      key += View(attributes[0]);
      const auto* value = reinterpret_cast<const char*>(attributes[3]);
      const auto* value_end = reinterpret_cast<const char*>(attributes[4]);
      tree_.attributes_.push_back({Intern(key), Keep({value, value_end})});
    }
    open_.push_back({Append(node), 0, namespaces});
  }

  // A stopped parser does not report starts and ends in balance.
  void End() {
    if (open_.empty()) return;
    namespaces_ -= open_.back().namespaces;
    open_.pop_back();
  }

  void Characters(std::string_view text) {
    if (trouble_ != Trouble::kNone || open_.empty()) return;
    if (const std::uint32_t last = open_.back().last_child; last != 0) {
      XmlTree::Node& before = tree_.nodes_[last];
      // Comments and the parser's buffers cut a text; nothing was written after its beginning.
      if (before.tag == 0 && before.text.end == tree_.texts_.size()) {
        before.text.end = Keep(text).end;
        return;
      }
    }
    XmlTree::Node node;
    node.text = Keep(text);
    Append(node);
  }

  void Stop(Trouble trouble) {
    if (trouble_ == Trouble::kNone) trouble_ = trouble;
    xmlStopParser(parser_);
  }

  Trouble trouble() const { return trouble_; }
  XmlTree Finish() && { return std::move(tree_); }

  static std::string_view View(const xmlChar* text) {
    return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
  }

 private:
  struct OpenElement {
    std::uint32_t node;
    std::uint32_t last_child;
    std::size_t namespaces;  // that it declares
  };

  std::uint32_t Intern(std::string_view name) {
    const auto [found, added] = names_.try_emplace(std::string(name), tree_.names_.size());
    if (added) tree_.names_.emplace_back(name);
    return static_cast<std::uint32_t>(found->second);
  }

  XmlTree::Text Keep(std::string_view text) {
    const auto begin = static_cast<std::uint32_t>(tree_.texts_.size());
    tree_.texts_ += text;
    return {begin, static_cast<std::uint32_t>(tree_.texts_.size())};
  }

  std::uint32_t Append(const XmlTree::Node& node) {
    if (tree_.nodes_.size() + tree_.attributes_.size() >= limits_.nodes) {
      Stop(Trouble::kTooLarge);
    }
    const auto index = static_cast<std::uint32_t>(tree_.nodes_.size());
    tree_.nodes_.push_back(node);
    if (!open_.empty()) {
      OpenElement& parent = open_.back();
      if (parent.last_child == 0) {
        tree_.nodes_[parent.node].first_child = index;
      } else {
        tree_.nodes_[parent.last_child].next_sibling = index;
      }
      parent.last_child = index;
    }
    return index;
  }

  const XmlLimits& limits_;
  xmlParserCtxt* parser_;
  XmlTree tree_;
  std::unordered_map<std::string, std::size_t> names_{{"", 0}};
  std::vector<OpenElement> open_;
  std::size_t namespaces_ = 0;  // that the open elements declare
  Trouble trouble_ = Trouble::kNone;
};

namespace {

XmlTreeWriter& Writer(void* user) { return *static_cast<XmlTreeWriter*>(user); }

void Declares(void* user) { Writer(user).Stop(XmlTreeWriter::Trouble::kDeclares); }

// A document type may be named, as old writers of EPUB do; what it names is never read.
void SetHandlers(xmlSAXHandler& sax) {
  sax = {};
  sax.initialized = XML_SAX2_MAGIC;
  sax.startElementNs = [](void* user, const xmlChar* name, const xmlChar*, const xmlChar*,
                          int namespace_count, const xmlChar**, int attribute_count, int,
                          const xmlChar** attributes) {
    Writer(user).Start(XmlTreeWriter::View(name), static_cast<std::size_t>(namespace_count),
                       static_cast<std::size_t>(attribute_count), attributes);
  };
  sax.endElementNs = [](void* user, const xmlChar*, const xmlChar*, const xmlChar*) {
    Writer(user).End();
  };
  sax.characters = [](void* user, const xmlChar* text, int bytes) {
    Writer(user).Characters({reinterpret_cast<const char*>(text), static_cast<std::size_t>(bytes)});
  };
  sax.ignorableWhitespace = sax.characters;
  sax.entityDecl = [](void* user, const xmlChar*, int, const xmlChar*, const xmlChar*, xmlChar*) {
    Declares(user);
  };
  sax.unparsedEntityDecl = [](void* user, const xmlChar*, const xmlChar*, const xmlChar*,
                              const xmlChar*) { Declares(user); };
  sax.attributeDecl = [](void* user, const xmlChar*, const xmlChar*, int, int, const xmlChar*,
                         xmlEnumeration* values) {
    xmlFreeEnumeration(values);  // the handler's, by libxml2's contract
    Declares(user);
  };
  sax.elementDecl = [](void* user, const xmlChar*, int, xmlElementContent*) { Declares(user); };
  sax.notationDecl = [](void* user, const xmlChar*, const xmlChar*, const xmlChar*) {
    Declares(user);
  };
}

struct FreeParser {
  void operator()(xmlParserCtxt* parser) const { xmlFreeParserCtxt(parser); }
};

// libxml2 compares each attribute of a tag with each other one before it reports the tag, so it is
// asked nothing before this has counted them.
bool HasTagOfManyAttributes(std::string_view text, std::size_t max_attributes) {
  for (std::size_t i = text.find('<'); i < text.size(); i = text.find('<', i)) {
    const std::string_view rest = text.substr(i);
    std::string_view end;
    if (rest.starts_with("<!--")) end = "-->";
    if (rest.starts_with("<![CDATA[")) end = "]]>";
    if (rest.starts_with("<?")) end = "?>";
    if (!end.empty()) {
      i = text.find(end, i + 2);
      continue;
    }
    std::size_t count = 0;
    for (++i; i < text.size() && text[i] != '>' && text[i] != '<'; ++i) {
      if (text[i] != '"' && text[i] != '\'') continue;
      if (++count > max_attributes) return true;
      i = text.find(text[i], i + 1);
      if (i == std::string_view::npos) return false;
    }
  }
  return false;
}

std::unexpected<Status> TooLarge(std::string_view name, const XmlLimits& limits) {
  return Error(StatusCode::kLimitExceeded,
               "{}: its elements nest deeper than {}, are more than {} or have more than {} "
               "attributes each",
               EscapeForDisplay(name), limits.depth, limits.nodes, limits.tag_attributes);
}

void AppendTextBelow(XmlNode node, std::string& out) {
  out += node.text();
  for (const XmlNode child : node.children()) AppendTextBelow(child, out);
}

}  // namespace

Result<XmlTree> ParseXml(std::string_view bytes, std::string_view name, const XmlLimits& limits) {
  const std::string text = DecodeToUtf8(bytes);
  if (HasTagOfManyAttributes(text, limits.tag_attributes)) return TooLarge(name, limits);
  const std::unique_ptr<xmlParserCtxt, FreeParser> parser(xmlNewParserCtxt());
  KINGLET_CHECK(parser != nullptr && parser->sax != nullptr, "out of memory");
  XmlTreeWriter writer(limits, parser.get());
  SetHandlers(*parser->sax);
  parser->userData = &writer;
  // "Huge" lifts libxml2's own limits, which count other things than ours; "no entities" has it
  // decode &amp; in attributes, which else stays "&#38;".
  xmlFreeDoc(xmlCtxtReadMemory(
      parser.get(), text.data(), static_cast<int>(text.size()), nullptr, "UTF-8",
      XML_PARSE_NOENT | XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING |
          XML_PARSE_NOCDATA | XML_PARSE_HUGE | XML_PARSE_IGNORE_ENC));
  if (writer.trouble() == XmlTreeWriter::Trouble::kTooLarge) return TooLarge(name, limits);
  if (writer.trouble() == XmlTreeWriter::Trouble::kDeclares) {
    return Error(StatusCode::kInvalidInput,
                 "{}: its XML declares entities or types of its own, which is refused",
                 EscapeForDisplay(name));
  }
  XmlTree tree = std::move(writer).Finish();
  if (parser->wellFormed == 0 || !tree.root()) {
    return Error(StatusCode::kInvalidInput, "{}: its XML is broken in line {}",
                 EscapeForDisplay(name), std::max(parser->lastError.line, 1));
  }
  return tree;
}

std::string TextBelow(XmlNode node) {
  std::string out;
  AppendTextBelow(node, out);
  return out;
}

}  // namespace kinglet
