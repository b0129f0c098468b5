#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`kinglet eval checker` on claims of its own, and on HaluEval's and BEGIN's where they are."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

SHARED = os.environ.get("KINGLET_SHARED")
COLUMNS = "model_name\tdata_source\tknowledge\tmessage\tresponse\tbegin_label\n"
GEESE = "m\td\tGeese hiss at foxes.\thello\t"


def evaluate(*arguments):
    done = subprocess.run([os.environ["KINGLET"], "eval", "checker", *arguments], capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout, done.stderr


class Checker(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.pairs = self.folder / "pairs.json"
        self.pairs.write_text("".join(
            json.dumps({"knowledge": knowledge, "question": "What do the hens lay?", "right_answer": right,
                        "hallucinated_answer": wrong}) + "\n"
            for knowledge, right, wrong in (("The hens lay eggs.", "The hens lay eggs.", "Stones."),
                                            ("The hens lay brown eggs.", "eggs", "They lay large blue stones."))))
        self.table = self.folder / "table.tsv"
        self.table.write_text(COLUMNS + GEESE + "Geese hiss.\tFully attributable\n" + GEESE + "I like ducks.\tGeneric\n")

    def test_figures(self):
        status, out, err = evaluate("--data", self.pairs, "--data", self.table, "--json")
        self.assertEqual(status, 0, err)
        result = json.loads(out)
        self.assertEqual(result["rows"], 4)
        pairs, table = result["sets"]["halueval"], result["sets"]["begin"]
        self.assertEqual((pairs["rows"], pairs["claims"], pairs["supported"]), (2, 4, 2))
        self.assertEqual((table["rows"], table["claims"], table["supported"]), (2, 2, 1))
        self.assertEqual(pairs["systems"]["support"]["paired"], 1)
        self.assertEqual(pairs["systems"]["brevity"]["paired"], 0.5)
        self.assertEqual(table["systems"]["support"]["auroc"], 1)
        self.assertEqual(table["systems"]["rule"]["wrong_kept"], 0)
        self.assertNotIn("odds", table["systems"])
        low, high = pairs["systems"]["brevity"]["ci95"]["paired"]
        self.assertEqual((low, high), (0, 1))
        self.assertRegex(evaluate("--data", self.pairs)[1], r"(?m)^  support +paired +1\.000 ")

    def test_draws_and_writes_what_came_of_each(self):
        outcomes = self.folder / "outcomes.jsonl"
        status, out, err = evaluate("--data", self.pairs, "--data", self.table, "--limit", "1", "--json", "--outcomes", outcomes)
        self.assertEqual(status, 0, err)
        self.assertEqual(json.loads(out)["rows"], 2)
        run, *lines = [json.loads(line) for line in outcomes.read_text().splitlines()]
        self.assertEqual((run["task"], [line["group"] for line in lines]), ("checker", ["1", "1", "2"]))
        for line in lines:
            self.assertEqual(line["scores"]["right"], int(line["kept"] == line["supported"]))
        self.assertEqual([line["set"] for line in lines], ["halueval", "halueval", "begin"])
        self.assertGreater(lines[0]["support"], lines[1]["support"])

    def test_what_is_missing_or_wrong(self):
        self.assertEqual(evaluate("--data", self.folder / "nowhere")[0], 1)
        self.assertEqual(evaluate()[0], 2)
        self.table.write_text(COLUMNS + GEESE + "Geese hiss.\tPerhaps\n")
        status, _, err = evaluate("--data", self.table)
        self.assertEqual((status, "table.tsv: line 2" in err), (3, True), err)
        self.table.write_text(COLUMNS)
        status, _, err = evaluate("--data", self.table)
        self.assertEqual((status, "no claim" in err), (3, True), err)

    @unittest.skipUnless(SHARED, "KINGLET_SHARED is not set")
    def test_labels_of_people(self):
        data = pathlib.Path(SHARED) / "data"
        tables = [argument for name in ("tc", "wow") for argument in ("--data", data / f"begin/begin_dev_{name}.tsv")]
        sets = json.loads(evaluate("--data", data / "halueval/qa_data_subset.json", *tables, "--json")[1])["sets"]
        self.assertEqual((sets["halueval"]["claims"], sets["begin"]["claims"]), (2000, 813))
        self.assertGreater(sets["halueval"]["systems"]["support"]["auroc"], 0.98)
        self.assertGreater(sets["begin"]["systems"]["support"]["auroc"], 0.95)


if __name__ == "__main__":
    unittest.main()
