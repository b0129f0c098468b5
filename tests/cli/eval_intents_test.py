#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`kinglet eval intents` on lines of its own, and on CLINC150 where that is."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

SHARED = os.environ.get("KINGLET_SHARED")
KEYS = {"in_scope_accuracy", "oos_recall_at_5", "auroc", "ece", "train_s", "route_ms_p50", "route_ms_p99"}
WORDS = {"birds": ["kestrel", "swift", "owl", "falcon", "rook"], "bills": ["invoice", "receipt", "payment", "refund", "charge"]}


def evaluate(*arguments):
    done = subprocess.run([os.environ["KINGLET"], "eval", "intents", *map(str, arguments)], capture_output=True, text=True, timeout=300)
    return done.returncode, done.stdout, done.stderr


class EvalIntents(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, pattern, intents=WORDS):
        file = self.folder / name
        file.write_text("".join(json.dumps({"text": pattern.format(word), "intent": intent}) + "\n" for intent, words in intents.items() for word in words))
        return file

    def test_figures(self):
        train = self.write("train.jsonl", "tell me of the {}")
        test = self.write("test.jsonl", "what about a {}?")
        with test.open("a") as file:
            file.write('{"text": "sing", "intent": null}\n{"text": "the kestrel", "intent": "bills"}\n')
        status, out, err = evaluate("--train", train, "--test", test, "--json")
        self.assertEqual(status, 0, err)
        result = json.loads(out)
        self.assertLessEqual(KEYS, set(result))
        self.assertEqual((result["intents"], result["examples"], result["in_scope"], result["out_of_scope"]), (2, 10, 11, 1))
        self.assertAlmostEqual(result["in_scope_accuracy"], 10 / 11)
        self.assertEqual(sum(row["count"] for row in result["bins"]), 11)
        for name, interval in result["ci95"].items():
            if name == "oos_recall":    # of one text: how another would do is not known
                self.assertEqual(interval, [None, None], name)
            else:
                self.assertTrue(interval[0] <= result[name] <= interval[1], name)
        again = json.loads(evaluate("--train", train, "--test", test, "--json", "-t", "1")[1])
        for name in KEYS - {"train_s", "route_ms_p50", "route_ms_p99"}:    # on one thread as on many
            self.assertEqual(result[name], again[name], name)

    def test_outcomes_say_what_came_where_it_should(self):
        train = self.write("train.jsonl", "tell me of the {}")
        with train.open("a") as file:
            for word in "sing", "dance", "jump", "shout", "laugh":
                file.write(json.dumps({"text": f"please {word} and {word} again", "intent": None}) + "\n")
        test = self.write("test.jsonl", "tell me of the {} now")
        with test.open("a") as file:
            file.write('{"text": "please sing and dance again", "intent": null}\n{"text": "tell me of the kestrel", "intent": "bills"}\n')
        outcomes = self.folder / "outcomes.jsonl"
        status, out, err = evaluate("--train", train, "--test", test, "--outcomes", outcomes, "--json")
        self.assertEqual(status, 0, err)
        result = json.loads(out)
        run, *lines = [json.loads(line) for line in outcomes.read_text().splitlines()]
        self.assertEqual((run["task"], run["embedder"], len(lines)), ("intents", "", 12))
        right = [line["scores"]["right"] for line in lines]
        self.assertEqual(right[-2], int(result["oos_recall"] == 1))
        self.assertEqual(right[-1], 0)    # is of birds
        self.assertLessEqual(sum(right[:10]), round(result["in_scope_accuracy"] * 11))
        self.assertGreater(sum(right[:10]), 0)

    def test_what_is_missing_or_wrong(self):
        train = self.write("train.jsonl", "the {}")
        self.assertEqual(evaluate("--train", train, "--test", self.folder / "nowhere")[0], 1)
        bad = self.folder / "bad.jsonl"
        bad.write_text('{"text": "a", "intent": "birds"}\n{"text": "a"}\n')
        status, _, err = evaluate("--train", bad, "--test", train)
        self.assertEqual((status, "bad.jsonl: line 2: \"intent\" is missing" in err), (3, True), err)
        status, _, err = evaluate("--train", self.write("one.jsonl", "{}", {"birds": WORDS["birds"]}), "--test", train)
        self.assertEqual(status, 3, err)

    @unittest.skipUnless(SHARED, "KINGLET_SHARED is not set")
    def test_clinc150_by_words(self):
        data = pathlib.Path(SHARED) / "data/clinc150"
        result = json.loads(evaluate("--train", data / "train.jsonl", "--test", data / "val.jsonl", "--examples", 10, "--json")[1])
        self.assertEqual((result["intents"], result["in_scope"], result["out_of_scope"]), (150, 3000, 100))
        self.assertGreater(result["in_scope_accuracy"], 0.75)
        self.assertGreater(result["auroc"], 0.85)


if __name__ == "__main__":
    unittest.main()
