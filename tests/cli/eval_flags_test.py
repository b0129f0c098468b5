#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What every eval refuses before it works: to write over what it reads, where it cannot write, numbers that are none."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "api"))
import serving  # noqa: E402
from scripted_endpoint import Endpoint, said  # noqa: E402

MODEL = serving.STORIES
NUMBERS = {
    "cascade a b": ("--max-loss nan", "--max-loss 101", "--risk nan", "--cost-small nan", "--cost-large 0", "--cost-given-up inf"),
    "checker --data a": ("--limit -1", "--seed -1"),
    "claims --work w": ("--limit -1", "--seed -1", "--limit 1.5"),
    "fidelity m g": ("--chunk -1",),
    "grounding m --data a": ("--limit -1", "--seed -1", "--concurrency 65", "--context -1"),
    "calibrate m --data a": ("--concurrency 0",),
    "injections m --data a": ("--limit -1",),
    "intents --train a": ("--examples -1", "--seed -1", "--threads -1"),
    "load --url u --trace t --slo s": ("--scale-length nan", "--scale-time nan", "--rate nan", "--limit -1", "--duration-s nan",
                                       "--context -1", "--seed -1", "--find-rate nan", "--timeout-s nan"),
    "perplexity m t": ("--stride -1", "--windows -1", "--context -1"),
    "task t m": ("--timeout-s nan --url u", "--seed -1", "--seed 99999999999999999999999", "--limit -1", "--context -1",
                 "--concurrency nan"),
    "tools --url u --data d": ("--timeout-s nan", "--seed -1", "--limit -1", "--max-tokens -1", "--concurrency -1"),
}


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def file(self, name, *lines):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
        return path

    def evaluate(self, *arguments):
        done = subprocess.run([os.environ["KINGLET"], "eval", *map(str, arguments)], capture_output=True, text=True, timeout=300,
                              cwd=self.folder, env=os.environ | {"KINGLET_HOME": str(self.folder / "home"),
                                                                 "KINGLET_CACHE": str(self.folder / "cache")})
        return done.returncode, done.stdout, done.stderr

    def refused(self, *arguments, expected=2):
        """The message; nothing is printed, and no file is another."""
        before = {path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}
        status, out, err = self.evaluate(*arguments)
        self.assertEqual((status, out), (expected, ""), (arguments, err))
        self.assertEqual({path: path.read_bytes() for path in self.folder.rglob("*") if path.is_file()}, before, arguments)
        return err


