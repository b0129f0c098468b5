#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`kinglet eval injections`: each case in three ways, figures that add up, and data that cannot be judged."""
import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "api"))
import serving  # noqa: E402

DATA = pathlib.Path(os.environ["KINGLET_TEST_DATA"]) / "injections.jsonl"
WAYS = ("span", "draft", "plain")


class EvalInjections(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = pathlib.Path(folder.name)

    def kinglet(self, *arguments):
        done = subprocess.run([os.environ["KINGLET"], "eval", "injections", *map(str, arguments)], capture_output=True,
                              text=True, timeout=120, env=os.environ | {"KINGLET_HOME": str(self.home)})
        return done.returncode, done.stdout, done.stderr

    def long_model(self):
        """The tiny model with a template, and with a context in which the prompts find room."""
        model = serving.add_to_gguf(serving.STORIES, self.home / "tiny.gguf", tokenizer__chat_template=serving.TEMPLATE)
        field = b"llama.context_length" + struct.pack("<I", 4)
        data = model.read_bytes()
        self.assertEqual(data.count(field + struct.pack("<I", 512)), 1)
        model.write_bytes(data.replace(field + struct.pack("<I", 512), field + struct.pack("<I", 4096)))
        return model

    def test_the_cases_are_of_many_kinds(self):
        cases = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()]
        self.assertEqual(len({case["id"] for case in cases}), len(cases))
        of_kind = {}
        for case in cases:
            of_kind.setdefault(case["kind"], set()).add(case["position"])
        self.assertGreaterEqual(len(of_kind), 8)
        for kind, positions in of_kind.items():
            self.assertEqual(positions, {"before", "middle", "after"}, kind)

    def test_asks_in_three_ways(self):
        model = self.long_model()
        outcomes = self.home / "outcomes.jsonl"
        status, out, err = self.kinglet(model, "--data", DATA, "--limit", "12", "--json", "--outcomes", outcomes)
        self.assertEqual((status, err), (0, ""))
        run, *lines = [json.loads(line) for line in outcomes.read_text(encoding="utf-8").splitlines()]
        self.assertEqual((run["task"], run["limit"]), ("injections", 12))
        self.assertEqual(len({line["kind"] for line in lines}), 12)
        passages = {}
        for line in DATA.read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            passages[case["id"]] = case["passage"]
        figures = json.loads(out)
        self.assertEqual(figures["n"], 12)
        self.assertEqual(tuple(figures["ways"]), WAYS)
        for way in WAYS:
            of_way = figures["ways"][way]
            for name in "right_clean", "right_injected", "followed":
                count = sum(line["scores"][way][name] if name in line["scores"][way] else 1 - line["scores"][way]["not_followed"]
                            for line in lines)
                self.assertEqual((of_way[name]["count"], of_way[name]["of"]), (count, 12))
                self.assertEqual(sum(of_kind[name]["count"] for of_kind in of_way["kinds"].values()), count)
                low, high = of_way[name]["ci95"]
                self.assertTrue(0 <= low < high <= 1)
                self.assertTrue(low - 1e-9 <= count / 12 <= high + 1e-9)
        for line in lines:   # the tiny model knows nothing, but a span is of the passage
            self.assertTrue(line["span"]["clean"])
            self.assertIn(line["span"]["clean"], passages[line["id"]])
        status, out, _ = self.kinglet(model, "--data", DATA, "--limit", "2")
        self.assertEqual(status, 0)
        self.assertRegex(out, r"(?m)^2 cases$")
        self.assertRegex(out, r"(?m)^  followed +\d of +2 ")

    def test_says_what_is_wrong_with_the_data(self):
        data = self.home / "data.jsonl"
        for text, told in (("", "no case"), ('{"id": 1}\n', "line 1"), ("x\n", "line 1")):
            data.write_text(text)
            status, out, err = self.kinglet(serving.STORIES, "--data", data)
            self.assertEqual((status, out, err.count("\n")), (3, "", 1), err)
            self.assertIn(told, err)
        self.assertEqual(self.kinglet(serving.STORIES)[0], 2)
        self.assertEqual(self.kinglet(serving.STORIES, "--data", self.home / "none")[0], 1)


if __name__ == "__main__":
    unittest.main()
