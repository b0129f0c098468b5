// SPDX-License-Identifier: Apache-2.0
// An XML member of a document as a tree, by local names: prefixes are each writer's own choice.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace kinglet {

class XmlChildren;
class XmlTree;

// A place in an XmlTree, which must outlive it. What is not there is a null node: it has no tag, no
// text, no attributes and no children, so that node.Child("a").Child("b") needs no questions.
class XmlNode {
 public:
  explicit operator bool() const { return index_ != 0; }
  std::string_view tag() const;   // local name; empty: a text
  std::string_view text() const;  // of a text
  // Empty where it has none. Attributes of OOXML's namespace of relationships are "r:" and their
  // local name, as there are elements with both id and r:id.
  std::string_view Attribute(std::string_view name) const;
  XmlNode Child(std::string_view tag) const;  // the first one; else null
  XmlChildren children() const;

  bool operator==(const XmlNode&) const = default;

 private:
  friend class XmlChildren;
  friend class XmlTree;
  XmlNode(const XmlTree* tree, std::uint32_t index) : tree_(tree), index_(index) {}

  const XmlTree* tree_;
  std::uint32_t index_;
};

// for (const XmlNode child : node.children())
class XmlChildren {
 public:
  class Iterator {
   public:
    explicit Iterator(XmlNode node) : node_(node) {}
    XmlNode operator*() const { return node_; }
    Iterator& operator++();
    bool operator==(const Iterator&) const = default;

   private:
    XmlNode node_;
  };

  explicit XmlChildren(XmlNode first) : first_(first) {}
  Iterator begin() const { return Iterator(first_); }
  Iterator end() const { return Iterator(XmlNode(first_.tree_, 0)); }

 private:
  XmlNode first_;
};

class XmlTree {
 public:
  XmlNode root() const { return {this, nodes_.size() > 1 ? 1U : 0U}; }  // the outermost element

 private:
  friend class XmlChildren;
  friend class XmlNode;
  friend class XmlTreeWriter;

  struct Text {  // of texts_
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };
  struct Node {
    std::uint32_t tag = 0;  // index into names_
    std::uint32_t first_child = 0;
    std::uint32_t next_sibling = 0;
    std::uint32_t first_attribute = 0;
    std::uint32_t attribute_count = 0;
    Text text;
  };
  struct NamedText {
    std::uint32_t name = 0;
    Text value;
  };

  std::string_view View(Text text) const {
    return std::string_view(texts_).substr(text.begin, text.end - text.begin);
  }

  std::vector<Node> nodes_{Node{}};  // the first is the null node
  std::vector<NamedText> attributes_;
  std::vector<std::string> names_{""};
  std::string texts_;
};

struct XmlLimits {
  std::size_t depth = 200;
  std::size_t nodes = 6'000'000;     // elements, texts and attributes
  std::size_t tag_attributes = 256;  // of one element, and of namespaces open at once
};

// kInvalidInput: not well-formed, or it declares entities or types of its own, which no office
// program does. kLimitExceeded beyond the limits. Reads no other file and no network; knows the
// five entities of XML only. The name is for messages.
Result<XmlTree> ParseXml(std::string_view bytes, std::string_view name,
                         const XmlLimits& limits = {});

// All text below a node.
std::string TextBelow(XmlNode node);

}  // namespace kinglet
