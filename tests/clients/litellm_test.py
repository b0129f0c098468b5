#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""LiteLLM, which speaks each of the APIs that the server has."""
import os
import unittest

# It asks the network for prices unless told to use the list that it carries.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
import litellm  # noqa: E402

from kinglet_server import CHAT, QUESTION, VECTORS, Server, real_model

MESSAGES = [{"role": "user", "content": QUESTION}]


def setUpModule():
    global server, base, answer
    server = unittest.enterModuleContext(Server(real_model(CHAT + ".gguf"), real_model(VECTORS), flags=("--context", "2048")))
    base, answer = server.url + "/v1", server.answer(QUESTION)


class LiteLlm(unittest.TestCase):
    ROUTES = {"openai": "/v1", "hosted_vllm": "/v1", "ollama_chat": "", "ollama": "", "anthropic": ""}

    def complete(self, provider, messages=MESSAGES, **options):
        return litellm.completion(model=f"{provider}/{CHAT}", messages=messages, api_key="none", temperature=0,
                                  api_base=server.url + self.ROUTES[provider], max_tokens=24, num_retries=0, **options)

    def test_an_answer_by_each_of_the_apis(self):
        for provider in "openai", "hosted_vllm", "ollama_chat", "anthropic":
            said = self.complete(provider)
            self.assertEqual(said.choices[0].message.content, answer, provider)
            self.assertEqual((said.choices[0].finish_reason, said.usage.completion_tokens), ("length", 24), provider)

    def test_a_stream_by_each_of_the_apis(self):
        for provider in "openai", "hosted_vllm", "ollama_chat", "anthropic":
            pieces = list(self.complete(provider, stream=True))
            self.assertEqual("".join(piece.choices[0].delta.content or "" for piece in pieces), answer, provider)

    def test_the_generate_route_of_ollama(self):
        self.assertEqual(self.complete("ollama").usage.completion_tokens, 24)

    def test_vectors(self):
        for provider in "openai", "ollama":
            made = litellm.embedding(model=f"{provider}/{VECTORS}", input=["A parrot."], api_key="none",
                                     api_base=server.url + self.ROUTES[provider])
            self.assertEqual(len(made.data[0]["embedding"]), 384)

    def test_refusals_have_its_classes(self):
        long = [{"role": "user", "content": "word " * 3000}]
        for provider in "openai", "hosted_vllm", "anthropic":
            with self.assertRaises(litellm.ContextWindowExceededError):
                self.complete(provider, long)
        with self.assertRaises(litellm.NotFoundError):
            litellm.completion(model="openai/gpt-4o", messages=MESSAGES, api_key="none", api_base=base, num_retries=0)


if __name__ == "__main__":
    unittest.main()
