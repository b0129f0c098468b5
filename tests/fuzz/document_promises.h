// SPDX-License-Identifier: Apache-2.0
// What a document promises whatever bytes it was made from, for the fuzz targets of its formats.
#pragma once

#include <string_view>

namespace kinglet {

// Reads the bytes as a file of this name, by its suffix; what is read must be clean text, in blocks
// and chunks that cover it, of words that lie in it.
void CheckPromises(const char* name, std::string_view bytes);

}  // namespace kinglet
