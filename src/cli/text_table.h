// SPDX-License-Identifier: Apache-2.0
// A table for people to read: as narrow as its cells let it be.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kinglet {

// Lines of the rows, which have one length. sides: of each column where its cells stand, '<' or
// '>'. Cells are valid UTF-8.
std::string TextTable(const std::vector<std::vector<std::string>>& rows, std::string_view sides);

}  // namespace kinglet
