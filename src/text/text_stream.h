// SPDX-License-Identifier: Apache-2.0
// Text that comes token by token, in whole UTF-8 characters.
#pragma once

#include <string>
#include <string_view>

namespace kinglet {

// Holds back the bytes of an unfinished character. What can be no UTF-8 becomes U+FFFD, one for
// each maximal part of a character (The Unicode Standard, 3.9, "U+FFFD Substitution of Maximal
// Subparts").
class TextStream {
 public:
  // The text that became certain with these bytes: always valid UTF-8, often empty.
  std::string Push(std::string_view bytes);
  // U+FFFD where a character is left unfinished. The stream is then as new.
  std::string Finish();

 private:
  std::string pending_;  // the start of a character, at most 3 bytes
};

}  // namespace kinglet
