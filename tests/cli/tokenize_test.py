#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kinglet tokenize: text, standard input, --json, --bos, --special, and what goes wrong."""
import json
import os
import pathlib
import subprocess
import unittest

# Six tokens: <unk> <s> </s> <0x0A> U+2581 a
MODEL = pathlib.Path(os.environ["KINGLET_TEST_DATA"]).parent / "fuzz/corpus/gguf/model.gguf"


def kinglet(*arguments, stdin=b""):
    done = subprocess.run([os.environ["KINGLET"], "tokenize", *arguments], input=stdin, capture_output=True, timeout=60)
    return done.returncode, done.stdout, done.stderr.decode()


def tokens(*arguments, stdin=b""):
    status, out, err = kinglet(MODEL, "--json", *arguments, stdin=stdin)
    assert status == 0, err
    return json.loads(out)


class Tokenize(unittest.TestCase):
    def test_text_becomes_ids_and_pieces(self):
        self.assertEqual(tokens("a"), {"ids": [4, 5], "pieces": [" ", "a"]})

    def test_standard_input_is_read_to_its_last_byte(self):
        self.assertEqual(tokens(stdin=b"a\n")["ids"], [4, 5, 3])
        self.assertEqual(tokens(stdin=b"")["ids"], [])

    def test_bos_and_control_tokens_only_where_asked(self):
        self.assertEqual(tokens("a", "--bos")["ids"], [1, 4, 5])
        self.assertNotIn(2, tokens("a</s>")["ids"])
        self.assertEqual(tokens("a</s>", "--special"), {"ids": [4, 5, 2], "pieces": [" ", "a", "</s>"]})

    def test_lines_cannot_move_the_cursor(self):
        status, out, _ = kinglet(MODEL, stdin=b"a\n")
        self.assertEqual(status, 0)
        self.assertEqual([line.split(None, 1) for line in out.decode().splitlines()],
                         [["4", '" "'], ["5", '"a"'], ["3", '"\\x0A"']])

    def test_what_is_wrong_is_told_in_one_line(self):
        for arguments, status, text in ((("/nonesuch.gguf", "a"), 1, "/nonesuch.gguf"),
                                        ((__file__, "a"), 3, "not a GGUF file"),
                                        ((), 2, "MODEL")):
            got, out, err = kinglet(*arguments)
            self.assertEqual((got, out, err.count("\n")), (status, b"", 1), err)
            self.assertTrue(err.startswith("kinglet: ") and text in err, err)


if __name__ == "__main__":
    unittest.main()