class Outputs(Case):
    def task(self):
        data = self.file("sums.jsonl", {"q": "1+1", "a": "2"}, {"q": "1+2", "a": "3"})
        self.file("shown.jsonl", {"q": "0+0", "a": "0"})
        task = self.file("sums.toml", 'name = "sums"', 'data = "sums.jsonl"', 'prompt = "{q}"', 'answer = "a"',
                         "[examples]", 'data = "shown.jsonl"', "[scorer]", 'name = "number"')
        return data, task

    def test_no_task_writes_over_its_files(self):
        data, task = self.task()
        key = self.file("key", "secret")
        (self.folder / "link").symlink_to(data)
        with Endpoint(lambda path, body: said("2")) as endpoint:
            at = ("task", task, "--url", endpoint.url, "--name", "m", "--api-key-file", key)
            for flag in "--outcomes", "--junit":
                for name in data, "sums.jsonl", "home/../sums.jsonl", "link", task, "shown.jsonl", key:
                    (self.folder / "home").mkdir(exist_ok=True)
                    self.assertIn(f"{flag} {name}: it is read, too", self.refused(*at, flag, name))
                self.assertIn("the name of the file is empty", self.refused(*at, flag, ""))
                self.assertIn("No such file or directory", self.refused(*at, flag, "nosuch/o", expected=1))
                self.assertIn(flag, self.refused(*at, flag, self.folder, expected=1))
            for other in "x", "./x", self.folder / "home/../x":
                self.assertIn("--outcomes and --junit are the same file", self.refused(*at, "--outcomes", "x", "--junit", other))
            self.assertEqual(endpoint.asked, [])
            self.assertEqual(self.evaluate(*at, "--outcomes", "o", "--junit", "/dev/null")[0], 0)
            self.assertEqual(self.evaluate(*at, "--outcomes", "o", "--junit", "j")[0], 0, "what it wrote may be replaced")

    def test_no_other_writes_over_what_it_reads(self):
        old = self.file("old.jsonl", {"task": "t", "data": "d"}, {"id": "1", "group": "", "scores": {"em": 1}})
        for file in old, "old.jsonl":
            self.assertIn("it is read, too", self.refused("compare", old, old, "--junit", file))
        self.assertIn("No such file or directory", self.refused("compare", old, old, "--junit", "nosuch/j", expected=1))
        data = self.file("data.jsonl", {"id": "a", "question": "q?", "passages": ["p."], "answers": ["p"]})
        for way in "grounding", "calibrate":
            asked = (way, MODEL, "--data", data)
            self.assertIn("it is read, too", self.refused(*asked, "--outcomes", data))
            self.assertIn("it is read, too", self.refused(*asked, "--outcomes", data, "--resume"))
            self.refused(*asked, "--outcomes", "nosuch/o", expected=1)
        self.assertIn("it is read, too", self.refused("grounding", MODEL, "--data", data, "--compare", old, "--outcomes", old))
        model = self.folder / "m.gguf"
        model.write_bytes(MODEL.read_bytes())
        self.assertIn("it is read, too", self.refused("calibrate", model, "--data", data, "--output", model))
        self.assertIn("the same file", self.refused("calibrate", model, "--data", data, "--output", "x", "--outcomes", "./x"))
        self.refused("calibrate", model, "--data", data, "--output", "nosuch/o", expected=1)
        for arguments in (("checker", "--data", data), ("injections", MODEL, "--data", data), ("intents", "--train", data),
                          ("intents", "--train", old, "--test", data), ("schema", MODEL, data)):
            self.assertIn("it is read, too", self.refused(*arguments, "--outcomes", data))

    def test_what_is_read_of_a_folder_stays(self):
        tools = ("tools", "--url", "http://127.0.0.1:1", "--data", "set")
        for arguments, name, why in ((("retrieval", "set"), "corpus.jsonl", "it is read"), (("retrieval", "set"), "queries.jsonl", "it is read"),
                                     (("retrieval", "set"), "qrels/test.tsv", "in set/qrels, which is read"),
                                     (("extraction", "set"), "ground-truth.json", "it is read"),
                                     (("extraction", "set"), "html/page.html.gz", "in set/html, which is read"),
                                     (tools, "BFCL_v4_simple_python.json", "it is read"),
                                     (tools, "possible_answer/BFCL_v4_multiple.json", "in set/possible_answer, which is read")):
            self.file(f"set/{name}", {})
            self.assertIn(why, self.refused(*arguments, "--outcomes", f"set/{name}"))

    def test_claims(self):
        data = self.file("data.json", {})
        asked = ("claims", "a", "--data", data, "--work", "work")
        (self.folder / "work").mkdir()
        self.assertIn("--html data.json: it is read, too", self.refused(*asked, "--html", "data.json"))
        self.assertIn("--markdown", self.refused(*asked, "--markdown", data))
        self.assertIn("the same file", self.refused(*asked, "--html", "r", "--markdown", "r"))
        self.refused(*asked, "--html", "nosuch/r.html", expected=1)
        self.refused("claims", "a", "--work", "nosuch/work", expected=1)
        self.assertFalse((self.folder / "nosuch").exists(), "a misspelt path is not made")


class Flags(Case):
    def test_numbers(self):
        for command, flags in NUMBERS.items():
            for flag in flags:
                err = self.refused(*command.split(), *flag.split())
                self.assertRegex(err, r"must be a (whole )?number (from|above) \S+( on| to \S+)?\b", (command, flag))
                self.assertLess(len(err), 300)

    def test_help_names_flags_as_they_are_given(self):
        for command, flag in (("task", "--no-cache"), ("grounding", "--no-plain"), ("load", "--stop-at-end")):
            status, out, err = self.evaluate(command, "--help")
            self.assertEqual(status, 0, err)
            self.assertRegex(out, rf"(?m)^ +{flag} ")


if __name__ == "__main__":
    unittest.main()
