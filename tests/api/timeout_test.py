#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Requests whose time is over before anything comes of them."""
import unittest

import serving
from serving import STORY

OWLS = "Where do owls sleep?"


class OutOfTime(serving.LibraryTest):
    @classmethod
    def make_server(cls):
        return super().make_server("--request-timeout-s", "1e-9")

    def setUp(self):
        self.add("owls.md", "# Owls\n\nOwls sleep in hollow trees during the day. They hunt at night.")

    def row(self):
        row = self.server.get("/v1/ledger?limit=1").json()["entries"][0]
        return row | row["ledger"]

    def test_a_ranking_is_refused(self):
        self.expect_error(self.server.post("/v1/rerank", {"query": OWLS, "documents": [STORY]}), 429)
        self.assertEqual(self.server.get("/health").status, 200)

    def test_a_question_leaves_what_was_read_for_it(self):
        self.expect_error(self.server.post("/v1/ask", {"question": OWLS}), 429)
        row = self.row()
        self.assertEqual((row["kind"], row["mode"], row["model"], row["delivered"]), ("ask", "cite", "tiny", False))
        self.assertGreater(row["prompt_tokens"], 0)
        self.assertEqual(row["first_byte_ms"], row["total_ms"])

    def test_a_stream_that_says_nothing_is_as_late_as_its_end(self):
        chat = {"messages": [{"role": "user", "content": STORY}], "stream": True}
        self.assertEqual(self.server.post("/v1/chat/completions", chat).status, 200)
        row = self.row()
        self.assertEqual((row["kind"], row["completion_tokens"]), ("chat.completions", 0))
        self.assertGreater(row["first_byte_ms"], 0)
        self.assertEqual(row["first_byte_ms"], row["total_ms"])


if __name__ == "__main__":
    unittest.main()
