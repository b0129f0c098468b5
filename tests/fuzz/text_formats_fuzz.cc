// SPDX-License-Identifier: Apache-2.0
// Bytes as tables, records, notebooks, sources, mail and RTF, the first byte says which: whatever
// they are, the document and its chunks keep their promises. Covers: src/knowledge/formats/csv.cc
// src/knowledge/formats/json_text.cc Covers: src/knowledge/formats/notebook.cc
// src/knowledge/formats/source_code.cc Covers: src/knowledge/formats/mail.cc
// src/knowledge/formats/mime.cc Covers: src/knowledge/encoding_guess.cc Covers:
// src/knowledge/formats/rtf.cc src/knowledge/formats/rtf_lexer.cc
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "document_promises.h"

namespace {

constexpr const char* kNames[] = {"a.csv", "a.tsv", "a.json", "a.jsonl", "a.ipynb",
                                  "a.c",   "a.eml", "a.mbox", "a.txt",   "a.rtf"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  // A digit is easy to write into a seed.
  const std::size_t which = data[0] >= '0' ? data[0] - '0' : data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  kinglet::CheckPromises(kNames[which % std::size(kNames)], bytes);
  return 0;
}
