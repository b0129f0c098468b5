// SPDX-License-Identifier: Apache-2.0
// Finds data that points to a person: addresses of mail and of machines, numbers of phones, bank
// accounts and payment cards. Rules rather than a model, so that a finding can be explained; what a
// rule cannot tell from a version, a date or a section's number is let pass.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_range.h"

namespace kinglet {

enum class PersonalDataKind : std::uint8_t { kEmail, kPhone, kIban, kCard, kIpv4, kIpv6 };

inline constexpr std::array kPersonalDataKinds = {
    PersonalDataKind::kEmail, PersonalDataKind::kPhone, PersonalDataKind::kIban,
    PersonalDataKind::kCard,  PersonalDataKind::kIpv4,  PersonalDataKind::kIpv6};

std::string_view Name(PersonalDataKind kind);  // "email", "phone", "iban", "card", "ipv4", "ipv6"

struct PersonalData {
  PersonalDataKind kind;
  ByteRange range;  // of the text; never begins or ends inside a character, never holds a line end

  bool operator==(const PersonalData&) const = default;
};

// In order, without overlap. Takes any bytes.
//   email  local@domain.tld; no names of files ("x@2x.png") or of units ("getty@tty1.service")
//   phone  international with + or 00; national with a leading 0, as North America writes it, or
//          after a word like "Tel."
//   iban   a country of the registry, its length, and the check digits (ISO 13616, mod 97)
//   card   a prefix and length of a known network, grouped as they are, and Luhn's check digit
//   ipv4   four numbers up to 255; not after "version" or "section", not with numbers below 100
//          alone unless it says that it is one; no loopback, no netmask
//   ipv6   global, unique local and link-local ones (RFC 4291)
std::vector<PersonalData> FindPersonalData(std::string_view utf8);

// The text with each of them replaced by its name: "[email]".
std::string MaskPersonalData(std::string_view utf8, const std::vector<PersonalData>& found);

}  // namespace kinglet
