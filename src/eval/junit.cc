// SPDX-License-Identifier: Apache-2.0
// One text, escaped the same in attributes and elements.
#include "eval/junit.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/utf8.h"

namespace kinglet {
namespace {

// XML 1.0's Char.
bool IsXmlCharacter(char32_t c) {
  if (c < 0x20) return c == '\t' || c == '\n' || c == '\r';
  return c != 0xFFFE && c != 0xFFFF;
}

std::string XmlText(std::string_view text) {
  std::string xml;
  while (!text.empty()) {
    const Utf8Character character = DecodeUtf8(text);
    const std::string_view bytes = text.substr(0, character.size_bytes);
    text.remove_prefix(character.size_bytes);
    const char32_t c = character.code_point;
    if (character.state != Utf8State::kValid || !IsXmlCharacter(c)) {
      xml += kReplacementCharacter;
    } else if (c == '<' || c == '>' || c == '&' || c == '"' || c < 0x20) {
      // White space, too, or an attribute would make a blank of it.
      xml += fmt::format("&#{};", static_cast<std::uint32_t>(c));
    } else {
      xml += bytes;
    }
  }
  return xml;
}

}  // namespace

std::string JUnitXml(std::string_view suite, std::span<const JUnitCase> cases) {
  const auto failures =
      std::ranges::count_if(cases, [](const JUnitCase& one) { return !one.failure.empty(); });
  const auto errors =
      std::ranges::count_if(cases, [](const JUnitCase& one) { return !one.error.empty(); });
  const std::string name = XmlText(suite);
  const std::string counts = fmt::format("name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\"",
                                         name, cases.size(), failures, errors);
  std::string xml =
      fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {}>\n<testsuite {}>\n",
                  counts, counts);
  for (const JUnitCase& one : cases) {
    xml += fmt::format("<testcase classname=\"{}\" name=\"{}\">", name, XmlText(one.name));
    if (!one.failure.empty()) {
      xml += fmt::format("<failure message=\"{}\"></failure>", XmlText(one.failure));
    }
    if (!one.error.empty())
      xml += fmt::format("<error message=\"{}\"></error>", XmlText(one.error));
    if (!one.output.empty()) xml += fmt::format("<system-out>{}</system-out>", XmlText(one.output));
    xml += "</testcase>\n";
  }
  return xml + "</testsuite>\n</testsuites>\n";
}

}  // namespace kinglet
