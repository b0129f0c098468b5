#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small model before a larger one on the command line: ask --then, eval cascade, ledger cascade."""
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "api"))
import serving  # noqa: E402

FACTS = {"Hens": "lay eggs in a nest", "Geese": "hiss at foxes", "Ducks": "swim in ponds", "Swans": "sleep on the lake"}
QUESTION = "Who sleeps on the lake?"


class Cascade(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.home = self.folder / "home"
        self.model = serving.add_to_gguf(serving.STORIES, self.folder / "tiny.gguf", tokenizer__chat_template=serving.TEMPLATE)
        self.larger = self.folder / "larger.gguf"
        shutil.copy(self.model, self.larger)

    def kinglet(self, *arguments):
        done = subprocess.run([os.environ["KINGLET"], *map(str, arguments)], capture_output=True, text=True, timeout=300,
                              stdin=subprocess.DEVNULL, env=os.environ | {"KINGLET_HOME": str(self.home), "KINGLET_CACHE": str(self.folder / "cache")})
        return done.returncode, done.stdout, done.stderr

    def json_of(self, *arguments):
        status, out, err = self.kinglet(*arguments, "--json")
        self.assertEqual(status, 0, err)
        return json.loads(out)

    def test_ask(self):
        serving.write_calibration(self.home, "tiny", bias=0)   # as it has it, half its answers are right
        documents = self.folder / "documents"
        documents.mkdir()
        for who, what in FACTS.items():
            (documents / f"{who}.md").write_text(f"# {who}\n\n{who} {what} all day long.\n")
        self.assertEqual(self.kinglet("ingest", documents)[0], 0)
        ask = ["ask", QUESTION, "--model", self.model, "--context", "512"]
        taken = self.json_of(*ask, "--then", self.larger, "--accept", "0.5")
        self.assertEqual(taken["cascade"], {"first": "tiny", "confidence": 0.5, "accepted": True})
        self.assertEqual(taken["route"]["model"], "tiny")
        given_up = self.json_of(*ask, "--then", self.larger, "--accept", "0.6")
        self.assertEqual(given_up["cascade"], {"first": "tiny", "confidence": 0.5, "accepted": False})
        self.assertEqual(given_up["route"]["model"], "larger")
        row, before = self.json_of("ledger")["entries"]
        self.assertEqual((row["model"], row["first_model"], row["confidence"]), ("larger", "tiny", 0.5))
        self.assertEqual((before["model"], before["first_model"]), ("tiny", "tiny"))
        shown = self.kinglet(*ask, "--then", self.larger, "--accept", "0.6")[1]
        self.assertRegex(shown, r"confidence \d\.\d\d of larger by words \(the model is not calibrated\); 0\.50 of tiny was below the bound \|")
        # What is never needed must be there all the same.
        self.assertEqual(self.kinglet(*ask, "--then", self.folder / "nobody.gguf", "--accept", "0")[0], 1)
        status, _, err = self.kinglet("ask", QUESTION, "--model", self.larger, "--then", self.model)
        self.assertEqual((status, "--then" in err, "calibrate" in err), (2, True, True), err)
        self.assertEqual(self.kinglet(*ask, "--accept", "0.5")[0], 2)

    def extract(self, *arguments):
        schema = self.folder / "schema.json"
        schema.write_text('{"const": "a text of several tokens"}')
        return self.kinglet("extract", "a", "--schema", schema, "--model", self.model, *arguments)

    def test_extract(self):
        self.assertEqual(self.extract("--then", self.larger)[:2], (0, '"a text of several tokens"\n'))
        status, out, err = self.extract("--then", self.larger, "-n", "3")
        self.assertEqual((status, out, "not finished" in err), (1, "", True), err)
        self.assertEqual(self.extract("-n", "3")[0], 1)
        alone, given_up, taken = self.json_of("ledger")["entries"]
        for row in given_up, taken:
            self.assertEqual((row["kind"], row["mode"], row["first_model"]), ("extract", "format", "tiny"))
        self.assertEqual((taken["model"], taken["ledger"]["valid"]), ("tiny", True))
        self.assertEqual((given_up["model"], given_up["ledger"]["valid"]), ("larger", False))
        self.assertEqual((alone["model"], alone["first_model"]), ("tiny", None))
        for name in "prompt_tokens", "completion_tokens":
            self.assertEqual(given_up["ledger"][name], 2 * alone["ledger"][name], "the bill is of both")
        self.assertNotEqual(given_up["model_digest"], None)

    def test_extract_prints_what_the_larger_one_finishes(self):
        """The small one's prompts are so long that the context has no room for its answer."""
        serving.add_to_gguf(serving.STORIES, self.model, tokenizer__chat_template=serving.TEMPLATE + " word" * 20)
        self.assertEqual(self.extract()[0], 0)
        context = self.json_of("ledger")["entries"][0]["ledger"]["prompt_tokens"] + 3
        self.assertEqual(self.extract("--context", context)[0], 1)
        status, out, err = self.extract("--context", context, "--then", self.larger)
        self.assertEqual((status, out), (0, '"a text of several tokens"\n'), err)
        row = self.json_of("ledger")["entries"][0]
        self.assertEqual((row["model"], row["first_model"], row["ledger"]["valid"]), ("larger", "tiny", True))
        self.assertGreater(row["ledger"]["useful_tokens"], 0)

    def test_the_larger_one_is_looked_at_first(self):
        (self.folder / "folder").mkdir()
        (self.folder / "empty").touch()
        (self.folder / "noise").write_bytes(bytes(range(256)) * 64)
        for then in self.folder / "folder", self.folder / "empty", self.folder / "noise", self.model:
            status, out, err = self.extract("--then", then)
            self.assertEqual((status in (1, 2, 3), out), (True, ""), err)
            self.assertIn(str(then), err)
        self.assertEqual(self.json_of("ledger")["entries"], [], "the small one has not worked")
        self.assertIn("must be another", self.extract("--then", self.model)[2])

    def test_an_intent_that_cannot_be_followed_is_named(self):
        intents = self.folder / "intents.toml"
        examples = {name: [f"{name} {word}" for word in ("eat", "sleep", "swim", "fly", "sing")] for name in ("hens", "swans")}
        intents.write_text("".join(f"[[intent]]\nname = {json.dumps(name)}\nmodel = {json.dumps(str(self.model))}\n"
                                   f"then = {json.dumps(str(self.larger))}\nexamples = {json.dumps(texts)}\n"
                                   for name, texts in examples.items()))
        self.assertEqual(self.kinglet("intents", "train", intents)[0], 0)
        documents = self.folder / "documents"
        documents.mkdir()
        (documents / "Swans.md").write_text("# Swans\n\nSwans sleep on the lake all day long.\n")
        self.assertEqual(self.kinglet("ingest", documents)[0], 0)
        status, _, err = self.kinglet("ask", "swans sleep", "--intents", intents)
        self.assertEqual(status, 1, err)
        self.assertIn('then of the intent "swans": ', err)
        self.assertIn("calibrate", err)

    def test_what_was_given_up_for_nothing_is_in_the_ledger(self):
        # Its header is sound.
        self.larger.write_bytes(self.model.read_bytes().replace(b"llama", b"nobod", 1))   # of an architecture that there is not
        self.assertEqual(self.extract("--then", self.larger, "-n", "3")[0], 3)
        serving.write_calibration(self.home, "tiny", bias=0)
        documents = self.folder / "documents"
        documents.mkdir()
        (documents / "Swans.md").write_text("# Swans\n\nSwans sleep on the lake all day long.\n")
        self.assertEqual(self.kinglet("ingest", documents)[0], 0)
        status, _, err = self.kinglet("ask", QUESTION, "--model", self.model, "--context", "512", "--then", self.larger, "--accept", "0.6")
        self.assertEqual(status, 3, err)
        asked, extracted = self.json_of("ledger")["entries"]
        self.assertEqual((asked["kind"], extracted["kind"]), ("ask", "extract"))
        for row in asked, extracted:
            self.assertEqual((row["model"], row["first_model"]), ("larger", "tiny"))
            self.assertEqual((row["ledger"]["delivered"], row["ledger"]["useful_tokens"]), (False, 0))
            self.assertGreater(row["ledger"]["prompt_tokens"], 0)
        self.assertEqual(extracted["ledger"]["completion_tokens"], 3)
        # What is not there at all is said before the small one works.
        self.assertEqual(self.extract("--then", self.folder / "nobody.gguf", "-n", "3")[0], 1)
        self.assertEqual(len(self.json_of("ledger")["entries"]), 2)

    def test_eval(self):
        data = self.folder / "data.jsonl"
        lines = [{"id": who, "group": who, "question": f"Who {what}?", "passages": [{"title": who, "text": f"{who} {what}."}], "answers": [who]}
                 for who, what in FACTS.items()]
        lines.append({"id": "moon", "question": "Who flies to the moon?", "passages": ["Mice have been there."], "answers": []})
        data.write_text("".join(json.dumps(line) + "\n" for line in lines))
        outcomes = [self.folder / "small.jsonl", self.folder / "large.jsonl"]
        for file, flags in zip(outcomes, (["--no-plain"], [])):
            status, _, err = self.kinglet("eval", "grounding", self.model, "--data", data, "--context", "512", "--outcomes", file, *flags)
            self.assertEqual(status, 0, err)
        line = json.loads(outcomes[0].read_text().splitlines()[1])
        self.assertGreater(line["cost"]["machine_ms"], 0)
        self.assertIn(line["quoted"], (True, False))
        # The other run has asked for more than an answer, so that its times are none of an answer.
        status, _, err = self.kinglet("eval", "cascade", *outcomes)
        self.assertEqual((status, "--cost-large" in err), (2, True), err)
        result = self.json_of("eval", "cascade", *outcomes, "--cost-small", "1", "--cost-large", "4", "--max-loss", "0", "100")
        self.assertEqual(result["questions"], 5)
        systems = result["systems"]
        self.assertEqual([one["system"] for one in systems],
                         ["always small", "always large", "cascade", "random mix", "cascade", "random mix", "oracle"])
        self.assertEqual([one["max_loss"] for one in systems], [None, None, 0, 0, 100, 100, None])
        # The same model twice: nothing is lost by the first, which is the cheaper.
        self.assertEqual({one["right"]["mean"] for one in systems}, {systems[0]["right"]["mean"]})
        self.assertEqual(systems[4]["accepted"], 1)
        self.assertEqual((systems[0]["cost"], systems[1]["cost"]), (1, 4))
        table = self.kinglet("eval", "cascade", *outcomes, "--cost-small", "1", "--cost-large", "4")[1]
        self.assertIn("5 questions in", table)
        self.assertRegex(table, r"\+0\.0 \(\+0\.0 to \+0\.0\)")
        two = [self.folder / "small_one.jsonl", self.folder / "large_one.jsonl"]
        for file, one in zip(outcomes, two):
            one.write_text("".join(file.read_text().splitlines(keepends=True)[:2]))
        table = self.kinglet("eval", "cascade", *two, "--cost-small", "1", "--cost-large", "4")[1]
        self.assertIn("+0.0 (no interval)", table)
        self.assertNotIn("-inf", table)
        two[1].write_text("{}\n")
        status, _, err = self.kinglet("eval", "cascade", *two)
        self.assertEqual((status, f"{two[1]}: line 1: " in err), (3, True), err)

    def test_ledger(self):
        status, _, err = self.kinglet("ledger", "cascade")
        self.assertEqual((status, "no judged answer" in err), (1, True), err)
        with sqlite3.connect(self.home / "ledger.sqlite") as ledger:
            for i in range(400):
                confidence = i % 100 / 100
                is_next = i >= 200
                useful = i % 10 < (9 if is_next else 10 * confidence)
                values = {"id": f"{i:016x}", "answered_at": 1, "kind": "ask", "mode": "cite", "model": "large" if is_next else "small",
                          "first_model": "small", "confidence": confidence, "useful_tokens": 1, "machine_ms": 400 if is_next else 100,
                          "currency": "EUR", "delivered": 1, "thumb": int(useful)}
                zeros = ("prompt_tokens", "cached_tokens", "completion_tokens", "first_byte_ms", "total_ms", "queue_ms", "retrieval_ms",
                         "prefill_ms", "decode_ms")
                values |= dict.fromkeys(zeros, 0)
                ledger.execute(f"INSERT INTO answers ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})", list(values.values()))
        learned = self.json_of("ledger", "cascade", "--max-loss", "5")
        self.assertEqual((learned["of_first"], learned["of_next"], learned["thumbs"], learned["cost_of"]), (200, 200, 400, "machine_ms"))
        self.assertTrue(0.5 < learned["accept"] < 0.95, learned)
        self.assertLessEqual(learned["points_lost"], 5)
        self.assertLess(self.json_of("ledger", "cascade", "--max-loss", "20")["accept"], learned["accept"])
        self.assertIn("400 of them by thumb", self.kinglet("ledger", "cascade")[1])
        status, _, err = self.kinglet("ledger", "cascade", "--cost", "1")
        self.assertEqual((status, "price" in err), (2, True), err)
        status, _, err = self.kinglet("ledger", "cascade", "--first", "nobody")
        self.assertEqual((status, "it takes 50" in err), (1, True), err)


if __name__ == "__main__":
    unittest.main()
