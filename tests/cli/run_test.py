#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kinglet run, bench and eval: one answer, a conversation in a terminal, Ctrl-C, the figures."""
import json
import os
import pathlib
import pty
import select
import struct
import subprocess
import tempfile
import time
import unittest

DATA = pathlib.Path(os.environ["KINGLET_TEST_DATA"])
MODEL = DATA / "models/stories-q4_0.gguf"
STORY = "Once upon a time, there was a little girl named Lily."
ANSWER = " She loved to play outside in the sun. O"


def kinglet(*arguments, stdin=b"", **environment):
    done = subprocess.run([os.environ["KINGLET"], *arguments], input=stdin, capture_output=True, timeout=60,
                          env=os.environ | environment)
    return done.returncode, done.stdout, done.stderr.decode()


class Terminal:
    """The program with a terminal of its own."""

    def __init__(self, *arguments, **environment):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execve(os.environ["KINGLET"], ["kinglet", *map(str, arguments)], os.environ | environment)
        self.seen = ""

    def send(self, text):
        os.write(self.fd, text.encode())

    def expect(self, text, seconds=30):
        """Reads until text came, and returns all that came before it since the last call."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            ready = select.select([self.fd], [], [], max(0, end - time.monotonic()))[0]
            assert ready, f"no {text!r} in {self.seen!r}"
            try:
                self.seen += os.read(self.fd, 65536).decode().replace("\r\n", "\n")
            except OSError:   # the other side is closed
                assert text in self.seen, f"no {text!r} in {self.seen!r}"
        before, _, self.seen = self.seen.partition(text)
        return before

    def status(self):
        while True:   # an unread terminal would keep the program from ending
            try:
                if not os.read(self.fd, 65536):
                    break
            except OSError:
                break
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class Run(unittest.TestCase):
    def test_one_answer(self):
        status, out, err = kinglet("run", MODEL, "--raw", "-p", STORY, "-n", "24")
        self.assertEqual((status, err), (0, ""))
        self.assertTrue(out.decode().startswith(ANSWER), out)

    def test_an_answer_is_in_the_ledger(self):
        with tempfile.TemporaryDirectory() as home:
            self.assertEqual(kinglet("run", MODEL, "--raw", "-p", STORY, "-n", "24", KINGLET_HOME=home)[0], 0)
            row = json.loads(kinglet("ledger", "--json", KINGLET_HOME=home)[1])["entries"][0]
            self.assertEqual((row["kind"], row["mode"], row["model"]), ("run", "text", "stories-q4_0"))
            self.assertEqual(row["ledger"]["completion_tokens"], 24)
            self.assertEqual(row["ledger"]["useful_tokens"], 24)
            self.assertLessEqual(row["ledger"]["first_byte_ms"], row["ledger"]["total_ms"])
            (pathlib.Path(home) / "kinglet.toml").write_text("[ledger]\nkeep_text = true\n")
            kinglet("run", MODEL, "--raw", "-p", STORY, "-n", "24", KINGLET_HOME=home)
            row = json.loads(kinglet("ledger", "--json", KINGLET_HOME=home)[1])["entries"][0]
            self.assertEqual(row["question"], STORY)
            self.assertTrue(row["answer"].startswith(ANSWER), row)

    def test_a_ledger_that_cannot_be_written_does_not_take_the_answer_away(self):
        with tempfile.TemporaryDirectory() as home:
            (pathlib.Path(home) / "ledger.sqlite").mkdir()
            status, out, err = kinglet("run", MODEL, "--raw", "-p", STORY, "-n", "24", KINGLET_HOME=home)
            self.assertEqual(status, 0)
            self.assertTrue(out.decode().startswith(ANSWER), out)
            self.assertIn("ledger.sqlite", err)

    def test_the_same_on_every_thread_count_and_isa(self):
        answers = set()
        for threads in "1", "2", "3":
            answers.add(kinglet("run", MODEL, "--raw", "-p", STORY, "-n", "60", "-t", threads)[1])
        self.assertEqual(len(answers), 1)
        status, out, _ = kinglet("run", MODEL, "--raw", "-p", STORY, "-n", "16", KINGLET_ISA="scalar")
        self.assertEqual(status, 0)
        self.assertTrue(out.decode().startswith(ANSWER[:20]), out)

    def test_a_seed_repeats_a_draw(self):
        def draw(seed):
            return kinglet("run", MODEL, "--raw", "-p", STORY, "-n", "30", "--temp", "1.5", "--seed", seed)[1]
        self.assertEqual(draw("1"), draw("1"))
        self.assertNotEqual(draw("1"), draw("2"))

    def test_stop_strings_and_a_pipe(self):
        status, out, err = kinglet("run", MODEL, "--raw", "--stop", " in the", stdin=(STORY + "\n").encode())
        self.assertEqual((status, out, err), (0, b" She loved to play outside\n", ""))

    def test_what_is_wrong_is_told_in_one_line(self):
        for arguments, status, text in (
                (("-p", "hello"), 3, "no chat template"),
                (("--raw", "-p", "a " * 600), 2, "the context 512"),
                (("--raw", "-p", "a", "-c", "9999"), 2, "9999"),
                (("--raw", "-p", "a", "--top-p", "7"), 2, "--top-p"),
                (("--raw", "-p", "a", "--temp", "-1"), 2, "--temp")):
            got, out, err = kinglet("run", MODEL, *arguments)
            self.assertEqual((got, out, err.count("\n")), (status, b"", 1), err)
            self.assertTrue(err.startswith("kinglet: ") and text in err, err)
        self.assertEqual(kinglet("run", MODEL, "--raw", "-p", "a", KINGLET_ISA="none")[0], 2)

    def test_a_conversation_in_a_terminal(self):
        terminal = Terminal("run", MODEL, "--raw", "-n", "8")
        self.assertIn("512 tokens of context", terminal.expect("> "))
        terminal.send("/help\n")
        self.assertIn("/clear", terminal.expect("> "))
        terminal.send("/nonesuch\n")
        self.assertIn("no command /nonesuch", terminal.expect("> "))
        terminal.send('Once upon a time, \\\n')
        terminal.expect(". ")
        terminal.send("there was\n")
        self.assertTrue(terminal.expect("\n> ").strip())
        terminal.send('"""Once\n')
        terminal.expect(". ")
        terminal.send('upon a time"""\n')
        self.assertTrue(terminal.expect("\n> ").strip())
        terminal.send("/exit\n")
        self.assertEqual(terminal.status(), 0)

    def test_ctrl_c_ends_an_answer_and_not_the_program(self):
        for _ in range(20):   # until one is interrupted: a machine that holds us up has told the whole of it
            terminal = Terminal("run", MODEL, "--raw", KINGLET_ISA="scalar")   # slow enough for that
            terminal.expect("> ")
            terminal.send(STORY + "\n")
            terminal.expect("loved")
            terminal.send("\x03")
            letters = len(terminal.expect("\n> "))
            terminal.send("/exit\n")
            self.assertEqual(terminal.status(), 0)
            if letters < 900:
                break
        self.assertLess(letters, 900)   # the whole answer has 1200

    def test_ctrl_c_at_the_prompt_leaves_with_a_hint(self):
        terminal = Terminal("run", MODEL, "--raw")
        terminal.expect("> ")
        terminal.send("\x03")
        terminal.expect("/exit")
        self.assertEqual(terminal.status(), 0)

    def test_ctrl_d_leaves(self):
        terminal = Terminal("run", MODEL, "--raw")
        terminal.expect("> ")
        terminal.send("\x04")
        self.assertEqual(terminal.status(), 0)


