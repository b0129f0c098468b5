#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`kinglet eval grounding` and `eval calibrate` with a tiny model: settings, runs that go on, runs that are compared."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "api"))
import serving  # noqa: E402

FACTS = {"Hens": "lay eggs in a nest", "Geese": "hiss at foxes", "Ducks": "swim in ponds", "Swans": "sleep on the lake"}


class Grounding(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.model = serving.add_to_gguf(serving.STORIES, self.folder / "tiny.gguf", tokenizer__chat_template=serving.TEMPLATE)
        self.data = self.folder / "data.jsonl"
        answerable = [{"id": who, "question": f"Who {what}?", "passages": [{"title": who, "text": f"{who} {what}."}], "answers": [who]}
                      for who, what in FACTS.items()]
        others = [{"id": "moon", "question": "Who flies to the moon?", "passages": ["Mice have been there."], "answers": []},
                  {"id": "zyx", "question": "Zyx?", "passages": ["Cats purr."], "answers": []}]
        self.write(self.data, answerable + others)

    def write(self, path, lines):
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))

    def evaluate(self, *flags, task="grounding"):
        done = subprocess.run([os.environ["KINGLET"], "eval", task, self.model, "--data", self.data, "--context", "512", *flags],
                              capture_output=True, text=True, timeout=300, env=os.environ | {"KINGLET_HOME": str(self.folder / "home")})
        return done.returncode, done.stdout, done.stderr

    def figures(self, *flags):
        status, out, err = self.evaluate("--json", *flags)
        self.assertEqual(status, 0, err)
        return json.loads(out)

    def assert_close(self, a, b):
        """Numbers of JSON come back to a unit in the last place."""
        if isinstance(a, dict):
            self.assertEqual(list(a), list(b))
            a, b = list(a.values()), list(b.values())
        if isinstance(a, list):
            self.assertEqual(len(a), len(b))
            for one, other in zip(a, b):
                self.assert_close(one, other)
        elif isinstance(a, float):
            self.assertAlmostEqual(a, b)
        else:
            self.assertEqual(a, b)

    def lines(self, path):
        return [json.loads(line) for line in path.read_text().splitlines()]

    def test_systems(self):
        outcomes = self.folder / "outcomes.jsonl"
        figures = self.figures("--closed-book", "--outcomes", outcomes)
        self.assertEqual(list(figures["systems"]), ["kinglet", "plain", "closed_book", "best_sentence"])
        self.assertEqual(list(figures["paired"]), ["kinglet - plain", "kinglet - closed_book"])
        for other in "plain", "closed_book":
            for name in "em", "f1":
                pair = figures["paired"][f"kinglet - {other}"]
                self.assertAlmostEqual(pair[name], figures["systems"]["kinglet"][name] - figures["systems"][other][name])
                low, high = pair["ci95"][name]
                self.assertTrue(low <= pair[name] <= high)
        run, *lines = self.lines(outcomes)
        self.assertEqual((run["passages"], run["closed_book"]), ("given", True))
        self.assertEqual([line["id"] for line in lines], [*FACTS, "moon", "zyx"])
        self.assertAlmostEqual(sum(line["scores"]["closed_book"]["f1"] for line in lines) / 6, figures["systems"]["closed_book"]["f1"])
        self.assertTrue(all(len(line["state"]) == len(lines[0]["state"]) > 0 for line in lines))
        self.assertEqual(list(self.figures("--no-plain")["systems"]), ["kinglet", "best_sentence"])

    def test_retrieved(self):
        outcomes = self.folder / "outcomes.jsonl"
        figures = self.figures("--passages", "retrieved", "--outcomes", outcomes)
        self.assertEqual((figures["retrieval"]["gold_retrieved"], figures["retrieval"]["answer_retrieved"]), (1, 1))
        lines = self.lines(outcomes)[1:]
        self.assertEqual([line["gold_retrieved"] for line in lines], [True] * 4 + [False] * 2)
        self.assertEqual((lines[-1]["span"], lines[-1]["quote"]), ("", ""))     # nothing was found
        # All passages are searched, not those of the questions that are drawn alone.
        figures = self.figures("--passages", "retrieved", "--limit", "2")
        self.assertEqual((figures["n"], figures["retrieval"]["gold_retrieved"]), (2, 1))
        self.assertNotIn("retrieval", self.figures())

    def test_goes_on(self):
        outcomes = self.folder / "outcomes.jsonl"
        flags = "--closed-book", "--outcomes", outcomes
        whole = self.figures(*flags)
        all_lines = self.lines(outcomes)
        text = outcomes.read_text()
        lines = text.splitlines(keepends=True)
        outcomes.write_text("".join(lines[:4]) + lines[4][:20])
        self.assert_close(self.figures(*flags, "--resume"), whole)
        went_on = self.lines(outcomes)
        self.assert_close(went_on[:4], all_lines[:4])
        for line in went_on[4:] + all_lines[4:]:    # those that were asked again were asked beside others
            self.assertGreater(min(line.pop("cost").values()), 0)
        self.assert_close(went_on, all_lines)
        outcomes.write_text(text.replace('"quote":"', '"quote":"kept '))     # what is there is not asked again
        self.figures(*flags, "--resume")
        self.assertEqual(outcomes.read_text().count('"quote":"kept '), 6)
        before = outcomes.read_text()
        for other in ("--passages", "retrieved"), ("--limit", "5"), ("--no-plain",):
            status, _, err = self.evaluate(*flags, "--resume", *other)
            self.assertEqual((status, "in this run" in err), (3, True), err)
        status, _, err = self.evaluate(*flags)
        self.assertEqual((status, "--resume goes on with it" in err), (2, True), err)
        self.assertEqual(outcomes.read_text(), before)

    def test_compares(self):
        other = self.folder / "other.jsonl"
        given = self.figures("--closed-book", "--outcomes", other)
        figures = self.figures("--passages", "retrieved", "--compare", other)
        self.assertEqual(len(figures["compared"]), 2 * 3)
        pair = figures["compared"]["kinglet - other closed_book"]
        self.assertAlmostEqual(pair["f1"], figures["systems"]["kinglet"]["f1"] - given["systems"]["closed_book"]["f1"])
        self.assertEqual(set(pair["ci95"]), {"em", "f1", "em_answerable", "f1_answerable"})
        self.assertIn("kinglet - other closed_book\n  em ", self.evaluate("--compare", other)[1])
        self.assertEqual(self.evaluate("--compare", other, "--limit", "4")[0], 3)
        self.data.write_text(self.data.read_text() + "\n")
        status, _, err = self.evaluate("--compare", other)
        self.assertEqual((status, "other data" in err), (3, True), err)

    def test_calibrates(self):
        outcomes, output = self.folder / "outcomes.jsonl", self.folder / "calibration.json"
        flags = "--outcomes", outcomes, "--output", output
        status, _, err = self.evaluate(*flags, task="calibrate")
        self.assertEqual((status, "hardly more than guesses" in err), (0, True), err)
        calibration = json.loads(output.read_text())
        outcomes.write_text("".join(outcomes.read_text().splitlines(keepends=True)[:3]))
        status, _, err = self.evaluate(*flags, "--resume", task="calibrate")
        self.assertEqual(status, 0, err)
        self.assert_close(json.loads(output.read_text()), calibration)

    def test_what_cannot_be(self):
        self.assertEqual(self.evaluate("--resume")[0], 2)
        self.assertEqual(self.evaluate("--embedder", "minilm")[0], 2)
        self.assertEqual(self.evaluate("--passages", "found")[0], 2)
        self.assertEqual(self.evaluate("--compare", self.folder / "nowhere")[0], 1)


if __name__ == "__main__":
    unittest.main()
