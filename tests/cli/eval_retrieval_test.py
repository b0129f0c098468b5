#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`kinglet eval retrieval` on a collection of its own, and on the Cranfield collection where that is."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

SHARED = os.environ.get("KINGLET_SHARED")


def evaluate(folder, *arguments):
    done = subprocess.run([os.environ["KINGLET"], "eval", "retrieval", folder, *arguments], capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout, done.stderr


def compare(*arguments):
    done = subprocess.run([os.environ["KINGLET"], "eval", "compare", *arguments, "--json"], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


class Retrieval(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "qrels").mkdir()
        texts = {"hens": "Hens lay eggs.", "geese": "Geese hiss at foxes.", "ducks": "Ducks swim in ponds."}
        self.write("corpus.jsonl", [{"_id": name, "title": name, "text": text} for name, text in texts.items()])
        self.write("queries.jsonl", [{"_id": "1", "text": "Who lays eggs?"}, {"_id": "2", "text": "Who swims?"}, {"_id": "3", "text": "What is a fox?"}])
        (self.folder / "qrels/test.tsv").write_text("query-id\tcorpus-id\tscore\n1\thens\t1\n2\tducks\t1\n3\thens\t1\n")

    def write(self, name, lines):
        (self.folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))

    def test_figures(self):
        status, out, err = evaluate(self.folder, "--json")
        self.assertEqual(status, 0, err)
        result = json.loads(out)
        self.assertEqual((result["documents"], result["queries"]), (3, 3))
        for name in "ndcg_10", "recall_1", "recall_10", "recall_100", "mrr_10":    # two of three are found, at once
            self.assertAlmostEqual(result[name], 2 / 3)
            low, high = result["ci95"][name]
            self.assertTrue(low <= result[name] <= high)
        self.assertGreaterEqual(result["ms_p99"], result["ms_p50"])
        self.assertRegex(evaluate(self.folder)[1], r"(?m)^ndcg_10 +0\.667 ")

    def test_outcomes_are_compared(self):
        old, new = self.folder / "old.jsonl", self.folder / "new.jsonl"
        self.assertEqual(evaluate(self.folder, "--outcomes", old)[0], 0)
        run, *lines = [json.loads(line) for line in old.read_text().splitlines()]
        self.assertEqual((run["task"], [line["scores"]["ndcg_10"] for line in lines]), ("retrieval", [1, 1, 0]))
        new.write_text(old.read_text().replace(':1.0', ':0E0'))
        status, out, err = compare(old, new)
        self.assertEqual(status, 0, err)
        changes = {change["metric"]: change for change in json.loads(out)["metrics"]}
        self.assertEqual({name: (change["better"], change["worse"]) for name, change in changes.items()},
                         dict.fromkeys(("ndcg_10", "recall_1", "recall_10", "recall_100", "mrr_10"), (0, 2)))
        (self.folder / "qrels/test.tsv").write_text("1\thens\t1\n2\tducks\t1\n3\tgeese\t1\n")
        self.assertEqual(evaluate(self.folder, "--outcomes", new)[0], 0)
        status, _, err = compare(old, new)
        self.assertEqual((status, '"data"' in err), (3, True), err)

    def test_what_is_missing_or_wrong(self):
        self.assertEqual(evaluate(self.folder / "nowhere")[0], 1)
        (self.folder / "corpus.jsonl").write_text('{"_id": 1}\n')
        status, _, err = evaluate(self.folder)
        self.assertEqual((status, "corpus.jsonl: line 1" in err), (3, True), err)

    @unittest.skipUnless(SHARED, "KINGLET_SHARED is not set")
    def test_cranfield(self):
        result = json.loads(evaluate(pathlib.Path(SHARED) / "data/cranfield", "--json")[1])
        self.assertEqual((result["documents"], result["queries"]), (1400, 225))
        self.assertGreater(result["ndcg_10"], 0.38)


if __name__ == "__main__":
    unittest.main()
