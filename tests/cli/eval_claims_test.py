#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kinglet eval claims: verdicts, reports, what is missing, and that nothing is measured twice."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

KINGLET = os.environ["KINGLET"]
STORIES = pathlib.Path(os.environ["KINGLET_TEST_DATA"]) / "models/stories-q4_0.gguf"


def claims(*arguments):
    ran = subprocess.run([KINGLET, "eval", "claims", *map(str, arguments)], capture_output=True, encoding="utf-8")
    return ran.returncode, ran.stdout, ran.stderr


class ClaimsTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.work = pathlib.Path(self.folder.name, "work")

    def found(self, *arguments):
        status, out, err = claims(*arguments, "--work", self.work, "--json")
        self.assertEqual((status, err), (0, ""))
        return json.loads(out)["claims"]

    def test_what_is_missing_makes_a_claim_not_testable_and_fails_no_other(self):
        found = self.found("--small", STORIES)
        self.assertEqual(found["c"]["verdict"], "not testable here")
        self.assertIn("--sparse MODEL", found["c"]["why"])
        self.assertIsNone(found["c"]["figure"])
        for letter in "af":
            self.assertIn(found[letter]["verdict"], ("held", "refuted", "undecided"))
            low, high = found[letter]["figure"]["ci95"]
            self.assertLessEqual(low, found[letter]["figure"]["value"])
            self.assertGreaterEqual(high, found[letter]["figure"]["value"])

    def test_verdicts_follow_their_figures(self):
        found = self.found("a", "f", "--small", STORIES)
        # A 70B takes more than 100 ms by any model's measure, so that the 8B decides alone.
        side = found["a"]["figure"]
        low, high = side["ci95"]
        expected = "refuted" if low > 100 else "held" if high < 100 else "undecided"
        self.assertEqual(found["a"]["verdict"], expected)
        ladder = found["f"]["tables"][0]["rows"]
        self.assertEqual(ladder[0][0], "kernels: scalar")
        self.assertEqual(ladder[-1][0], "four answers together")

    def test_what_was_measured_is_kept(self):
        first = self.found("a", "f", "--small", STORIES)
        self.assertEqual(self.found("a", "f", "--small", STORIES), first)
        (self.work / "speed-stories-q4_0.json").write_text("{")
        self.assertNotEqual(self.found("a", "--small", STORIES)["a"]["tables"], first["a"]["tables"])

    def test_reports_are_a_page_and_markdown(self):
        page, text = pathlib.Path(self.folder.name, "r.html"), pathlib.Path(self.folder.name, "r.md")
        model = pathlib.Path(self.folder.name, "<b>&.gguf")
        model.write_bytes(STORIES.read_bytes())
        status, out, err = claims("a", "c", "--small", model, "--work", self.work, "--html", page, "--markdown", text)
        self.assertEqual((status, err), (0, ""))
        self.assertIn("(a) A 4-bit 8B", out)
        html = page.read_text(encoding="utf-8")
        self.assertIn("&lt;b&gt;&amp;", html)
        for raw in ("<b>", "<script", "http:", "https:"):
            self.assertNotIn(raw, html)
        self.assertEqual(html.count("<svg"), 1)
        markdown = text.read_text(encoding="utf-8")
        self.assertIn("\\<b\\>\\&", markdown)
        self.assertIn("not testable here", markdown)

    @unittest.skipUnless("KINGLET_SHARED" in os.environ, "KINGLET_SHARED is not set")
    def test_a_mixture_is_held_against_a_dense_model(self):
        tiny = pathlib.Path(os.environ["KINGLET_SHARED"]) / "data/tiny-models"
        found = self.found("c", "--sparse", tiny / "olmoe-f32.gguf", "--dense", tiny / "llama-tied-f32.gguf")["c"]
        self.assertIn(found["verdict"], ("held", "refuted", "undecided"), found["why"])
        titles = [table["title"] for table in found["tables"]]
        self.assertIn("The busiest experts of the middle layer", titles)

    def test_usage_errors(self):
        self.assertEqual(claims("z", "--work", self.work)[0], 2)
        self.assertEqual(claims("--small", STORIES)[0], 2)
        status, _, err = claims("--small", self.work / "none.gguf", "--work", self.work)
        self.assertNotEqual(status, 0)
        self.assertIn("none.gguf", err)
        status, _, err = claims("--data", self.work / "none.json", "--work", self.work)
        self.assertNotEqual(status, 0)
        self.assertIn("none.json", err)


if __name__ == "__main__":
    unittest.main()
