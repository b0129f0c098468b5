// SPDX-License-Identifier: Apache-2.0
// A passage as programs read it, on the command line and over HTTP.
#include "knowledge/passage.h"

namespace kinglet {
namespace {

json::value ToJson(const std::optional<int>& rank) {
  return rank ? json::value(*rank) : json::value(nullptr);
}

}  // namespace

json::object ToJson(const Passage& passage) {
  return {{"document", passage.document},
          {"title", passage.title},
          {"heading", passage.heading},
          {"start_byte", passage.start_byte},
          {"end_byte", passage.end_byte},
          {"text", passage.text},
          {"score", passage.score},
          {"lexical_rank", ToJson(passage.lexical_rank)},
          {"vector_rank", ToJson(passage.vector_rank)}};
}

}  // namespace kinglet
