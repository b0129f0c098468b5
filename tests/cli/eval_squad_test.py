#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The scorer squad against SQuAD 2.0's own script, question by question."""
import importlib.util
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

from scripted_endpoint import Endpoint, said

SHARED = os.environ.get("KINGLET_SHARED")
SCRIPT = pathlib.Path(SHARED or ".", "data/squad2/evaluate-v2.0.py")
if not SHARED or not SCRIPT.is_file():
    print("skipped: KINGLET_SHARED has no data/squad2/evaluate-v2.0.py")
    sys.exit(77)
WORDS = ["the", "The", "a", "an", "Norman", "norman's", "1066", "U.S.", "U.K", "\u00c9cole", "stra\u00dfe", "co-op", "\u201cquote\u201d", "an-the",
         "\u00a35", "m\u00a0n", "", "--", "theory", "AN", "\u5317\u4eac", "don't", "(aside)", "x_y", "\u0130z"]
BLANKS = [" ", " ", " ", "  ", "\n", "\t", "\u00a0"]


def text(random_number):
    return "".join(random_number.choice(WORDS) + random_number.choice(BLANKS) for _ in range(random_number.randint(0, 6)))


class Squad(unittest.TestCase):
    def test_a_thousand_answers_score_as_the_script_has_them(self):
        spec = importlib.util.spec_from_file_location("squad", SCRIPT)
        squad = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(squad)
        draw = random.Random(1)
        rows = []
        for i in range(1000):
            gold = [text(draw) for _ in range(draw.randint(0, 3))]
            reply = draw.choice(gold) if gold and draw.random() < 0.3 else text(draw)
            rows.append({"id": str(i), "gold": [one for one in gold if squad.normalize_answer(one)], "reply": reply})
        with tempfile.TemporaryDirectory() as folder, Endpoint(lambda _, body: said(rows[int(body["messages"][0]["content"])]["reply"])) as endpoint:
            task = pathlib.Path(folder, "squad.toml")
            task.write_text('name = "squad"\ndata = "squad.jsonl"\nprompt = "{id}"\nanswer = "gold"\n[scorer]\nname = "squad"\n')
            pathlib.Path(folder, "squad.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
            outcomes = pathlib.Path(folder, "outcomes.jsonl")
            subprocess.run([os.environ["KINGLET"], "eval", "task", task, "--url", endpoint.url, "--name", "m", "--no-cache", "--outcomes", outcomes,
                            "--concurrency", "16"], check=True, capture_output=True, timeout=300)
            lines = [json.loads(line) for line in outcomes.read_text().splitlines()][1:]
        right = 0
        for row, line in zip(rows, lines):
            gold = row["gold"] or [""]    # the script's own stand-in for no answer
            exact = max(squad.compute_exact(one, row["reply"]) for one in gold)
            self.assertEqual(line["scores"]["em"], exact, row)
            self.assertAlmostEqual(line["scores"]["f1"], max(squad.compute_f1(one, row["reply"]) for one in gold), msg=row)
            right += exact
        self.assertEqual(len(lines), 1000)
        self.assertTrue(100 < right < 900, right)


if __name__ == "__main__":
    unittest.main()
