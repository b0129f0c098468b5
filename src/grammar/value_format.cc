// SPDX-License-Identifier: Apache-2.0
// Formats as patterns. Each accepts a subset of what its RFC does where the whole is out of reach,
// never more.
#include "grammar/value_format.h"

#include <array>
#include <string>
#include <tuple>

#include <fmt/format.h>

#include "grammar/decimal.h"
#include "grammar/pattern.h"

namespace kinglet {
namespace {

// RFC 3339, with leap years: a year is one where 4 divides it, but for the centuries that 400 does
// not.
constexpr std::string_view kDate =
    R"((?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29))";
constexpr std::string_view kTimeOfDay =
    R"((?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?)";
constexpr std::string_view kOffset = R"((?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9]))";
// ISO 8601 as RFC 3339, appendix A, has it: units in their order, none left out between two.
constexpr std::string_view kDuration =
    R"(P(?:[0-9]+W|(?:[0-9]+Y(?:[0-9]+M(?:[0-9]+D)?)?|[0-9]+M(?:[0-9]+D)?|[0-9]+D)(?:T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S))?|T(?:[0-9]+H(?:[0-9]+M(?:[0-9]+S)?)?|[0-9]+M(?:[0-9]+S)?|[0-9]+S)))";
constexpr std::string_view kLabel = R"([A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)";
// Without "xn--" in front: not all that follows it is Punycode, and of an allowed name.
constexpr std::string_view kAsciiLabel =
    R"((?:[A-WYZa-wyz0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?|[Xx](?:[A-MO-Za-mo-z0-9-][A-Za-z0-9-]{0,60}[A-Za-z0-9]|[A-Za-z0-9]|[Nn](?:[A-Za-z0-9][A-Za-z0-9-]{0,59}[A-Za-z0-9]|-?[A-Za-z0-9]|-[A-Za-z0-9][A-Za-z0-9-]{0,58}[A-Za-z0-9]))?))";
// Without "--" in the third and fourth place, where it is kept for names like "xn--" (RFC 5891).
constexpr std::string_view kIdnLabel =
    R"([A-Za-z0-9](?:[A-Za-z0-9-]{0,2}[A-Za-z0-9]|[A-Za-z0-9-](?:[A-Za-z0-9][A-Za-z0-9-]|-[A-Za-z0-9])[A-Za-z0-9-]{0,58}[A-Za-z0-9])?)";
constexpr std::string_view kByte = R"((?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9]))";
constexpr std::string_view kAtom = R"([A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)";
constexpr std::string_view kUuid =
    R"([0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12})";

std::string Ipv4() { return fmt::format(R"((?:{0}\.){{3}}{0})", kByte); }

// RFC 4291: eight groups, or fewer with one "::", the last two perhaps as an IPv4 address.
std::string Ipv6() {
  const std::string group = "[0-9A-Fa-f]{1,4}";
  const std::string last = fmt::format("(?:{0}:{0}|{1})", group, Ipv4());  // of 32 bits
  std::string ways = fmt::format("(?:{0}:){{6}}{1}", group, last);
  for (int before = 0; before <= 5; ++before) {  // groups in front of "::", then 32 bits at the end
    const std::string front =
        before == 0 ? "" : fmt::format("(?:(?:{0}:){{0,{1}}}{0})?", group, before - 1);
    ways += fmt::format("|{}::(?:{}:){{{}}}{}", front, group, 5 - before, last);
  }
  ways += fmt::format("|(?:(?:{0}:){{0,5}}{0})?::{0}|(?:(?:{0}:){{0,6}}{0})?::", group);
  return "(?:" + ways + ")";
}

// RFC 3986.
std::string Uri(bool may_be_relative) {
  const std::string encoded = "%[0-9A-Fa-f]{2}";
  const std::string unreserved = "[A-Za-z0-9._~!$&'()*+,;=-]";
  const std::string pchar = fmt::format("(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|{})", encoded);
  const std::string authority = fmt::format(
      R"((?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|{0})*@)?(?:\[(?:{1}|v[0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+)\]|(?:{2}|{0})*)(?::[0-9]*)?)",
      encoded, Ipv6(), unreserved);
  const std::string tail = fmt::format(R"((?:\?(?:{0}|[/?])*)?(?:#(?:{0}|[/?])*)?)", pchar);
  const std::string rooted =
      fmt::format("//{}(?:/{}*)*|/(?:{}+(?:/{}*)*)?", authority, pchar, pchar, pchar);
  const std::string absolute =
      fmt::format("[A-Za-z][A-Za-z0-9+.-]*:(?:{0}|(?:{1}+(?:/{1}*)*)?){2}", rooted, pchar, tail);
  if (!may_be_relative) return absolute;
  const std::string no_colon = fmt::format("(?:[A-Za-z0-9._~!$&'()*+,;=@-]|{})", encoded);
  return fmt::format("(?:{0}|(?:{1}|(?:{2}+(?:/{3}*)*)?){4})", absolute, rooted, no_colon, pchar,
                     tail);
}

// RFC 5321's limits of length are what every mailer takes, not what none may pass. An international
// name has the limit of what it stands for.
std::string Email() { return fmt::format(R"(^{0}(?:\.{0})*@(?:{1}\.)*{1}$)", kAtom, kLabel); }
std::string InternationalEmail() {
  return fmt::format(R"(^{0}(?:\.{0})*@(?=.{{1,253}}$)(?:{1}\.)*{1}$)", kAtom, kIdnLabel);
}

std::optional<std::string> PatternOf(std::string_view format) {
  if (format == "date") return fmt::format("^{}$", kDate);
  if (format == "time") return fmt::format("^{}{}$", kTimeOfDay, kOffset);
  if (format == "date-time") return fmt::format("^{}[Tt]{}{}$", kDate, kTimeOfDay, kOffset);
  if (format == "duration") return fmt::format("^{}$", kDuration);
  if (format == "email") return Email();
  if (format == "idn-email") return InternationalEmail();
  if (format == "hostname" || format == "idn-hostname") {
    return fmt::format(R"(^(?=.{{1,253}}$){0}(?:\.{0})*$)",
                       format == "hostname" ? kAsciiLabel : kIdnLabel);
  }
  if (format == "ipv4") return fmt::format("^{}$", Ipv4());
  if (format == "ipv6") return fmt::format("^{}$", Ipv6());
  if (format == "uuid") return fmt::format("^{}$", kUuid);
  if (format == "uri" || format == "iri" || format == "url")
    return fmt::format("^(?:{})$", Uri(false));
  if (format == "uri-reference" || format == "iri-reference")
    return fmt::format("^(?:{})$", Uri(true));
  if (format == "json-pointer") return R"(^(?:/(?:[^~/]|~[01])*)*$)";
  if (format == "relative-json-pointer")
    return R"(^(?:0|[1-9][0-9]*)(?:#|(?:/(?:[^~/]|~[01])*)*)$)";
  return std::nullopt;
}

}  // namespace

std::optional<Result<RegexId>> CompileStringFormat(RegexPool& pool, std::string_view format) {
  const auto pattern = PatternOf(format);
  if (!pattern) return std::nullopt;
  return CompileStringPattern(pool, *pattern);
}

std::optional<RegexId> CompileWiderFormat(RegexPool& pool, std::string_view format) {
  std::optional<std::string_view> pattern;
  if (format.starts_with("idn-") || format.starts_with("iri")) pattern = "";
  if (format == "email") pattern = "@";
  if (format == "hostname") pattern = "^[A-Za-z0-9.-]{1,253}$";
  if (!pattern) return std::nullopt;
  return CompileStringPattern(pool, *pattern).value();
}

std::optional<RegexId> CompileNumberFormat(RegexPool& pool, std::string_view format) {
  constexpr std::array<std::tuple<std::string_view, std::string_view, std::string_view>, 4>
      kRanges = {{{"int32", "-2147483648", "2147483647"},
                  {"int64", "-9223372036854775808", "9223372036854775807"},
                  {"uint32", "0", "4294967295"},
                  {"uint64", "0", "18446744073709551615"}}};
  for (const auto& [name, least, most] : kRanges) {
    if (format != name) continue;
    const auto from = ParseDecimal(least);
    const auto to = ParseDecimal(most);
    if (!from || !to) return std::nullopt;
    return pool.And({IntegralNumber(pool), NumberAtLeast(pool, *from, /*is_exclusive=*/false),
                     NumberAtMost(pool, *to, /*is_exclusive=*/false)});
  }
  if (format == "float" || format == "double" || format == "utc-millisec") return AnyNumber(pool);
  return std::nullopt;
}

}  // namespace kinglet
