// SPDX-License-Identifier: Apache-2.0
// Classes of characters that grammars tell apart: together all of Unicode, each character in one.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "grammar/code_points.h"

namespace kinglet {

// A set of classes, bit by bit.
using CharacterClasses = std::uint64_t;

// a-f, g-z, A-F, G-Z, 0-9, the line feed, other control characters, what is beyond ASCII (with
// DEL), the blanks there, then the space and each of ASCII's 32 signs by itself.
inline constexpr int kCharacterClasses = 42;
inline constexpr CharacterClasses kAllCharacters = (CharacterClasses{1} << kCharacterClasses) - 1;
// In the set of what is no whole character; no class.
inline constexpr CharacterClasses kBrokenCharacter = CharacterClasses{1} << 63;

// Those of ECMAScript's \s (ECMA-262, 22.2.2.9), which \S and partly "." leave out.
inline constexpr CodePointSet::Range kBlanksBeyondAscii[] = {
    {0xA0, 0xA0},     {0x1680, 0x1680}, {0x2000, 0x200A}, {0x2028, 0x2029},
    {0x202F, 0x202F}, {0x205F, 0x205F}, {0x3000, 0x3000}, {0xFEFF, 0xFEFF}};

constexpr bool IsBlankBeyondAscii(char32_t c) {
  return std::ranges::any_of(kBlanksBeyondAscii, [c](const CodePointSet::Range& range) {
    return range.first <= c && c <= range.last;
  });
}

constexpr int ClassOf(char32_t c) {
  constexpr int kFirstSign = 9;
  if (c >= U'a' && c <= U'z') return c <= U'f' ? 0 : 1;
  if (c >= U'A' && c <= U'Z') return c <= U'F' ? 2 : 3;
  if (c >= U'0' && c <= U'9') return 4;
  if (c == U'\n') return 5;
  if (c < 0x20) return 6;
  if (c >= 0x7F) return IsBlankBeyondAscii(c) ? 8 : 7;
  // The signs, in a row: 0x20-0x2F, 0x3A-0x40, 0x5B-0x60, 0x7B-0x7E.
  const auto code = static_cast<int>(c);
  if (c < U'0') return kFirstSign + code - 0x20;
  if (c < U'A') return kFirstSign + 16 + code - 0x3A;
  if (c < U'a') return kFirstSign + 23 + code - 0x5B;
  return kFirstSign + 29 + code - 0x7B;
}

constexpr CharacterClasses ClassesOf(char32_t c) { return CharacterClasses{1} << ClassOf(c); }

// What a JSON string may hold as it is, and hardly any pattern for all texts leaves out.
inline constexpr CharacterClasses kPlainCharacters =
    kAllCharacters &
    ~(ClassesOf(U'"') | ClassesOf(U'\\') | ClassesOf(U'\n') | ClassesOf(0) | ClassesOf(0xA0));

// The characters of a class.
CodePointSet CharactersOf(int character_class);

// f(class) for each of a set, the least first.
template <typename F>
void ForEachClass(CharacterClasses classes, F&& f) {
  for (; classes != 0; classes &= classes - 1) f(std::countr_zero(classes));
}

}  // namespace kinglet
