#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ollama's own client: chat, generate, vectors, and what there is."""
import asyncio
import datetime
import unittest

import ollama

from kinglet_server import CHAT, QUESTION, VECTORS, Server, real_model

MESSAGES = [{"role": "user", "content": QUESTION}]
GREEDY = {"temperature": 0, "num_predict": 24}


def setUpModule():
    global server, client
    server = unittest.enterModuleContext(Server(real_model(CHAT + ".gguf"), real_model(VECTORS)))
    client = ollama.Client(server.url)


class Ollama(unittest.TestCase):
    def chat(self, **options):
        return client.chat(**{"model": CHAT, "messages": MESSAGES, "options": GREEDY} | options)

    def test_an_answer_is_what_openai_s_route_says(self):
        body = {"model": CHAT, "messages": MESSAGES, "temperature": 0, "max_tokens": 24}
        other = server.call("/v1/chat/completions", body)[1]
        answer = self.chat()
        self.assertEqual(answer.message.content, other["choices"][0]["message"]["content"])
        self.assertEqual((answer.model, answer.message.role, answer.done, answer.done_reason),
                         (CHAT, "assistant", True, "length"))
        self.assertEqual((answer.prompt_eval_count, answer.eval_count), (other["usage"]["prompt_tokens"], 24))
        age = datetime.datetime.now(datetime.timezone.utc) - datetime.datetime.fromisoformat(answer.created_at)
        self.assertLess(abs(age), datetime.timedelta(minutes=1))

    def test_a_stream_says_the_same(self):
        *pieces, last = self.chat(stream=True)
        self.assertEqual("".join(piece.message.content for piece in pieces), self.chat().message.content)
        self.assertEqual({piece.done for piece in pieces}, {False})
        self.assertEqual((last.done, last.done_reason, last.eval_count, last.message.content), (True, "length", 24, ""))
        self.assertGreater(len(pieces), 5)

    def test_asynchronous_clients_hear_the_same(self):
        async def hear():
            stream = await ollama.AsyncClient(server.url).chat(CHAT, MESSAGES, stream=True, options=GREEDY)
            return "".join([piece.message.content async for piece in stream])
        self.assertEqual(asyncio.run(hear()), self.chat().message.content)

    def test_options_have_ollama_s_names(self):
        whole = self.chat().message.content
        stop = whole[len(whole) // 2:][:6]
        self.assertEqual(self.chat(options=GREEDY | {"stop": [stop]}).message.content, whole[:whole.index(stop)])
        draw = {"temperature": 1.5, "num_predict": 16, "num_ctx": 2048, "top_k": 40, "repeat_penalty": 1.1}
        draws = [self.chat(options=draw | {"seed": seed}).message.content for seed in (1, 1, 2)]
        self.assertEqual(draws[0], draws[1])
        self.assertNotEqual(draws[0], draws[2])
        self.assertEqual(self.chat(options=ollama.Options(**GREEDY, penalize_newline=True)).message.content, whole)

    def test_generate_is_a_chat_of_one_message(self):
        answer = client.generate(CHAT, QUESTION, options=GREEDY)
        self.assertEqual(answer.response, self.chat().message.content)
        self.assertEqual("".join(piece.response for piece in client.generate(CHAT, QUESTION, stream=True,
                                                                             options=GREEDY)), answer.response)
        told = [{"role": "system", "content": "You are a parrot."}, *MESSAGES]
        self.assertEqual(client.generate(CHAT, QUESTION, system="You are a parrot.", options=GREEDY).response,
                         self.chat(messages=told).message.content)
        raw = client.generate(CHAT, "The capital of France is", raw=True, options=GREEDY)
        self.assertTrue(raw.response.startswith(" Paris"))

    def test_nothing_to_say_loads_the_model(self):
        for answer in (client.generate(CHAT), client.chat(CHAT), client.generate(CHAT, keep_alive=-1)):
            self.assertEqual((answer.done, answer.done_reason, answer.eval_count), (True, "load", None))
        self.assertEqual(client.generate(CHAT).response, "")
        self.assertEqual(client.chat(CHAT).message.content, "")

    def test_vectors(self):
        texts = ["A man is eating food.", "A man is eating a piece of bread."]
        answer = client.embed(VECTORS, texts)
        self.assertEqual([len(vector) for vector in answer.embeddings], [384, 384])
        self.assertAlmostEqual(sum(a * b for a, b in zip(*answer.embeddings)), 0.755, places=2)
        counts = [server.count(text, model=VECTORS, add_special=True) for text in texts]
        self.assertEqual((answer.model, answer.prompt_eval_count), (VECTORS, sum(counts)))
        alone = client.embed(VECTORS, texts[0]).embeddings[0]
        for a, b in zip(alone, answer.embeddings[0]):
            self.assertAlmostEqual(a, b, places=5)

    def test_what_there_is(self):
        models = client.list().models
        self.assertEqual([model.model for model in models], [CHAT, VECTORS])
        self.assertEqual(models[0].size.real, real_model(CHAT + ".gguf").stat().st_size)
        self.assertEqual((models[0].details.format, models[0].details.family), ("gguf", "llama"))
        self.assertEqual(models[0].details.quantization_level, "Q4_1")
        self.assertEqual(models[0].details.parameter_size, "135M")
        self.assertEqual(len({model.digest for model in models}), 2)
        self.assertRegex(models[0].digest, "^[0-9a-f]{64}$")   # programs print its first 12 letters

    def test_what_a_model_is(self):
        shown = client.show(CHAT)
        self.assertEqual(shown.capabilities, ["completion", "tools"])
        self.assertEqual(shown.modelinfo["general.architecture"], "llama")
        self.assertEqual(shown.modelinfo["llama.context_length"], 8192)
        self.assertEqual(shown.modelinfo["llama.embedding_length"], 576)
        self.assertIn("<|im_start|>", shown.template)
        self.assertEqual(client.show(VECTORS).capabilities, ["embedding"])
        self.assertEqual(client.show(VECTORS).modelinfo["bert.embedding_length"], 384)

    def test_what_is_loaded(self):
        self.chat(options={"num_predict": 1})
        loaded = client.ps().models[0]
        self.assertEqual((loaded.model, loaded.size_vram.real), (CHAT, 0))
        self.assertEqual(loaded.digest, client.list().models[0].digest)
        self.assertGreater(loaded.size.real, 90_000_000)
        self.assertGreater(loaded.expires_at.year, 2100)   # it stays until the server ends

    def test_refusals_are_texts_with_their_status(self):
        for status, word, call in (
                (404, "gpt-4o", lambda: client.chat("gpt-4o", MESSAGES)),
                (404, "gpt-4o", lambda: client.show("gpt-4o")),
                (404, "path", lambda: client.pull("gpt-4o")),
                (400, "format", lambda: self.chat(format={"type": "array", "uniqueItems": True})),
                (400, "options.mirostat", lambda: self.chat(options={"mirostat": 1})),
                (400, "options.warmth", lambda: self.chat(options={"warmth": 1})),
                (400, "too long", lambda: self.chat(messages=[{"role": "user", "content": "word " * 9000}])),
                (400, "model", lambda: client.embed(CHAT, "a"))):
            with self.assertRaises(ollama.ResponseError) as caught:
                call()
            self.assertEqual(caught.exception.status_code, status)
            self.assertIsInstance(caught.exception.error, str)
            self.assertIn(word, caught.exception.error)

    def test_programs_that_look_whether_it_is_there(self):
        self.assertEqual(server.call("/", method="HEAD")[0], 200)
        self.assertEqual(server.call("/api/version")[0], 200)


if __name__ == "__main__":
    unittest.main()
