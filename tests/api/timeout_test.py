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

    def test_a_ranking_is_refused(self):
        self.expect_error(self.server.post("/v1/rerank", {"query": OWLS, "documents": [STORY]}), 429)
        self.assertEqual(self.server.get("/health").status, 200)


if __name__ == "__main__":
    unittest.main()
