// SPDX-License-Identifier: Apache-2.0
// What the answers of OpenAI's chat completions and completions have in common: a frame around
// choices, the same for the whole and for each chunk of a stream.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/reply_format.h"

namespace kinglet {

class OpenAiFormat : public ReplyFormat {
 public:
  // Usage, where it was asked for, in a chunk without a choice; then the end of the stream.
  std::string End(std::span<const ReplyChoice> choices, const ReplyTotals& totals) override;

 protected:
  // id_prefix: "cmpl-"; whole and chunk: what `object` says of either.
  OpenAiFormat(std::string_view id_prefix, std::string_view whole, std::string_view chunk,
               std::string model, bool include_usage);

  json::object Chunk(json::array choices) const;
  json::object WholeOf(json::array choices, const ReplyTotals& totals) const;
  // The event of a choice's last chunk; totals as ChoiceEnd has them.
  std::string LastEvent(json::object choice, const ReplyTotals* totals) const;

 private:
  json::object Frame(std::string_view object) const;

  std::string id_;
  std::string_view whole_, chunk_;
  std::int64_t created_;
  std::string model_;
  bool include_usage_;
};

}  // namespace kinglet
