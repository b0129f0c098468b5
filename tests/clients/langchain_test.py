#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""LangChain: chat and its stream by both of OpenAI's routes, texts that go on, vectors."""
import unittest

import openai
from langchain_core.messages import HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI, OpenAI, OpenAIEmbeddings

from kinglet_server import CHAT, QUESTION, TEXT, VECTORS, Server, real_model


def setUpModule():
    global server, base, answer, ending
    server = unittest.enterModuleContext(Server(real_model(CHAT + ".gguf"), real_model(VECTORS), flags=("--context", "2048")))
    base, answer, ending = server.url + "/v1", server.answer(QUESTION), server.ending(TEXT)


class LangChain(unittest.TestCase):
    def chat(self, **options):
        return ChatOpenAI(base_url=base, api_key="none", model=CHAT, temperature=0, max_tokens=24, max_retries=0,
                          **options)

    def test_an_answer_and_its_stream(self):
        said = self.chat().invoke(QUESTION)
        self.assertEqual((said.content, said.response_metadata["finish_reason"]), (answer, "length"))
        self.assertEqual(said.usage_metadata["output_tokens"], 24)
        pieces = list(self.chat(stream_usage=True).stream(QUESTION))
        self.assertEqual("".join(piece.content for piece in pieces), answer)
        self.assertEqual([piece.usage_metadata["output_tokens"] for piece in pieces if piece.usage_metadata], [24])

    def test_many_questions_at_once(self):
        told = [SystemMessage("You are a parrot."), HumanMessage("Say hello.")]
        self.assertEqual([said.content for said in self.chat().batch([QUESTION, told, QUESTION])][::2], [answer] * 2)

    def test_the_responses_route(self):
        said = self.chat(use_responses_api=True).invoke(QUESTION)
        self.assertEqual(said.text, answer)
        pieces = list(self.chat(use_responses_api=True).stream(QUESTION))
        self.assertEqual("".join(piece.text for piece in pieces), answer)

    def test_odds(self):
        said = self.chat(logprobs=True, top_logprobs=2).invoke(QUESTION)
        self.assertEqual("".join(of["token"] for of in said.response_metadata["logprobs"]["content"]), answer)

    def test_a_text_goes_on(self):
        model = OpenAI(base_url=base, api_key="none", model=CHAT, temperature=0, max_tokens=8)
        self.assertEqual(model.invoke(TEXT), ending)
        self.assertEqual("".join(model.stream(TEXT)), ending)

    def test_vectors(self):
        # Without the check it sends texts; with it, token ids of OpenAI's models, which mean nothing to another.
        model = OpenAIEmbeddings(base_url=base, api_key="none", model=VECTORS, check_embedding_ctx_length=False)
        one, other = model.embed_documents(["A man is eating food.", "A man is eating a piece of bread."])
        self.assertAlmostEqual(sum(a * b for a, b in zip(one, other)), 0.755, places=2)
        for a, b in zip(model.embed_query("A man is eating food."), one):
            self.assertAlmostEqual(a, b, places=5)

    def test_shapes_that_cannot_be_enforced_are_refused(self):
        schema = {"title": "colours", "type": "object", "properties": {"all": {"type": "array", "uniqueItems": True}}}
        for method in "json_schema", "function_calling":
            with self.assertRaises(openai.BadRequestError) as caught:
                self.chat().with_structured_output(schema, method=method).invoke(QUESTION)
            self.assertEqual(caught.exception.code, "unenforceable")

    def test_a_prompt_that_is_too_long(self):
        with self.assertRaises(openai.BadRequestError) as caught:
            self.chat().invoke("word " * 3000)
        self.assertEqual(caught.exception.code, "context_length_exceeded")


if __name__ == "__main__":
    unittest.main()