class Figures(unittest.TestCase):
    def test_bench_tells_what_it_measured(self):
        status, out, err = kinglet("bench", MODEL, "-p", "40", "-n", "4", "-r", "2", "-t", "1", "--json")
        self.assertEqual((status, err), (0, ""))
        figures = json.loads(out)
        self.assertEqual([test["name"] for test in figures["tests"]], ["pp40", "tg4"])
        for test in figures["tests"]:
            speed = test["tokens_per_s"]
            self.assertTrue(0 < speed["min"] <= speed["median"] <= speed["max"])
        self.assertEqual((figures["threads"], figures["file_bytes"]), (1, MODEL.stat().st_size))
        self.assertRegex(kinglet("bench", MODEL, "-p", "40", "-n", "4", "-r", "1")[1].decode(), r"pp40 +[\d.]+")
        self.assertGreater(figures["start_ms"], 0)
        self.assertGreater(figures["first_token_ms"], 0)
        self.assertGreater(figures["resident_bytes"], figures["packed_bytes"])

    def test_bench_measures_streams_and_depths(self):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder, "bench.html")
            model = pathlib.Path(folder, "<b>&.gguf")
            model.write_bytes(MODEL.read_bytes())
            status, out, err = kinglet("bench", model, "-p", "8", "-n", "2", "-b", "1,3", "-d", "0,100", "-r", "1",
                                       "--json", "--html", page)
            self.assertEqual((status, err), (0, ""))
            tests = json.loads(out)["tests"]
            self.assertEqual([test["name"] for test in tests],
                             ["pp8", "tg2", "tg2@b3", "pp8@d100", "tg2@d100", "tg2@b3@d100"])
            # The caches hold so small a model: a share of what memory gives would say nothing.
            self.assertEqual([test["share_of_read"] for test in tests], [None] * 6)
            html = page.read_text()
            self.assertIn("&lt;b&gt;&amp;.gguf", html)
            self.assertNotIn("<b>", html)
            self.assertEqual(html.count("<svg"), 2)
        self.assertEqual(kinglet("bench", MODEL, "-d", "600")[0], 2)
        self.assertEqual(kinglet("bench", MODEL, "-p", "600")[0], 2)

    @unittest.skipUnless("KINGLET_SHARED" in os.environ, "KINGLET_SHARED is not set")
    def test_bench_counts_which_experts_were_asked(self):
        mixture = pathlib.Path(os.environ["KINGLET_SHARED"]) / "data/tiny-models/olmoe-f32.gguf"
        flags = ("bench", mixture, "-p", "40", "-n", "4", "-r", "1")
        layers = json.loads(kinglet(*flags, "--experts", "--json")[1])["expert_tokens"]
        self.assertEqual([sum(layer) for layer in layers], [2 * 2 * 44] * 2)  # two runs, two experts a token
        self.assertRegex(kinglet(*flags, "--experts")[1].decode(), r"layer +1: the busiest expert had [\d.]+ times")
        self.assertNotIn("expert", kinglet(*flags)[1].decode())

    def test_fidelity_does_not_depend_on_the_pieces(self):
        golden = MODEL.with_suffix(".safetensors")
        texts = [json.loads(kinglet("eval", "fidelity", MODEL, golden, "--json", *more)[1])["texts"]
                 for more in ((), ("--chunk", "1"), ("--chunk", "7", "-t", "1"))]
        self.assertEqual(texts[0], texts[1])
        self.assertEqual(texts[0], texts[2])
        self.assertEqual(texts[0]["wiki"]["tokens"], 96)
        self.assertLess(texts[0]["wiki"]["kl_mean"], 8e-3)
        self.assertIn("wiki", kinglet("eval", "fidelity", MODEL, golden)[1].decode())
        self.assertEqual(kinglet("eval", "fidelity", MODEL, MODEL)[0], 3)

    def test_embeddings_want_an_encoder_and_its_golden(self):
        with tempfile.TemporaryDirectory() as folder:
            golden = pathlib.Path(folder) / "golden.safetensors"
            header = b'{"embeddings":{"dtype":"F32","shape":[1,1],"data_offsets":[0,4]}}'
            golden.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
            golden.with_suffix(".json").write_text('{"sentences": [{"tokens": [1]}]}')
            status, _, error = kinglet("eval", "embeddings", MODEL, golden)
            self.assertEqual(status, 3)
            self.assertIn("a llama model makes text, and no vectors of texts", error)


if __name__ == "__main__":
    unittest.main()
