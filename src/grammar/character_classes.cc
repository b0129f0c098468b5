// SPDX-License-Identifier: Apache-2.0
// ASCII's characters one by one, what is beyond it by ranges.
#include "grammar/character_classes.h"

namespace kinglet {

CodePointSet CharactersOf(int character_class) {
  CodePointSet blanks;
  for (const CodePointSet::Range& range : kBlanksBeyondAscii) blanks.Add(range.first, range.last);
  if (character_class == ClassOf(kBlanksBeyondAscii[0].first)) return blanks;
  CodePointSet set;
  for (char32_t c = 0; c < 0x80; ++c) {
    if (ClassOf(c) == character_class) set.Add(c, c);
  }
  if (character_class == ClassOf(0x80)) {
    blanks.Add(0, 0x7F);
    set.Add(blanks.Complement());
  }
  return set;
}

}  // namespace kinglet
