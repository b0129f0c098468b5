// SPDX-License-Identifier: Apache-2.0
#include "net/event_stream.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace kinglet {
namespace {

using Events = std::vector<std::string>;

Events Read(std::string_view bytes, std::size_t piece) {
  EventStream stream;
  Events events;
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    EXPECT_TRUE(stream.Feed(bytes.substr(0, piece),
                            [&](std::string_view data) { events.emplace_back(data); }));
  }
  return events;
}

TEST(EventStream, ReadsEventsWhateverThePiecesAndTheLineEnds) {
  const std::string text =
      ": a comment\n\ndata: one\n\nevent: x\r\ndata:two\r\ndata: and more\r\n\r\ndata\r\rid: 4\n\n"
      "data:  kept blank\n\ndata: cut";
  const Events expected = {"one", "two\nand more", "", " kept blank"};
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    EXPECT_EQ(Read(text, piece), expected) << piece;
  }
}

TEST(EventStream, RefusesAnEventThatIsTooLong) {
  for (const std::string& text :
       {std::string(101, 'x'), "data: " + std::string(101, 'x') + "\n",
        std::string("data: 1234567890123456789012345678901234567890\n"
                    "data: 1234567890123456789012345678901234567890\n"
                    "data: 1234567890123456789012345678901234567890\n")}) {
    EventStream stream(100);
    EXPECT_FALSE(stream.Feed(text, [](std::string_view) { ADD_FAILURE(); })) << text;
  }
}

}  // namespace
}  // namespace kinglet
