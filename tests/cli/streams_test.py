#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What any command does with odd arguments, and with standard streams that are full or closed."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

MODEL = pathlib.Path(os.environ["KINGLET_TEST_DATA"]) / "models/stories-q4_0.gguf"


class Streams(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.home = pathlib.Path(folder.name)

    def command(self, *arguments, redirect=""):
        """The program's status, output and errors, its streams redirected as a shell does."""
        done = subprocess.run(["sh", "-c", f'exec "$0" "$@" {redirect}', os.environ["KINGLET"], *arguments],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                              env=os.environ | {"KINGLET_HOME": str(self.home)})
        return done.returncode, done.stdout.decode(), done.stderr.decode()

    def test_errors_are_one_line_that_moves_no_cursor(self):
        for arguments in (("inspect", "a\x1b[2J\nb"), ("help", "\x1b[2J\n"), ("a\x1b[2J\nb",),
                          ("search", "x", "--library", "/no\x1b[2J\nsuch"), ("ledger", "\x1b[2J\n")):
            status, out, err = self.command(*arguments)
            self.assertIn(status, (1, 2))
            self.assertEqual((out, err.count("\n")), ("", 1))
            self.assertTrue(err.startswith("kinglet: ") and err[:-1].isprintable(), err)

    def test_help_tells_each_exit_status(self):
        told = self.command("help", "exit")[1]
        for status in "0:", "1:", "2:", "3:", "130:":
            self.assertIn(status, told)

    def test_a_full_disk_is_an_error(self):
        for arguments in (("--help",), ("models", "--json"), ("inspect", MODEL, "--json")):
            status, _, err = self.command(*arguments, redirect=">/dev/full")
            self.assertEqual((status, err.count("\n")), (1, 1), err)
            self.assertTrue(err.startswith("kinglet: "), err)
        self.assertEqual(self.command("inspect", "nonesuch", redirect="2>/dev/full")[0], 1)

    def test_a_closed_stream_is_no_file_to_print_into(self):
        (self.home / "a.txt").write_text("The kestrel eats voles.")
        (self.home / "broken").symlink_to("nowhere")
        for redirect in ">&-", "2>&-":
            self.command("ingest", str(self.home / "a.txt"), str(self.home / "broken"), redirect=redirect)
            self.assertEqual((self.home / "library/lock").read_bytes(), b"")
            self.assertEqual(self.command("library", "verify")[0], 0)

    def test_numbers_that_mean_nothing_are_refused(self):
        for flag in ("--temp=nan", "--top-p=nan", "--min-p=nan", "--repeat-penalty=nan", "--seed=-1", "--seed=1e3",
                     "--seed=99999999999999999999", "-c=-1"):
            status, _, err = self.command("run", MODEL, "--raw", "-p", "a", "-n", "1", *flag.split("="))
            self.assertEqual((status, err.count("\n")), (2, 1), f"{flag}: {err}")
        status, _, err = self.command("bench", MODEL, "-p", "-1")
        self.assertEqual((status, "-1" in err), (2, True), err)
        self.assertEqual(self.command("run", MODEL, "--raw", "-p", "a", "-n", "1", "--seed", str(2**64 - 1))[0], 0)
        self.assertEqual(self.command("models", "rm", "")[0], 1)

    def test_json_is_utf8_whatever_was_asked(self):
        (self.home / "a.txt").write_text("The kestrel eats voles.")
        self.command("ingest", str(self.home / "a.txt"))
        out = self.command("ask", b"kestrel \xff", "--mode", "quote", "--json")[1]
        self.assertEqual(json.loads(out)["question"], "kestrel \ufffd")
        self.assertEqual(self.command("ledger", "--json")[0], 0)

    def test_a_pipe_that_nobody_writes_is_not_waited_for(self):
        os.mkfifo(self.home / "pipe.txt")
        self.assertEqual(self.command("inspect", str(self.home / "pipe.txt"))[0], 1)
        self.assertEqual(self.command("ingest", str(self.home / "pipe.txt"))[0], 1)

    def test_ctrl_c_ends_a_command_that_asks_for_nothing(self):
        with subprocess.Popen([os.environ["KINGLET"], "tokenize", MODEL], stdin=subprocess.PIPE) as waiting:
            time.sleep(0.5)
            waiting.send_signal(signal.SIGINT)
            self.assertEqual(waiting.wait(timeout=30), -signal.SIGINT)


if __name__ == "__main__":
    unittest.main()
