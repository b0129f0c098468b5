#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kinglet ask and kinglet ledger as a person and a script use them: quotes, abstentions, the bill, bad input, a terminal."""
import csv
import io
import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import tempfile
import time
import unittest

NOTES = """# Notes on the office

## Doors

The front door opens at seven in the morning. Visitors ring the bell twice. The caretaker keeps the spare key in the
green box.

## Printer

The printer on the second floor takes only grey cartridges. Orders for cartridges go to Maria Lindqvist.
"""
HOSTILE = ("# Log\n\nThe modem prints \x1b[2J\x1b]0;owned\x07 and then a blue banner on the wall every single night.\n\n"
           + "It is an old machine that nobody dares to switch off. " * 20)


class Ask(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        home = pathlib.Path(cls.folder.name)
        cls.home = home / "home"
        cls.environment = os.environ | {"KINGLET_HOME": str(cls.home)}
        documents = home / "documents"
        documents.mkdir()
        (documents / "office.md").write_text(NOTES, encoding="utf-8")
        (documents / "log.md").write_text(HOSTILE, encoding="utf-8")
        status, _, err = cls.kinglet("ingest", documents)
        assert status == 0, err

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @classmethod
    def kinglet(cls, *arguments, **environment):
        done = subprocess.run([os.environ["KINGLET"], *map(str, arguments)], capture_output=True, timeout=120,
                              stdin=subprocess.DEVNULL, env=cls.environment | environment)
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def ask_json(self, question, *flags):
        status, out, err = self.kinglet("ask", question, "--json", *flags)
        self.assertEqual(status, 0, err)
        return json.loads(out)

    def kept_text(self, document):
        return json.loads(self.kinglet("library", "show", document, "--text", "--json")[1])["text"].encode()

    def test_quotes_word_for_word(self):
        answer = self.ask_json("Where does the caretaker keep the spare key?", "--mode", "quote")
        self.assertFalse(answer["abstained"])
        self.assertIn("green", answer["quotes"][0]["text"])
        self.assertIn("Doors", answer["quotes"][0]["heading"])
        for quote in answer["quotes"]:
            kept = self.kept_text(quote["document"])
            self.assertEqual(kept[quote["start_byte"]:quote["end_byte"]].decode(), quote["text"])
        self.assertEqual(answer["mode"], "quote")
        self.assertIsNone(answer["route"]["model"])
        self.assertIsNone(answer["ledger"]["cost"])

    def test_says_why(self):
        question = "Where does the caretaker keep the spare key?"
        why = self.ask_json(question, "--mode", "quote")["why"]
        self.assertEqual(why["passages"][0]["lexical_rank"], 1)
        self.assertFalse(any(passage["read"] for passage in why["passages"]))
        self.assertIsNone(why["signals"])
        status, out, _ = self.kinglet("ask", question, "--mode", "quote", "--why")
        self.assertEqual(status, 0)
        self.assertIn("Passages by rank", out)
        self.assertIn("confidence 1.00 by words |", out)
        self.assertNotIn("Passages by rank", self.kinglet("ask", question, "--mode", "quote")[1])

    def test_abstains_with_a_reason_and_status_zero(self):
        answer = self.ask_json("Who painted the Sistine Chapel?", "--mode", "quote")
        self.assertTrue(answer["abstained"])
        self.assertIsNone(answer["answer"])
        self.assertIn(answer["reason"], ("off_topic", "missing"))
        self.assertEqual(answer["quotes"], [])
        status, out, _ = self.kinglet("ask", "Who painted the Sistine Chapel?", "--mode", "quote")
        self.assertEqual(status, 0)
        self.assertTrue(out.startswith("I do not know"), out)

    def set(self, settings):
        """kinglet.toml, for this test."""
        (self.home / "kinglet.toml").write_text(settings, encoding="utf-8")
        self.addCleanup((self.home / "kinglet.toml").unlink)

    def ledger(self, *arguments):
        status, out, err = self.kinglet("ledger", *arguments)
        self.assertEqual(status, 0, err)
        return out

    def test_the_ledger_has_each_answer_and_its_cost(self):
        self.set('currency = "USD"\nmachine_per_hour = 3600.0\nelectricity_per_kwh = 3600000\n')
        begun = time.monotonic()
        answer = self.ask_json("When does the front door open?", "--mode", "quote")
        line = answer["ledger"]
        self.assertEqual(line["currency"], "USD")
        self.assertAlmostEqual(line["cost"], line["machine_ms"] / 1000 + line["joules"], places=6)
        self.assertLessEqual(line["total_ms"], line["machine_ms"])   # alone, it takes all of the machine
        self.assertLess(line["machine_ms"], (time.monotonic() - begun) * 1000)
        self.assertIn(line["joules_source"], ("rapl", "estimate"))
        self.assertIs(line["kept"], True)
        ledger = json.loads(self.ledger("--json"))
        self.assertEqual(ledger["entries"][0]["id"], line["id"])
        self.assertEqual(ledger["entries"][0]["kind"], "ask")
        self.assertIsNone(ledger["entries"][0]["question"])
        self.assertGreaterEqual(ledger["totals"]["useful_answers"], 1)
        self.assertIn(line["id"], self.ledger("--limit", "1").splitlines()[1])

    def test_tables_are_as_narrow_as_their_content(self):
        self.ask_json("When does the front door open?", "--mode", "quote")
        lines = self.ledger("-n", "1").splitlines()
        self.assertRegex(lines[0], r"^id {14}  at {18}  kind  mode   verdict  first ms  total ms  prompt  .*  model$")
        self.assertRegex(self.ledger("--by", "mode").splitlines()[0], r"^mode +answers  useful  abstained  prompt  cached  made  useful  machine s  ")

    def test_the_ledger_as_tables_and_as_a_page(self):
        for _ in range(21):
            self.ask_json("When does the front door open?", "--mode", "quote")
        rows = list(csv.DictReader(io.StringIO(self.ledger("--csv"), newline="")))
        self.assertEqual(rows[0]["mode"], "quote")
        self.assertEqual(len(rows), json.loads(self.ledger("--json"))["totals"]["answers"])
        self.assertEqual(len(self.ledger("--csv", "-n", "3").splitlines()), 4)
        for by in "day", "mode", "model", "intent":
            groups = json.loads(self.ledger("--by", by, "--json"))["by"][by]
            self.assertEqual(sum(group["answers"] for group in groups), json.loads(self.ledger("--json"))["totals"]["answers"])
            self.assertIn(by, self.ledger("--by", by).splitlines()[0])
            self.assertEqual(len(list(csv.DictReader(io.StringIO(self.ledger("--by", by, "--csv"), newline="")))), len(groups))
        page = self.ledger("--html")
        self.assertIn("<!doctype html>", page)
        self.assertNotIn("<script", page)
        self.assertEqual(self.kinglet("ledger", "--html", "--csv")[0], 2)

    def test_the_ledger_keeps_text_where_asked_and_forgets(self):
        self.set("[ledger]\nkeep_text = true\n")
        line = self.ask_json("When does the front door of ann@example.org open?", "--mode", "quote")["ledger"]
        head, row = self.ledger("-n", "1").splitlines()[:2]
        self.assertTrue(head.endswith("  model  question"), head)
        self.assertTrue(row.endswith("  -      When does the front door of [email] open?"), row)
        entry = json.loads(self.ledger("--json"))["entries"][0]
        self.assertEqual(entry["question"], "When does the front door of [email] open?")
        self.assertIn("1 forgotten", self.ledger("forget", line["id"]))
        self.assertNotIn(line["id"], self.ledger("--json"))
        self.assertEqual(self.kinglet("ledger", "forget", line["id"])[0], 1)
        self.assertEqual(self.kinglet("ledger", "forget")[0], 2)
        self.assertEqual(self.kinglet("ledger", "forget", "--before", "yesterday")[0], 2)
        self.assertIn("0 forgotten", self.ledger("forget", "--before", "2020-01-31"))
        self.ledger("forget", "--before", "2999-01-01T00:00:00Z")
        self.assertEqual(json.loads(self.ledger("--json"))["entries"], [])

    def test_settings_of_the_ledger_are_checked(self):
        for setting in "keep_days = 0", 'keep_text = "yes"', "idle_watts = -1", "idle_watts = 90", "colour = 1":
            self.set(f"[ledger]\n{setting}\n")
            status, _, err = self.kinglet("ledger")
            self.assertEqual(status, 3, err)
            self.assertIn("kinglet.toml", err)
            self.doCleanups()
        for amount in "nan", "inf", "-1":
            for settings in f"\nelectricity_per_kwh = {amount}\n", f"[ledger]\nactive_watts = {amount}\n":
                self.set(settings)
                status, _, err = self.kinglet("ledger")
                self.assertEqual(status, 3, err)
                self.assertIn("line 2: ", err)
                self.assertIn("must be a number from 0 on", err)
                self.doCleanups()
        self.set("ledger = 1\n")
        self.assertEqual(self.kinglet("ledger")[0], 3)

    def test_a_ledger_that_cannot_be_written_does_not_take_the_answer_away(self):
        with tempfile.TemporaryDirectory() as home:
            (pathlib.Path(home) / "ledger.sqlite").mkdir()
            for flags in ((), ("--json",)):
                status, out, err = self.kinglet("ask", "When does the front door open?", "--mode", "quote", "--library",
                                                self.home / "library", *flags, KINGLET_HOME=home)
                self.assertEqual(status, 1, err)
                self.assertIn("opens at seven", out)
                self.assertIn("ledger.sqlite", err)

    def test_a_ledger_that_is_none_is_no_fault_of_the_question(self):
        with tempfile.TemporaryDirectory() as home:
            (pathlib.Path(home) / "ledger.sqlite").write_bytes(bytes(range(256)) * 16)
            status, out, err = self.kinglet("ask", "When does the front door open?", "--mode", "quote", "--library",
                                            self.home / "library", KINGLET_HOME=home)
            self.assertEqual(status, 1, err)
            self.assertIn("opens at seven", out)
            self.assertIn("ledger.sqlite", err)
            self.assertEqual(self.kinglet("ledger", KINGLET_HOME=home)[0], 3)

    def test_a_terminal_sees_no_control_characters_of_a_document(self):
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(os.environ["KINGLET"], ["kinglet", "ask", "What does the modem print every night?", "--mode",
                                              "quote"], self.environment)
        seen = b""
        while True:
            try:
                piece = os.read(fd, 65536)
            except OSError:
                break
            if not piece:
                break
            seen += piece
        os.close(fd)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        self.assertIn(b"blue banner", seen)
        self.assertNotIn(b"\x1b", seen)
        self.assertNotIn(b"\x07", seen)

    def test_an_empty_library_says_how_to_fill_it(self):
        with tempfile.TemporaryDirectory() as folder:
            documents = pathlib.Path(folder, "documents")
            documents.mkdir()
            self.kinglet("ingest", documents, "--library", folder)
            status, out, err = self.kinglet("ask", "Why?", "--mode", "quote", "--library", folder)
            self.assertEqual(status, 0, err)
            self.assertIn("kinglet ingest PATH", out)

    def test_bad_input_is_one_line(self):
        for arguments, status in ((("ask",), 2), (("ask", "--mode", "quote", "--why"), 2), (("ask", "Why?", "--mode", "guess"), 2),
                                  (("ask", "Why?", "--library", "/nonexistent"), 1),
                                  (("ask", "Who keeps the spare key?", "--model", "no-such-model"), 1),
                                  (("ask", "Why?" * 2000, "--mode", "quote"), 2), (("ledger", "--limit", "0"), 2)):
            got, out, err = self.kinglet(*arguments)
            self.assertEqual(got, status, (arguments, err))
            self.assertEqual(out, "")
            self.assertTrue(err.startswith("kinglet: "), err)
            self.assertEqual(err.count("\n"), 1, err)

    def test_a_number_out_of_its_range_is_refused_shortly(self):
        for arguments, said in ((("ask", "Why?", "--risk", "nan"), "--risk: must be a number from 0 to 1"),
                                (("ask", "Why?", "--then", "x", "--accept", "nan"), "--accept: must be a number from 0 to 1"),
                                (("ask", "Why?", "--temp", "nan"), "--temp: must be a number from 0 to 100"),
                                (("ask", "Why?", "--seed", "-1"), "--seed: must be a whole number from 0 to 18446744073709551615"),
                                (("ledger", "cascade", "--max-loss", "nan"), "--max-loss: must be a number from 0 to 100"),
                                (("ledger", "cascade", "--cost", "inf"), "--cost: must be a number above 0"),
                                (("search", "why", "-k", "-1"), "--limit: must be a whole number from 1 to 1000"),
                                (("serve", "--port", "65536"), "--port: must be a whole number from 0 to 65535"),
                                (("serve", "--max-running", "-1"), "--max-running: must be a whole number from 1 to 256"),
                                (("serve", "--kv-bytes", "-1"), "--kv-bytes: must be a whole number from 0 to 18446744073709551615"),
                                (("serve", "--drain-s", "nan"), "--drain-s: must be a number from 0 to 1000000")):
            status, out, err = self.kinglet(*arguments)
            self.assertEqual((status, out), (2, ""), err)
            self.assertIn(said + f', not "{arguments[-1]}" (', err)

    def test_a_broken_setting_is_named(self):
        (self.home / "kinglet.toml").write_text("colour = 1\n", encoding="utf-8")
        try:
            status, _, err = self.kinglet("ask", "Why?", "--mode", "quote")
        finally:
            (self.home / "kinglet.toml").unlink()
        self.assertEqual(status, 3)
        self.assertIn("colour", err)

    def test_its_own_home_is_home_enough(self):
        bare = {"KINGLET_HOME": str(self.home), "PATH": os.environ["PATH"]}
        done = subprocess.run([os.environ["KINGLET"], "ledger"], capture_output=True, env=bare, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        done = subprocess.run([os.environ["KINGLET"], "ledger"], capture_output=True, env={}, timeout=60)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"set KINGLET_HOME", done.stderr)

    def test_a_real_model_answers_in_its_own_words(self):
        model = pathlib.Path(os.environ.get("KINGLET_TEST_MODELS", "none"), "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf")
        if not model.exists():
            self.skipTest("KINGLET_TEST_MODELS does not hold Qwen2.5 Coder 0.5B")
        answer = self.ask_json("Where does the caretaker keep the spare key?", "--model", model)
        self.assertIn("green box", answer["answer"])
        self.assertGreater(answer["ledger"]["useful_tokens"], 0)
        self.assertLessEqual(answer["ledger"]["useful_tokens"], answer["ledger"]["completion_tokens"])
        for claim in answer["claims"]:
            self.assertTrue(claim["quotes"])
        span = answer["span"]
        self.assertIn("green box", span["text"])
        self.assertEqual(self.kept_text(answer["quotes"][span["quote"]]["document"])
                         [span["start_byte"]:span["end_byte"]].decode(), span["text"])
        again = self.ask_json("Where does the caretaker keep the spare key?", "--model", model, "-t", "1")
        self.assertEqual(again["answer"], answer["answer"])

    def test_a_conversation_goes_on_from_what_was_asked(self):
        model = pathlib.Path(os.environ.get("KINGLET_TEST_MODELS", "none"), "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf")
        if not model.exists():
            self.skipTest("KINGLET_TEST_MODELS does not hold Qwen2.5 Coder 0.5B")
        self.model = model
        first, second, third, fourth = [json.loads(line) for line in self.converse(
            "--json", lines="And for visitors?\nWho won the football cup?\nWho takes orders for cartridges?\n").splitlines()]
        self.assertIsNone(first["standalone_question"])
        self.assertIn("seven", first["quotes"][0]["text"])
        self.assertIn("visitors", second["standalone_question"])
        self.assertIn("door", second["standalone_question"])
        # A change of topic is not scored by what was asked before, whatever came of that.
        self.assertTrue(third["abstained"])
        self.assertEqual(fourth["quotes"][0]["text"], "Orders for cartridges go to Maria Lindqvist.")
        shown = self.converse(lines="And for visitors?\n")
        self.assertEqual(shown.count("Understood as: "), 1)
        self.assertIn(f'Understood as: {second["standalone_question"]}', shown)

    def test_ctrl_c_ends_an_answer_and_not_the_conversation(self):
        model = pathlib.Path(os.environ.get("KINGLET_TEST_MODELS", "none"), "qwen2.5-coder-0.5b-instruct-q4_k_m.gguf")
        if not model.exists():
            self.skipTest("KINGLET_TEST_MODELS does not hold Qwen2.5 Coder 0.5B")
        # Before it has opened the model, let alone read.
        asking = subprocess.Popen([os.environ["KINGLET"], "ask", "When does the front door open?", "--mode", "chat", "--model",
                                   str(model), "-t", "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, env=self.environment)
        handled = 1 << (signal.SIGINT - 1)
        while not int(re.search(r"SigCgt:\s*(\w+)", pathlib.Path(f"/proc/{asking.pid}/status").read_text())[1], 16) & handled:
            time.sleep(0.001)
        asking.send_signal(signal.SIGINT)
        out, err = asking.communicate(timeout=120)
        self.assertEqual((asking.returncode, out), (0, ""), err)
        self.assertIn("interrupted before there was an answer", err)

    def converse(self, *flags, lines):
        done = subprocess.run([os.environ["KINGLET"], "ask", "When does the front door open?", "--mode", "chat", "--model",
                               str(self.model), *flags], input=lines, capture_output=True, text=True, timeout=120,
                              env=self.environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout


if __name__ == "__main__":
    unittest.main()
