// SPDX-License-Identifier: Apache-2.0
// Properties that every document's chunks have, over documents drawn at random.
#include "knowledge/chunker.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "base/display.h"

namespace kinglet {
namespace {

std::string RandomSentences(std::mt19937& random, std::size_t max_count) {
  std::string text;
  for (std::size_t n = random() % max_count + 1; n > 0; --n) {
    text += "Größe";
    for (std::size_t words = random() % 40; words > 0; --words) text += " word";
    text += random() % 50 == 0 ? std::string(4000, 'x') + ". " : ". ";
  }
  return text;
}

Document RandomDocument(std::mt19937& random) {
  DocumentBuilder builder;
  for (std::size_t blocks = random() % 40; blocks > 0; --blocks) {
    switch (random() % 6) {
      case 0:
        builder.AddHeading(static_cast<int>(random() % 4) + 1, RandomSentences(random, 1));
        break;
      case 1:
        builder.AddCode(RandomSentences(random, 9) + "\n\n  " + RandomSentences(random, 30));
        break;
      case 2:
        builder.AddListItem("- " + RandomSentences(random, 2));
        break;
      case 3:
        builder.AddTableRow(RandomSentences(random, 2));
        break;
      default:
        builder.AddParagraph(RandomSentences(random, 20));
    }
  }
  return std::move(builder).Finish();
}

TEST(ChunkDocument, CoversEveryBlockInOrderAtCharacters) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    const Document document = RandomDocument(random);
    const std::vector<Chunk> chunks = ChunkDocument(document);
    std::string covered(document.text.size(), ' ');
    std::size_t end = 0;
    for (const Chunk& chunk : chunks) {
      ASSERT_LE(end, chunk.range.begin);
      ASSERT_LT(chunk.range.begin, chunk.range.end);
      ASSERT_LE(chunk.range.end, document.text.size());
      ASSERT_TRUE(IsUtf8(chunk.range.Of(document.text)));
      ASSERT_LE(chunk.range.size(), 3000U);
      std::fill_n(covered.begin() + static_cast<std::ptrdiff_t>(chunk.range.begin),
                  chunk.range.size(), 'x');
      end = chunk.range.end;
    }
    for (const Block& block : document.blocks) {
      if (block.kind == BlockKind::kHeading) continue;
      for (std::size_t i = block.range.begin; i < block.range.end; ++i) {
        const bool space = document.text[i] == ' ' || document.text[i] == '\n';
        ASSERT_TRUE(space || covered[i] == 'x') << i;
      }
    }
  }
}

TEST(ChunkDocument, NeverCrossesAHeading) {
  std::mt19937 random(8);
  for (int round = 0; round < 200; ++round) {
    const Document document = RandomDocument(random);
    for (const Chunk& chunk : ChunkDocument(document)) {
      for (const Block& block : document.blocks) {
        const bool overlaps =
            block.range.begin < chunk.range.end && chunk.range.begin < block.range.end;
        if (!overlaps) continue;
        EXPECT_EQ(document.headings[block.heading], document.headings[chunk.heading]);
      }
    }
  }
}

TEST(ChunkDocument, CutsBetweenParagraphsRatherThanInside) {
  DocumentBuilder builder;
  std::string paragraph;
  for (int i = 0; i < 8; ++i)
    paragraph +=
        "This sentence is here to take up its hundred bytes of "
        "room in a paragraph that is near the target. ";
  builder.AddParagraph(paragraph);
  builder.AddParagraph(paragraph);
  const Document document = std::move(builder).Finish();
  const std::vector<Chunk> chunks = ChunkDocument(document);
  ASSERT_EQ(chunks.size(), 2U);
  EXPECT_EQ(chunks[0].range, document.blocks[0].range);
  EXPECT_EQ(chunks[1].range, document.blocks[1].range);
}

TEST(ChunkDocument, KeepsMarksOfLists) {
  DocumentBuilder builder;
  builder.AddListItem("- one");
  builder.AddListItem("- two");
  const Document document = std::move(builder).Finish();
  const std::vector<Chunk> chunks = ChunkDocument(document);
  ASSERT_EQ(chunks.size(), 1U);
  EXPECT_EQ(chunks[0].range.Of(document.text), "- one\n- two");
}

TEST(ChunkDocument, MakesAChunkOfAHeadingWithNothingUnderIt) {
  DocumentBuilder builder;
  builder.AddHeading(1, "Part");
  builder.AddHeading(2, "Empty");
  builder.AddHeading(2, "Full");
  builder.AddParagraph("Text.");
  const Document document = std::move(builder).Finish();
  const std::vector<Chunk> chunks = ChunkDocument(document);
  ASSERT_EQ(chunks.size(), 2U);
  EXPECT_EQ(chunks[0].range.Of(document.text), "Empty");
  EXPECT_EQ(document.headings[chunks[1].heading], "Part > Full");
}

TEST(ChunkDocument, CutsALongWordInTimeThatIsLinear) {
  DocumentBuilder builder;
  builder.AddParagraph(std::string(3'000'000, 'x'));
  const Document document = std::move(builder).Finish();
  EXPECT_EQ(ChunkDocument(document).size(), 1000U);
}

TEST(ChunkDocument, OfNothingIsNothing) { EXPECT_TRUE(ChunkDocument(Document{}).empty()); }

}  // namespace
}  // namespace kinglet
