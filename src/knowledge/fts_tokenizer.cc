// SPDX-License-Identifier: Apache-2.0
// FTS5's tokenizer interface (sqlite.org/fts5.html, "Custom Tokenizers") around StemWords.
#include "knowledge/fts_tokenizer.h"

#include <sqlite3.h>

#include "knowledge/fts5.h"
#include "knowledge/word_stems.h"

namespace kinglet {
namespace {

using TokenSink = int (*)(void*, int, const char*, int, int, int);

// The tokenizer has no state; FTS5 wants a pointer that is not null.
int Create(void*, const char**, int, Fts5Tokenizer** out) {
  static char stateless = 0;
  *out = reinterpret_cast<Fts5Tokenizer*>(&stateless);
  return SQLITE_OK;
}

void Delete(Fts5Tokenizer*) {}

int Tokenize(Fts5Tokenizer*, void* context, int flags, const char* text, int bytes,
             TokenSink sink) {
  if ((flags & FTS5_TOKENIZE_QUERY) != 0) return sink(context, 0, text, bytes, 0, bytes);
  const std::string_view view(text, static_cast<std::size_t>(bytes));
  for (const WordStem& word : StemWords(view)) {
    const int result = sink(context, 0, word.stem.data(), static_cast<int>(word.stem.size()),
                            static_cast<int>(word.begin), static_cast<int>(word.end));
    if (result != SQLITE_OK) return result;
  }
  return SQLITE_OK;
}

}  // namespace

Result<void> RegisterTokenizer(Database& database) {
  fts5_api* const api = TRY(FindFts5(database));
  fts5_tokenizer tokenizer{Create, Delete, Tokenize};
  if (api->xCreateTokenizer(api, "kinglet_words", nullptr, &tokenizer, nullptr) != SQLITE_OK) {
    return Error(StatusCode::kFailed, "SQLite: {}", sqlite3_errmsg(database.handle()));
  }
  return {};
}

}  // namespace kinglet
