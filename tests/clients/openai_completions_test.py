#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""OpenAI's completions, by its own client: texts that go on, and the odds of what was given."""
import math
import unittest

import openai

from kinglet_server import CHAT, Server

TEXT = "The capital of France is"


def setUpModule():
    global server, client
    server = unittest.enterModuleContext(Server.for_chat())
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)
    unittest.addModuleCleanup(client.close)


def go_on(prompt=TEXT, **options):
    return client.completions.create(**{"model": CHAT, "prompt": prompt, "temperature": 0, "max_tokens": 8} | options)


class Completions(unittest.TestCase):
    def test_a_text_goes_on_as_a_model_knows_it(self):
        answer = go_on()
        self.assertEqual((answer.object, answer.model), ("text_completion", CHAT))
        self.assertTrue(answer.choices[0].text.startswith(" Paris"), answer.choices[0].text)
        self.assertEqual(answer.choices[0].finish_reason, "length")
        self.assertEqual((answer.usage.prompt_tokens, answer.usage.completion_tokens), (server.count(TEXT), 8))

    def test_a_stream_says_the_same(self):
        *pieces, last = go_on(stream=True, stream_options={"include_usage": True})
        self.assertEqual("".join(piece.choices[0].text for piece in pieces), go_on().choices[0].text)
        self.assertEqual(pieces[-1].choices[0].finish_reason, "length")
        self.assertEqual((last.choices, last.usage.completion_tokens), ([], 8))

    def test_letters_of_several_tokens_are_never_cut(self):
        prompt = "Emoji: 🦜🌈🎉 🦜🌈🎉 🦜🌈🎉 🦜"
        whole = go_on(prompt, max_tokens=24).choices[0].text
        pieces = [chunk.choices[0].text for chunk in go_on(prompt, max_tokens=24, stream=True)]
        self.assertEqual("".join(pieces), whole)
        self.assertIn("🌈", whole)
        self.assertNotIn("\ufffd", "".join(pieces[:-2]))

    def test_several_prompts_and_choices_come_in_order(self):
        prompts = [TEXT, "Two and two are", "The opposite of hot is"]
        alone = [go_on(prompt).choices[0].text for prompt in prompts]
        together = go_on(prompts, n=2)
        self.assertEqual([choice.index for choice in together.choices], list(range(6)))
        self.assertEqual([choice.text for choice in together.choices], [text for text in alone for _ in range(2)])
        self.assertEqual(together.usage.prompt_tokens, sum(map(server.count, prompts)))
        self.assertEqual(together.usage.completion_tokens, 48)

    def test_token_ids_are_a_prompt_too(self):
        ids = server.call("/tokenize", {"content": TEXT})[1]["tokens"]
        self.assertEqual(go_on(ids).choices[0].text, go_on().choices[0].text)
        self.assertEqual(go_on([ids, ids]).choices[1].text, go_on().choices[0].text)

    def test_an_echo_has_the_odds_of_the_prompt(self):
        answer = go_on(echo=True, logprobs=2, max_tokens=3).choices[0]
        self.assertTrue(answer.text.startswith(TEXT + " Paris"))
        odds = answer.logprobs
        count = server.count(TEXT) + 3
        parts = (odds.tokens, odds.token_logprobs, odds.top_logprobs, odds.text_offset)
        self.assertEqual([len(part) for part in parts], [count] * 4)
        self.assertEqual("".join(odds.tokens), answer.text)
        self.assertEqual([answer.text[at:at + len(token)] for at, token in zip(odds.text_offset, odds.tokens)],
                         odds.tokens)
        self.assertEqual((odds.token_logprobs[0], odds.top_logprobs[0]), (None, None))
        for token, logprob, top in list(zip(odds.tokens, odds.token_logprobs, odds.top_logprobs))[1:]:
            self.assertAlmostEqual(top[token], logprob, places=5)
            self.assertIn(len(top), (2, 3))   # the token itself is there, however unlikely
            self.assertLessEqual(sum(math.exp(value) for value in top.values()), 1 + 1e-5)
        for token, logprob, top in list(zip(odds.tokens, odds.token_logprobs, odds.top_logprobs))[-3:]:
            self.assertEqual(logprob, max(top.values()))   # greedy

    def test_an_echo_alone_writes_nothing(self):
        answer = go_on(echo=True, logprobs=1, max_tokens=0)
        self.assertEqual((answer.choices[0].text, answer.usage.completion_tokens), (TEXT, 0))
        self.assertEqual(len(answer.choices[0].logprobs.tokens), server.count(TEXT))
        self.assertEqual(go_on(echo=True, max_tokens=1).choices[0].logprobs, None)

    def test_the_odds_of_a_text_are_the_same_read_or_written(self):
        written = go_on(logprobs=1, max_tokens=6).choices[0]
        read = go_on(TEXT + written.text, echo=True, logprobs=1, max_tokens=0).choices[0].logprobs
        self.assertEqual(read.tokens[-6:], written.logprobs.tokens)
        for a, b in zip(read.token_logprobs[-6:], written.logprobs.token_logprobs):
            self.assertAlmostEqual(a, b, places=4)

    def test_offsets_count_letters_and_go_on_in_a_stream(self):
        prompt = "Größe: café 🦜🌈, naïve"
        odds = go_on(prompt, echo=True, logprobs=1, max_tokens=0).choices[0].logprobs
        self.assertEqual(odds.text_offset[0], 0)
        self.assertEqual(odds.text_offset[-1], len(prompt) - len(odds.tokens[-1]))
        whole = go_on(logprobs=1).choices[0].logprobs
        streamed = [chunk.choices[0].logprobs for chunk in go_on(logprobs=1, stream=True)]
        for part in "tokens", "token_logprobs", "text_offset":
            pieces = [value for odds in streamed if odds for value in getattr(odds, part)]
            self.assertEqual(pieces, getattr(whole, part))

    def test_a_stop_text_and_a_seed(self):
        self.assertEqual(go_on(stop=" Paris").choices[0].text, "")
        self.assertEqual(go_on(stop=" Paris").choices[0].finish_reason, "stop")
        draws = [go_on(temperature=1.5, seed=seed, max_tokens=16).choices[0].text for seed in (1, 1, 2)]
        self.assertEqual(draws[0], draws[1])
        self.assertNotEqual(draws[0], draws[2])


if __name__ == "__main__":
    unittest.main()
