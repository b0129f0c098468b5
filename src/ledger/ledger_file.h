// SPDX-License-Identifier: Apache-2.0
// The ledger's file: an SQLite database with one table, one row an answer. Here it is opened, made,
// and brought to this version.
#pragma once

#include <filesystem>

#include "base/sqlite.h"
#include "base/status.h"

namespace kinglet {

// Opens or makes the file and its folder. A file of an older kinglet is brought to this version in
// one transaction; of its questions' text only what keep_text lets stay, with personal data masked.
// kInvalidInput: a newer kinglet's, or no ledger.
Result<Database> OpenLedgerFile(const std::filesystem::path& file, bool keep_text);

// Of a question, an answer or a comment, as it is kept: personal data masked, no longer than a row
// may hold.
std::string KeptText(std::string_view text);

}  // namespace kinglet
