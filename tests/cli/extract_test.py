#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kinglet extract and kinglet eval schema: valid JSON or an error, and what each case came to."""
import gzip
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "api"))
import serving  # noqa: E402

TEMPLATE = "{% for message in messages if message.role != 'system' %}{{ message.content }}{% endfor %}"    # its context is small
SCHEMA = {"type": "object", "properties": {"word": {"enum": ["owl", "vole"]}, "count": {"type": "integer", "minimum": 0, "maximum": 9}},
          "required": ["word", "count"], "additionalProperties": False}


class Extract(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.home = pathlib.Path(self.folder.name)
        self.model = serving.add_to_gguf(serving.STORIES, self.home / "model.gguf", tokenizer__chat_template=TEMPLATE)

    def kinglet(self, *arguments, stdin=""):
        done = subprocess.run([os.environ["KINGLET"], *map(str, arguments)], input=stdin, capture_output=True, text=True, timeout=120,
                              env=os.environ | {"KINGLET_HOME": str(self.home / "home")})
        return done.returncode, done.stdout, done.stderr

    def write(self, name, content):
        path = self.home / name
        path.write_text(content)
        return path

    def extract(self, schema, *arguments, **more):
        path = self.write("schema.json", schema if isinstance(schema, str) else json.dumps(schema))
        return self.kinglet("extract", "--schema", path, "--model", self.model, *arguments, **more)

    def test_an_answer_is_in_the_ledger_and_one_that_was_cut_too(self):
        self.assertEqual(self.extract(SCHEMA, "An owl saw two voles.")[0], 0)
        self.assertEqual(self.extract(SCHEMA, "An owl saw two voles.", "-n", "2")[0], 1)
        cut, whole = json.loads(self.kinglet("ledger", "--json")[1])["entries"]
        for row in cut, whole:
            self.assertEqual((row["kind"], row["mode"]), ("extract", "format"))
        self.assertEqual((cut["ledger"]["valid"], cut["ledger"]["useful_tokens"]), (False, 0))
        self.assertIs(whole["ledger"]["valid"], True)
        self.assertGreater(whole["ledger"]["useful_tokens"], 0)

    def test_what_is_printed_satisfies_the_schema(self):
        for arguments, stdin in ((["An owl saw two voles."], ""), (["--temp", "1.5", "--seed", "7", "a"], ""), ([], "one owl\n")):
            status, out, err = self.extract(SCHEMA, *arguments, stdin=stdin)
            self.assertEqual((status, err), (0, ""))
            value = json.loads(out)
            self.assertIn(value["word"], ("owl", "vole"))
            self.assertIn(value["count"], range(10))
            self.assertEqual(list(value), ["word", "count"])

    def test_no_text_says_nothing(self):
        for arguments, stdin in (([""], "an owl"), (["  \n"], ""), ([], "")):
            self.assertEqual(self.extract(SCHEMA, *arguments, stdin=stdin), (3, "", "kinglet: there is no text to read\n"))

    def test_nothing_is_printed_that_is_cut_short(self):
        status, out, err = self.extract(SCHEMA, "-n", "3", "a")
        self.assertEqual((status, out), (1, ""))
        self.assertIn("not finished", err)
        # A number is whole behind each of its digits.
        self.assertEqual(self.extract({"type": "integer", "minimum": 1}, "-n", "1", "a")[:2], (1, ""))

    def test_what_cannot_be_enforced_is_refused_with_its_place(self):
        status, out, err = self.extract({"properties": {"a": {"type": "array", "uniqueItems": True}}}, "a")
        self.assertEqual((status, out), (3, ""))
        self.assertIn("/properties/a/uniqueItems", err)
        self.assertEqual(self.extract("{", "a")[0], 3)
        self.assertEqual(self.kinglet("extract", "--schema", "/none.json", "--model", self.model, "a")[0], 1)
        self.assertEqual(self.kinglet("extract", "a")[0], 2)

    def test_cases_are_counted(self):
        cases = [{"id": "right", "schema": SCHEMA, "tests": [{"data": {"word": "owl", "count": 3}, "valid": True},
                                                              {"data": {"count": 3, "word": "owl"}, "valid": True},
                                                              {"data": {"word": "cat", "count": 3}, "valid": False}]},
                 {"id": "refused", "schema": {"format": "phone"}, "tests": []},
                 {"id": "wrong on purpose", "schema": {"type": "integer"}, "tests": [{"data": "a", "valid": True}, {"data": 1, "valid": False}]}]
        text = "\n".join(map(json.dumps, cases))
        plain = self.write("cases.jsonl", text)
        packed = self.home / "cases.jsonl.gz"
        packed.write_bytes(gzip.compress(text.encode()))
        for path in plain, packed:
            status, out, err = self.kinglet("eval", "schema", self.model, path, "--json")
            self.assertEqual((status, err), (0, ""))
            result = json.loads(out)
            self.assertEqual([result[name] for name in ("cases", "right", "refused", "invalid_accepted", "valid_refused")], [3, 1, 1, 1, 1])
            self.assertGreater(result["mask_us"]["max"], 0)
        outcomes = self.home / "outcomes.jsonl"
        self.assertEqual(self.kinglet("eval", "schema", self.model, plain, "--outcomes", outcomes)[0], 0)
        run, *lines = [json.loads(line) for line in outcomes.read_text().splitlines()]
        self.assertEqual((run["task"], [line["scores"]["right"] for line in lines]), ("schema", [1, 0, 0]))
        self.assertIn('the schema at "/format"', lines[1]["refusal"])
        self.assertEqual((lines[2]["invalid_accepted"], lines[2]["valid_refused"]), (1, 1))
        self.assertEqual(self.kinglet("eval", "schema", self.model, self.write("bad.jsonl", '{"id": 1}'))[0], 3)


if __name__ == "__main__":
    unittest.main()
