#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kinglet ask that follows a file of intents: who answers, what flags change, what no library answers."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

FILE = """
[out_of_scope]
examples = ["sing me a song", "how tall is the moon", "good morning to you", "tell me a joke", "what time is it"]

[[intent]]
name = "doors"
mode = "quote"
library = "office"
examples = ["when does the front door open", "who has the key of the door", "is the gate closed", "where is the spare key", "lock the back door"]

[[intent]]
name = "bills"
mode = "refuse"
message = "Ask the office."
examples = ["where is my invoice", "you charged my card twice", "send me the receipt", "how do I pay the bill", "refund my payment"]

[[intent]]
name = "orders"
mode = "tool"
tool = "order"
examples = ["I want two of the red ones", "order the same again", "three boxes to my address", "add a lamp to my order", "I take the small one"]

[[intent]]
name = "printers"
mode = "cite"
model = "nowhere.gguf"
examples = ["the printer is out of paper", "which cartridge fits", "print it in grey", "clean the scanner", "a jam in the tray"]
"""


class RoutedAsk(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.home = cls.folder / "home"
        cls.home.mkdir()
        (cls.folder / "office.md").write_text("# Doors\n\nThe front door opens at seven in the morning.\n")
        (cls.folder / "attic.md").write_text("# Attic\n\nThe front door of the attic never opens in winter.\n")
        cls.kinglet("ingest", cls.folder / "office.md", "--library", cls.home / "office")
        cls.kinglet("ingest", cls.folder / "attic.md", "--library", cls.folder / "attic")
        cls.file = cls.home / "intents.toml"
        cls.file.write_text(FILE)
        cls.kinglet("intents", "train", cls.file)

    @classmethod
    def kinglet(cls, *arguments, status=0):
        done = subprocess.run([os.environ["KINGLET"], *map(str, arguments)], capture_output=True, text=True, timeout=120,
                              stdin=subprocess.DEVNULL, env=os.environ | {"KINGLET_HOME": str(cls.home)})
        assert done.returncode == status, (done.returncode, done.stderr)
        return done.stdout if status == 0 else done.stderr

    def ask(self, question, *flags):
        return json.loads(self.kinglet("ask", question, "--json", *flags))

    def test_the_intent_says_who_answers(self):
        for flags in ("--model", "auto"), ("--intents", self.file):
            answer = self.ask("when does the front door open", *flags)
            self.assertIn("at seven", answer["answer"])
            self.assertEqual((answer["mode"], answer["route"]["intent"]), ("quote", "doors"))
            self.assertEqual(answer["route"]["library"], str(self.home / "office"))
            self.assertGreater(answer["route"]["confidence"], 0.3)
        row = json.loads(self.kinglet("ledger", "--json", "-n", "1"))["entries"][0]
        self.assertEqual((row["id"], row["intent"]), (answer["ledger"]["id"], "doors"))
        self.assertIn("intent doors (", self.kinglet("ask", "when does the front door open", "--model", "auto"))

    def test_flags_stand(self):
        answer = self.ask("when does the front door open", "--model", "auto", "--library", self.folder / "attic")
        self.assertIn("in winter", answer["answer"])
        self.assertEqual(answer["route"]["intent"], "doors")
        # Without a model a sentence of its own cannot be written: the mode that was asked for wants one.
        self.assertIn("nowhere.gguf", self.kinglet("ask", "which cartridge fits", "--model", "auto", "--library", self.folder / "attic", status=1))
        self.assertEqual(self.ask("which cartridge fits", "--intents", self.file, "--mode", "quote", "--library", self.folder / "attic",
                                  "--model", os.environ["KINGLET_TEST_DATA"] + "/models/stories-q4_0.gguf")["route"]["intent"], "printers")

    def test_a_refusal_is_an_abstention_with_a_message(self):
        answer = self.ask("you charged my card twice", "--model", "auto")
        self.assertEqual((answer["abstained"], answer["reason"], answer["message"]), (True, "refused", "Ask the office."))
        shown = self.kinglet("ask", "you charged my card twice", "--model", "auto")
        self.assertTrue(shown.startswith("Ask the office.\n"), shown)
        self.assertIn(" | nobody was asked | ", shown)
        row = json.loads(self.kinglet("ledger", "--json", "-n", "1"))["entries"][0]
        self.assertEqual((row["kind"], row["mode"], row["intent"], row["abstained"]), ("ask", "refuse", "bills", "refused"))

    def test_what_no_library_answers_is_an_error(self):
        error = self.kinglet("ask", "order the same again", "--model", "auto", status=2)
        self.assertIn('"orders"', error)
        self.assertIn("chat completions", error)
        error = self.kinglet("ask", "order the same again", "--intents", self.extracting(), status=2)
        self.assertNotIn("kinglet extract", error)
        self.assertIn("no intent fits", self.kinglet("ask", "good morning to you", "--model", "auto", status=1))
        self.assertIn("was never trained", self.kinglet("ask", "a", "--intents", self.untrained(), status=1))

    def extracting(self):
        """A file in which orders are extracted."""
        (self.home / "order.json").write_text("{}")
        file = self.home / "extracting.toml"
        file.write_text(FILE.replace('mode = "tool"\ntool = "order"', 'mode = "extract"\nschema = "order.json"'))
        self.kinglet("intents", "train", file)
        return file

    def test_of_a_conversation_the_first_line_is_routed(self):
        done = subprocess.run([os.environ["KINGLET"], "ask", "--model", "auto", "--mode", "chat"], capture_output=True,
                              input="\nyou charged my card twice\n", text=True, timeout=120,
                              env=os.environ | {"KINGLET_HOME": str(self.home)})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.startswith("Ask the office.\n"), done.stdout)
        self.assertEqual(self.kinglet("ask", "--model", "auto", "--mode", "chat"), "")

    def untrained(self):
        file = self.folder / "other.toml"
        file.write_text(FILE)
        return file


if __name__ == "__main__":
    unittest.main()
