#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Many clients at once, and clients that go away in the middle of a stream."""
import asyncio
import unittest

import anthropic
import ollama
import openai

from kinglet_server import CHAT, QUESTION, Server

MESSAGES = [{"role": "user", "content": QUESTION}]
LONG = 1000   # tokens: more than any test waits for


def setUpModule():
    global server, client
    server = unittest.enterModuleContext(Server.for_chat())
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)
    unittest.addModuleCleanup(client.close)


def chat(question=QUESTION, **options):
    return client.chat.completions.create(model=CHAT, messages=[{"role": "user", "content": question}], temperature=0,
                                          **options)


class Together(unittest.TestCase):
    def test_eight_clients_at_once_hear_what_each_hears_alone(self):
        questions = [f"Name {count} birds." for count in range(2, 10)]
        alone = [chat(question, max_tokens=24).choices[0].message.content for question in questions]

        async def one(question, streamed):
            async with openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="none") as other:
                answer = await other.chat.completions.create(
                    model=CHAT, messages=[{"role": "user", "content": question}], temperature=0, max_tokens=24,
                    stream=streamed)
                if not streamed:
                    return answer.choices[0].message.content
                return "".join([chunk.choices[0].delta.content or "" async for chunk in answer])

        async def all_at_once():
            return await asyncio.gather(*(one(question, i % 2 == 0) for i, question in enumerate(questions)))
        self.assertEqual(asyncio.run(all_at_once()), alone)
        self.assertGreater(len(set(alone)), 5)
        self.assertTrue(server.wait_until(lambda: server.running() == 0))


class Gone(unittest.TestCase):
    def setUp(self):
        self.assertTrue(server.wait_until(lambda: server.running() == 0))
        self.before = {name: server.metric(name) for name in ("kinglet_cancelled_total", "kinglet_sequences")}

    def check_freed(self):
        self.assertTrue(server.wait_until(lambda: server.running() == 0), "it is still computed")
        self.assertTrue(server.wait_until(
            lambda: server.metric("kinglet_cancelled_total") == self.before["kinglet_cancelled_total"] + 1))
        self.assertEqual(server.metric("kinglet_sequences"), 0)
        # Its handler lets go of the model behind the engine's last event.
        self.assertTrue(server.wait_until(lambda: server.call("/api/ps")[1]["models"][0]["requests"] == 0))

    def test_a_stream_that_openai_s_client_leaves(self):
        stream = chat(max_tokens=LONG, stream=True, extra_body={"ignore_eos": True})
        for _, _ in zip(range(3), stream):
            pass
        self.assertEqual(server.running(), 1)
        stream.close()
        self.check_freed()

    def test_a_whole_answer_that_is_not_waited_for(self):
        with self.assertRaises(openai.APITimeoutError):
            client.with_options(timeout=1).chat.completions.create(
                model=CHAT, messages=MESSAGES, max_tokens=LONG, extra_body={"ignore_eos": True})
        self.check_freed()

    def test_a_stream_that_anthropic_s_client_leaves(self):
        with anthropic.Anthropic(base_url=server.url, api_key="none") as other:
            with other.messages.stream(model=CHAT, messages=MESSAGES, max_tokens=LONG,
                                       extra_body={"ignore_eos": True}) as stream:
                next(iter(stream.text_stream))
                self.assertEqual(server.running(), 1)
        self.check_freed()

    def test_a_stream_that_ollama_s_client_leaves(self):
        stream = ollama.Client(server.url).chat(CHAT, MESSAGES, stream=True,
                                                options={"num_predict": LONG, "ignore_eos": True})
        next(stream)
        self.assertEqual(server.running(), 1)
        stream.close()
        self.check_freed()

    def test_who_stays_hears_all_when_another_goes(self):
        whole = chat(max_tokens=40).choices[0].message.content
        leaving = chat("Tell me a story.", max_tokens=LONG, stream=True, extra_body={"ignore_eos": True})
        next(leaving)
        staying = chat(max_tokens=40, stream=True)
        pieces = [next(staying).choices[0].delta.content]
        leaving.close()
        pieces += [chunk.choices[0].delta.content for chunk in staying]
        self.assertEqual("".join(piece or "" for piece in pieces), whole)
        self.check_freed()

    def test_a_server_that_is_told_to_stop_lets_a_stream_end(self):
        with Server.for_chat() as other:
            with openai.OpenAI(base_url=other.url + "/v1", api_key="none") as short:
                stream = short.chat.completions.create(model=CHAT, messages=MESSAGES, temperature=0, max_tokens=40,
                                                       stream=True)
                pieces = [next(stream).choices[0].delta.content]
                other.process.terminate()
                pieces += [chunk.choices[0].delta.content for chunk in stream]
        self.assertEqual("".join(piece or "" for piece in pieces), chat(max_tokens=40).choices[0].message.content)
        self.assertEqual(other.status, 0)


if __name__ == "__main__":
    unittest.main()
