#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`kinglet intents` and `kinglet route`: from a file of intents to a decision, and what is refused on the way."""
import contextlib
import json
import os
import pathlib
import sqlite3
import subprocess
import tempfile
import unittest

FILE = """
examples = "more.jsonl"
default = "chat"

[[endpoint]]
name = "lawyer"
url = "https://example.com/v1"
api_key_env = "LAWYER_KEY"

[[intent]]
name = "bills"
mode = "cite"
library = "billing"
risk = 0.05
first_byte_budget_ms = 500
examples = ["where is my invoice", "you charged my card twice", "send me the receipt", "how do I pay the bill", "refund my payment"]
[intent.sampling]
temperature = 0.5

[[intent]]
name = "law"
mode = "hand_over"
endpoint = "lawyer"

[[intent]]
name = "chat"
mode = "chat"
"""
LAW = ["is this clause binding", "I will sue you", "who is liable for damages", "what does the contract say", "my lawyer calls tomorrow"]


class Intents(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "intents.toml"
        self.file.write_text(FILE)
        self.write_more([{"text": text, "intent": "law"} for text in LAW] + [{"text": "how tall is the moon", "intent": None}])

    def write_more(self, lines):
        (self.folder / "more.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))

    def run_kinglet(self, *arguments, status=0):
        done = subprocess.run([os.environ["KINGLET"], *map(str, arguments)], capture_output=True, text=True, timeout=300,
                              env=os.environ | {"KINGLET_HOME": str(self.folder / "home")})
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout if status == 0 else done.stderr

    def route(self, text, *arguments):
        return json.loads(self.run_kinglet("route", text, "--intents", self.file, "--json", *arguments))

    def test_check_train_route(self):
        checked = self.run_kinglet("intents", "check", self.file)
        self.assertIn("3 intents, 11 examples, 1 of them out of scope", checked)
        self.assertIn('note: the intent "bills": no folder "billing" beside the file', checked)
        (self.folder / "billing").mkdir()
        self.assertNotIn("note: ", self.run_kinglet("intents", "check", self.file))
        self.file.write_text('embedder = "nonesuch"\n' + FILE)
        notes = json.loads(self.run_kinglet("intents", "check", self.file, "--json"))["notes"]
        self.assertEqual([note.startswith("the embedder: ") for note in notes], [True])
        self.file.write_text(FILE)
        trained = json.loads(self.run_kinglet("intents", "train", self.file, "--json"))
        self.assertEqual((trained["intents"], trained["examples"]), (2, 11))
        self.assertEqual(pathlib.Path(trained["trained"]).parent, self.folder / "home/intents")
        for blank in "", " \t":
            self.assertIn("the text is empty", self.run_kinglet("route", blank, "--intents", self.file, status=3))
        decision = self.route("refund the invoice that you charged twice", "--explain")
        self.assertEqual((decision["intent"], decision["uses"]["mode"], decision["uses"]["library"]), ("bills", "cite", "billing"))
        self.assertEqual((decision["uses"]["risk"], decision["uses"]["first_byte_budget_ms"], decision["uses"]["sampling"]),
                         (0.05, 500, {"temperature": 0.5}))
        weights = {row["word"]: row["weight"] for row in decision["why"]["words"]}
        self.assertGreater(weights["invoice"], weights["that"])
        decision = self.route("is the contract binding")
        self.assertEqual((decision["intent"], decision["uses"]["endpoint"]), ("law", "lawyer"))
        self.assertNotIn("example.com", json.dumps(decision))
        self.assertRegex(self.run_kinglet("route", "is the contract binding", "--intents", self.file), r"(?m)^law +confidence ")

    def test_training_is_the_same_twice(self):
        trained = pathlib.Path(json.loads(self.run_kinglet("intents", "train", self.file, "--json"))["trained"])
        first = trained.read_bytes()
        self.run_kinglet("intents", "train", self.file)
        self.assertEqual(trained.read_bytes(), first)

    def test_what_is_stale_is_refused(self):
        self.assertIn(f"was never trained: kinglet intents train {self.file}", self.run_kinglet("route", "a", "--intents", self.file, status=1))
        trained = pathlib.Path(json.loads(self.run_kinglet("intents", "train", self.file, "--json"))["trained"])
        self.write_more([{"text": text + "?", "intent": "law"} for text in LAW])
        self.assertIn("has other examples than it was trained with", self.run_kinglet("route", "a", "--intents", self.file, status=3))
        trained.write_bytes(trained.read_bytes()[:-4])
        self.assertIn("it is cut", self.run_kinglet("route", "a", "--intents", self.file, status=3))

    def test_errors_name_file_and_line(self):
        self.file.write_text(FILE.replace("risk", "rsk"))
        self.assertIn(f'{self.file}: line 14: an intent has no key "rsk"', self.run_kinglet("intents", "check", self.file, status=3))
        self.file.write_text(FILE)
        self.write_more([{"text": "a", "intent": "law"}, {"text": "b", "intent": "lore"}])
        self.assertIn('more.jsonl: line 2: there is no intent "lore"', self.run_kinglet("intents", "check", self.file, status=3))

    def test_test_by_itself_and_by_data(self):
        report = json.loads(self.run_kinglet("intents", "test", self.file, "--json"))
        self.assertEqual((report["in_scope"], report["out_of_scope"], report["auroc"]), (2, 0, None))
        self.run_kinglet("intents", "train", self.file)
        data = self.folder / "test.jsonl"
        data.write_text('{"text": "send the invoice", "intent": "bills"}\n{"text": "I will sue", "intent": "law"}\n{"text": "hm", "intent": null}\n')
        report = json.loads(self.run_kinglet("intents", "test", self.file, "--data", data, "--json"))
        self.assertEqual((report["in_scope_accuracy"], report["in_scope"], report["out_of_scope"]), (1, 2, 1))
        data.write_text('{"text": "send the invoice", "intent": "bill"}\n')
        self.assertIn('"bill" is no intent of the file', self.run_kinglet("intents", "test", self.file, "--data", data, status=3))

    def corrections(self, *command):
        return json.loads(self.run_kinglet("intents", *command, self.file, "--json"))

    def test_learns_what_users_have_corrected(self):
        home = self.folder / "home"
        home.mkdir()
        (home / "kinglet.toml").write_text("[ledger]\nkeep_text = true\n")
        self.run_kinglet("intents", "train", self.file)
        self.assertEqual(self.corrections("corrections"), {"added": [], "known": 0, "left_out": [], "without_text": 0})
        self.correct(home / "ledger.sqlite", [
            ("may I shred this deed", "law"), ("where is my invoice", "bills"), ("send me the receipt", "law"), ("fly me", "planes"),
            ("what a day", "chat"), ("may I shred this deed", "law"), ("count the stars", ""), (None, "law")])
        before = (self.folder / "more.jsonl").read_text()
        seen = self.corrections("corrections")
        self.assertEqual(seen["added"], [{"text": "may I shred this deed", "intent": "law"}, {"text": "what a day", "intent": None},
                                         {"text": "count the stars", "intent": None}])
        self.assertEqual((seen["known"], seen["without_text"]), (1, 1))
        self.assertEqual([(left["text"], left["why"]) for left in seen["left_out"]],
                         [("send me the receipt", 'it is an example of "bills"'), ("fly me", "there is no such intent")])
        shown = self.run_kinglet("intents", "corrections", self.file)
        self.assertIn("+ law: may I shred this deed\n", shown)
        self.assertIn("corrections: 3 new, 1 known already, 2 left out; of 1 the question was not kept", shown)
        # To see is not to learn.
        self.assertEqual((self.folder / "more.jsonl").read_text(), before)
        self.route("is the contract binding")
        trained = self.corrections("train", "--ledger")
        self.assertEqual((trained["examples"], trained["corrections"]), (14, seen))
        self.assertEqual(len((self.folder / "more.jsonl").read_text().splitlines()), len(before.splitlines()) + 3)
        self.assertEqual(self.route("shred the deed")["intent"], "law")
        # What was learnt is of the file, whatever the ledger keeps; without it the classifier is stale.
        again = self.corrections("train", "--ledger")
        self.assertEqual((again["examples"], again["corrections"]["added"], again["corrections"]["known"]), (14, [], 4))
        (self.folder / "more.jsonl").write_text(before)
        self.assertIn("has other examples than it was trained with", self.run_kinglet("route", "a", "--intents", self.file, status=3))

    def test_corrections_need_a_file_of_examples(self):
        self.file.write_text(FILE.replace('examples = "more.jsonl"\n', "").replace('endpoint = "lawyer"', f'endpoint = "lawyer"\nexamples = {json.dumps(LAW)}'))
        self.run_kinglet("intents", "corrections", self.file)
        self.correct(self.folder / "home/ledger.sqlite", [("may I shred this deed", "law")])
        self.assertIn("names no file that corrections could be kept in", self.run_kinglet("intents", "train", self.file, "--ledger", status=2))

    def correct(self, ledger, rows):
        """Answers whose users say what they should have been taken for."""
        with contextlib.closing(sqlite3.connect(ledger)) as database, database:
            columns = [name for _, name, kind, needed, *_ in database.execute("PRAGMA table_info(answers)") if needed and name != "number"]
            for number, (question, intent) in enumerate(rows):
                values = {name: 0 for name in columns} | {"id": f"{number:016}", "kind": "ask", "mode": "cite", "model": "", "currency": ""}
                values |= {"question": question, "corrected_intent": intent}
                database.execute(f"INSERT INTO answers ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})", list(values.values()))


if __name__ == "__main__":
    unittest.main()
