#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`kinglet eval extraction` on two pages, and on those of the benchmark of article extraction where they are."""
import gzip
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

SHARED = os.environ.get("KINGLET_SHARED")


def evaluate(folder, *arguments):
    done = subprocess.run([os.environ["KINGLET"], "eval", "extraction", folder, *arguments], capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout, done.stderr


class Extraction(unittest.TestCase):
    def test_figures(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            (folder / "html").mkdir()
            for page, text in ("a", "Hens lay eggs all year."), ("b", "Geese hiss at foxes and bite."):
                (folder / f"html/{page}.html.gz").write_bytes(gzip.compress(f"<p>{text}</p>".encode()))
            truth = {"a": {"articleBody": "Hens lay eggs all year."}, "b": {"articleBody": "Geese hiss at foxes."}}
            (folder / "ground-truth.json").write_text(json.dumps(truth))
            status, out, err = evaluate(folder, "--json")
            self.assertEqual(status, 0, err)
            result = json.loads(out)
            self.assertEqual(result["pages"], 2)
            self.assertAlmostEqual(result["precision"], (1 + 1 / 3) / 2)    # one run of three of the second
            self.assertAlmostEqual(result["recall"], 1)
            outcomes = folder / "outcomes.jsonl"
            self.assertIn("2 pages: F1 0.800", evaluate(folder, "--outcomes", outcomes)[1])
            run, *lines = [json.loads(line) for line in outcomes.read_text().splitlines()]
            self.assertEqual((run["task"], [(line["id"], line["scores"]["f1"]) for line in lines]), ("extraction", [("a", 1), ("b", 0.5)]))
            (folder / "html/b.html.gz").write_bytes(b"no gzip")
            self.assertEqual(evaluate(folder)[0], 3)

    @unittest.skipUnless(SHARED, "KINGLET_SHARED is not set")
    def test_article_pages(self):
        result = json.loads(evaluate(pathlib.Path(SHARED) / "data/article-extraction", "--json")[1])
        self.assertEqual(result["pages"], 82)
        self.assertGreaterEqual(result["f1"], 0.95)
        self.assertGreaterEqual(result["precision"], 0.93)


if __name__ == "__main__":
    unittest.main()
