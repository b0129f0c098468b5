#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The command llm, told of the server by its file of extra models."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from kinglet_server import CHAT, QUESTION, TEXT, Server


def setUpModule():
    global server, base, answer, ending
    server = unittest.enterModuleContext(Server.for_chat())
    base, answer, ending = server.url + "/v1", server.answer(QUESTION), server.ending(TEXT)


class Llm(unittest.TestCase):
    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.home = pathlib.Path(folder)
        (self.home / "extra-openai-models.yaml").write_text(
            f"- model_id: bird\n  model_name: {CHAT}\n  api_base: {base}\n"
            f"- model_id: text\n  model_name: {CHAT}\n  api_base: {base}\n  completion: true\n")

    def llm(self, *arguments):
        done = subprocess.run([pathlib.Path(sys.executable).parent / "llm", *arguments], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=60,
                              env=os.environ | {"LLM_USER_PATH": str(self.home), "OPENAI_API_KEY": "none"})
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_an_answer_and_a_conversation_that_goes_on(self):
        flags = ("-o", "temperature", "0", "-o", "max_tokens", "24")
        self.assertEqual(self.llm("-m", "bird", "My name is Zoe.", *flags), server.answer("My name is Zoe.") + "\n")
        self.assertIn("Zoe", self.llm("-c", "What is my name?", *flags))
        self.assertEqual(self.llm("-m", "bird", QUESTION, "--no-stream", *flags), answer + "\n")

    def test_a_text_goes_on(self):
        self.assertEqual(self.llm("-m", "text", TEXT, "-o", "temperature", "0", "-o", "max_tokens", "8"), ending + "\n")


if __name__ == "__main__":
    unittest.main()
