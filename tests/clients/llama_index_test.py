#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""LlamaIndex: chat, texts that go on, and their streams."""
import unittest

from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike

from kinglet_server import CHAT, QUESTION, TEXT, Server


def setUpModule():
    global server, base, answer, ending
    server = unittest.enterModuleContext(Server.for_chat())
    base, answer, ending = server.url + "/v1", server.answer(QUESTION), server.ending(TEXT)


class LlamaIndex(unittest.TestCase):
    def model(self, **options):
        return OpenAILike(api_base=base, api_key="none", model=CHAT, temperature=0, max_retries=0, **options)

    def test_an_answer_and_its_stream(self):
        model, messages = self.model(is_chat_model=True, max_tokens=24), [ChatMessage(role="user", content=QUESTION)]
        said = model.chat(messages)
        self.assertEqual((said.message.content, said.raw.usage.completion_tokens), (answer, 24))
        self.assertEqual("".join(piece.delta for piece in model.stream_chat(messages)), answer)
        self.assertEqual(model.complete(QUESTION).text, answer)

    def test_a_text_goes_on(self):
        model = self.model(is_chat_model=False, max_tokens=8)
        self.assertEqual(model.complete(TEXT).text, ending)
        self.assertEqual("".join(piece.delta for piece in model.stream_complete(TEXT)), ending)


if __name__ == "__main__":
    unittest.main()
