#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`kinglet eval perplexity` against likelihoods that a server echoes, put together by the definition."""
import json
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "api"))
import serving  # noqa: E402

TEXT = "Once upon a time there was a little girl. She had a cat and a red ball. One day the cat took the ball and ran. " * 8


class Perplexity(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        cls.environment = {"KINGLET_HOME": folder, "KINGLET_CACHE": folder + "/cache"}
        cls.text = pathlib.Path(folder, "text.txt")
        cls.text.write_text(TEXT)

    def kinglet(self, *arguments):
        done = subprocess.run([os.environ["KINGLET"], *arguments], capture_output=True, text=True, timeout=300,
                              env=os.environ | self.environment)
        return done.returncode, done.stdout, done.stderr

    def expected(self, starts, context, scored):
        """Nats of the last `scored` tokens of each window, whose first is the BOS, from the server's echo."""
        tokens = [1, *json.loads(self.kinglet("tokenize", serving.STORIES, TEXT, "--json")[1])["ids"]]
        nats = []
        with serving.Server(models=[serving.STORIES], environment=self.environment) as server:
            for start in starts(len(tokens)):
                body = {"prompt": [1, *tokens[start + 1:start + context]], "echo": True, "logprobs": 0, "max_tokens": 0}
                odds = server.send("POST", "/v1/completions", body).json()["choices"][0]["logprobs"]["token_logprobs"]
                nats += [-odd for odd in odds[context - scored:]]
        return nats

    def check(self, nats, *flags):
        status, out, err = self.kinglet("eval", "perplexity", serving.STORIES, self.text, "--json", *flags)
        self.assertEqual(status, 0, err)
        result = json.loads(out)
        self.assertEqual(result["tokens"], len(nats))
        self.assertAlmostEqual(result["perplexity"] / math.exp(sum(nats) / len(nats)), 1, places=4)
        self.assertAlmostEqual(result["bits_per_byte"], sum(nats) / math.log(2) / result["bytes"], places=4)
        low, high = result["ci95"]["perplexity"]
        self.assertTrue(low <= result["perplexity"] <= high)
        return result

    def test_second_halves(self):
        result = self.check(self.expected(lambda n: range(0, n - 63, 64), 64, 31), "--context", "64")
        self.assertGreater(result["windows"], 2)
        self.assertEqual(self.check(self.expected(lambda n: range(0, 128, 64), 64, 31), "-c", "64", "--windows", "2")["windows"], 2)

    def test_strides(self):
        self.check(self.expected(lambda n: range(0, n - 64, 16), 64, 16), "--context", "64", "--stride", "16")

    def test_what_cannot_be(self):
        self.text.with_name("short").write_text("Once")
        status, _, err = self.kinglet("eval", "perplexity", serving.STORIES, self.text.with_name("short"), "-c", "64")
        self.assertEqual((status, "the text has" in err), (2, True), err)
        self.assertEqual(self.kinglet("eval", "perplexity", serving.STORIES, self.text, "-c", "64", "--stride", "64")[0], 2)
        broken = self.text.with_name("broken")
        for content, why in ((b"\xff\xfe\xfd", "not UTF-8 at byte 0"), (TEXT.encode() + b"\xff", f"not UTF-8 at byte {len(TEXT)}"),
                             (b"", "it is empty")):
            broken.write_bytes(content)
            status, out, err = self.kinglet("eval", "perplexity", serving.STORIES, broken, "-c", "64")
            self.assertEqual((status, out, f"broken: {why}" in err), (3, "", True), err)
        status, out, _ = self.kinglet("eval", "perplexity", serving.STORIES, self.text, "-c", "64", "--windows", "2")
        self.assertRegex(out, r"(?m)^ +perplexity +\d+\.\d+ +95 %: ")


if __name__ == "__main__":
    unittest.main()
