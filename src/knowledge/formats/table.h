// SPDX-License-Identifier: Apache-2.0
// A row of a table as text: alike in all formats, so that a question finds it in any.
#pragma once

#include <span>
#include <string>

namespace kinglet {

// "Name: value; Name: value" under a header, "value | value" without. Empty cells are left out.
std::string TableRowText(std::span<const std::string> header, std::span<const std::string> cells);

}  // namespace kinglet
