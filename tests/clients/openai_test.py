#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""OpenAI's own client: models, chat, streams and vectors."""
import asyncio
import math
import unittest

import openai

from kinglet_server import CHAT, QUESTION, VECTORS, Server, real_model

LETTERS = "Repeat after me: naïve café, Привет, 你好, 🦜🌈."


def setUpModule():
    global server, client
    server = unittest.enterModuleContext(Server(real_model(CHAT + ".gguf"), real_model(VECTORS)))
    client = openai.OpenAI(base_url=server.url + "/v1", api_key="none", max_retries=0)
    unittest.addModuleCleanup(client.close)


def ask(question=QUESTION, **options):
    options = {"temperature": 0, "max_tokens": 24} | options
    return client.chat.completions.create(model=CHAT, messages=[{"role": "user", "content": question}], **options)


def text(question=QUESTION, **options):
    return ask(question, **options).choices[0].message.content


class Models(unittest.TestCase):
    def test_all_models_are_listed_and_each_is_shown(self):
        models = client.models.list().data
        self.assertEqual([model.id for model in models], [CHAT, VECTORS])
        self.assertEqual(client.models.retrieve(CHAT), models[0])
        self.assertEqual((models[0].object, models[0].owned_by), ("model", "kinglet"))
        self.assertGreater(models[0].created, 1_600_000_000)


class Chat(unittest.TestCase):
    def test_an_answer_is_whole_and_its_usage_is_what_the_tokenizer_counts(self):
        answer = ask()
        self.assertTrue(answer.id.startswith("chatcmpl-"))
        self.assertEqual((answer.object, answer.model), ("chat.completion", CHAT))
        choice = answer.choices[0]
        self.assertEqual((choice.index, choice.message.role, choice.finish_reason), (0, "assistant", "length"))
        self.assertEqual(answer.usage.completion_tokens, 24)
        self.assertEqual(server.count(choice.message.content), 24)
        self.assertEqual(answer.usage.total_tokens, answer.usage.prompt_tokens + 24)
        self.assertGreater(answer.usage.prompt_tokens, server.count(QUESTION))

    def test_each_word_of_a_question_is_counted(self):
        longer = QUESTION + " Name three birds."
        more = ask(longer).usage.prompt_tokens - ask().usage.prompt_tokens
        self.assertEqual(more, server.count(longer) - server.count(QUESTION))

    def test_what_was_read_before_is_not_read_again(self):
        question = "word " * 300 + QUESTION
        first, second = (ask(question, max_tokens=1).usage for _ in range(2))
        self.assertGreater(second.prompt_tokens_details.cached_tokens, 200)
        self.assertLess(second.prompt_tokens_details.cached_tokens, second.prompt_tokens)
        self.assertEqual(first.prompt_tokens, second.prompt_tokens)

    def test_a_stream_says_the_same_as_a_whole_answer(self):
        for question in (QUESTION, LETTERS):
            whole = ask(question, max_tokens=48)
            chunks = list(ask(question, max_tokens=48, stream=True, stream_options={"include_usage": True}))
            self.assertEqual(len({chunk.id for chunk in chunks}), 1)
            self.assertEqual({chunk.object for chunk in chunks}, {"chat.completion.chunk"})
            *pieces, last = chunks
            self.assertEqual((last.choices, last.usage.completion_tokens), ([], whole.usage.completion_tokens))
            self.assertEqual({chunk.usage for chunk in pieces}, {None})
            self.assertEqual(pieces[0].choices[0].delta.role, "assistant")
            self.assertEqual({chunk.choices[0].delta.role for chunk in pieces[1:]}, {None})
            written = "".join(chunk.choices[0].delta.content or "" for chunk in pieces)
            self.assertEqual(written, whole.choices[0].message.content)
            self.assertGreater(len(pieces), 5)
            ends = [chunk.choices[0].finish_reason for chunk in pieces]
            self.assertEqual(ends, [None] * (len(ends) - 1) + [whole.choices[0].finish_reason])

    def test_the_stream_helper_puts_an_answer_together(self):
        messages = [{"role": "user", "content": "Say hello."}]
        with client.chat.completions.stream(model=CHAT, messages=messages, temperature=0,
                                            stream_options={"include_usage": True}) as stream:
            types = [event.type for event in stream]
            answer = stream.get_final_completion()   # it refuses an answer that was cut short
        whole = ask("Say hello.", max_tokens=None)
        self.assertEqual(answer.choices[0].message.content, whole.choices[0].message.content)
        self.assertEqual(answer.usage.completion_tokens, whole.usage.completion_tokens)
        self.assertIn("content.delta", types)
        self.assertIn("content.done", types)

    def test_asynchronous_clients_hear_the_same(self):
        async def hear():
            async with openai.AsyncOpenAI(base_url=server.url + "/v1", api_key="none") as other:
                messages = [{"role": "user", "content": QUESTION}]
                options = {"model": CHAT, "messages": messages, "temperature": 0, "max_tokens": 24}
                whole = await other.chat.completions.create(**options)
                stream = await other.chat.completions.create(**options, stream=True)
                pieces = [chunk.choices[0].delta.content or "" async for chunk in stream]
                return whole.choices[0].message.content, "".join(pieces)
        self.assertEqual(asyncio.run(hear()), (text(), text()))

    def test_a_conversation_is_read_from_its_first_message(self):
        messages = [{"role": "developer", "content": "You are a parrot."},
                    {"role": "user", "content": [{"type": "text", "text": "My name is Zoe."}], "name": "zoe"},
                    {"role": "assistant", "content": "Hello Zoe."},
                    {"role": "user", "content": "What is my name?"}]
        answer = client.chat.completions.create(model=CHAT, messages=messages, temperature=0, max_tokens=24)
        self.assertIn("Zoe", answer.choices[0].message.content)

    def test_an_answer_ends_where_it_ends(self):
        answer = ask("Say hello.", max_completion_tokens=200, max_tokens=None)
        self.assertEqual(answer.choices[0].finish_reason, "stop")
        self.assertLess(answer.usage.completion_tokens, 200)

    def test_a_stop_text_ends_an_answer_before_it(self):
        whole = text()
        stop = whole[len(whole) // 2:][:6]
        for streamed in False, True:
            answer = ask(stop=["\0 never", stop], stream=streamed)
            if streamed:
                chunks = list(answer)
                said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
                end = chunks[-1].choices[0].finish_reason
            else:
                said, end = answer.choices[0].message.content, answer.choices[0].finish_reason
            self.assertEqual((said, end), (whole[:whole.index(stop)], "stop"))

    def test_several_choices_differ_and_a_seed_repeats_them(self):
        def draw(seed):
            answer = ask(n=3, temperature=1.5, seed=seed, max_tokens=16)
            self.assertEqual([choice.index for choice in answer.choices], [0, 1, 2])
            self.assertEqual(answer.usage.completion_tokens, 48)
            return [choice.message.content for choice in answer.choices]
        first = draw(7)
        self.assertEqual(len(set(first)), 3)
        self.assertEqual(draw(7), first)
        self.assertNotEqual(draw(8), first)
        streamed = ["", "", ""]
        for chunk in ask(n=3, temperature=1.5, seed=7, max_tokens=16, stream=True):
            streamed[chunk.choices[0].index] += chunk.choices[0].delta.content or ""
        self.assertEqual(streamed, first)

    def test_a_bias_forces_a_token_and_forbids_another(self):
        blue = server.token(" blue")
        self.assertEqual(text(logit_bias={str(blue): 100}, max_tokens=4), " blue" * 4)
        first = ask(max_tokens=1, logprobs=True).choices[0].logprobs.content[0].token
        forbidden = ask(max_tokens=1, logprobs=True, logit_bias={str(server.token(first)): -100})
        self.assertNotEqual(forbidden.choices[0].logprobs.content[0].token, first)

    def test_penalties_keep_a_text_from_going_round(self):
        question = "Write the word blue again and again: blue blue blue blue blue blue"
        plain = text(question, max_tokens=60)
        for penalty in ({"frequency_penalty": 2}, {"presence_penalty": 2}):
            self.assertNotEqual(text(question, max_tokens=60, **penalty), plain)
        blue = {"logit_bias": {str(server.token(" blue")): 30}, "max_tokens": 40}
        self.assertEqual(text(question, **blue).count("blue"), 40)
        self.assertLess(text(question, frequency_penalty=2, **blue).count("blue"), 40)

    def test_odds_are_of_the_tokens_that_were_written(self):
        answer = ask(logprobs=True, top_logprobs=3)
        odds = answer.choices[0].logprobs.content
        self.assertEqual(len(odds), answer.usage.completion_tokens)
        self.assertEqual("".join(of.token for of in odds), answer.choices[0].message.content)
        for of in odds:
            self.assertEqual(bytes(of.bytes).decode(), of.token)
            self.assertEqual(len(of.top_logprobs), 3)
            self.assertEqual(of.top_logprobs[0].logprob, max(top.logprob for top in of.top_logprobs))
            self.assertEqual((of.token, of.logprob), (of.top_logprobs[0].token, of.top_logprobs[0].logprob))
            self.assertLessEqual(sum(math.exp(top.logprob) for top in of.top_logprobs), 1 + 1e-5)
        streamed = []
        for chunk in ask(logprobs=True, top_logprobs=3, stream=True):
            if chunk.choices[0].logprobs:
                streamed += chunk.choices[0].logprobs.content
        self.assertEqual(streamed, odds)

    def test_odds_of_parts_of_a_letter_are_whole_in_bytes(self):
        # A parrot takes several tokens, and none of them is a text.
        ids = server.call("/tokenize", {"content": "🦜"})[1]["tokens"]
        self.assertGreater(len(ids), 1)
        bias = {str(token): 100 for token in ids[:1]}
        odds = ask(logit_bias=bias, logprobs=True, max_tokens=1).choices[0].logprobs.content
        self.assertEqual("🦜".encode()[:len(odds[0].bytes)], bytes(odds[0].bytes))

    def test_a_prompt_of_two_thousand_tokens(self):
        answer = ask("one two three four five " * 395 + QUESTION, max_tokens=4, extra_body={"ignore_eos": True})
        self.assertGreaterEqual(answer.usage.prompt_tokens, 2000)
        self.assertEqual((answer.usage.completion_tokens, answer.choices[0].finish_reason), (4, "length"))

    def test_raw_answers_carry_the_number_of_their_request(self):
        raw = client.chat.completions.with_raw_response.create(
            model=CHAT, messages=[{"role": "user", "content": QUESTION}], max_tokens=1)
        self.assertTrue(raw.headers["x-request-id"].startswith("req_"))
        self.assertEqual(raw.parse()._request_id, raw.headers["x-request-id"])


class Vectors(unittest.TestCase):
    def embed(self, texts, **options):
        return client.embeddings.create(model=VECTORS, input=texts, **options)

    def test_near_texts_have_near_vectors(self):
        texts = ["A man is eating food.", "A man is eating a piece of bread.", "A cheetah runs behind its prey."]
        answer = self.embed(texts)
        self.assertEqual([item.index for item in answer.data], [0, 1, 2])
        vectors = [item.embedding for item in answer.data]
        self.assertEqual({len(vector) for vector in vectors}, {384})
        near, far = (sum(a * b for a, b in zip(vectors[0], other)) for other in vectors[1:])
        self.assertAlmostEqual(sum(a * a for a in vectors[0]), 1, places=5)
        self.assertAlmostEqual(near, 0.755, places=2)   # what the model's makers publish
        self.assertLess(far, 0.2)

    def test_usage_is_what_the_tokenizer_counts(self):
        texts = ["A man is eating food.", "Größe, café, 你好"]
        counts = [server.count(text, model=VECTORS, add_special=True) for text in texts]
        self.assertEqual(self.embed(texts).usage.prompt_tokens, sum(counts))
        self.assertEqual(self.embed(texts[0]).usage.total_tokens, counts[0])

    def test_both_encodings_carry_the_same_numbers(self):
        as_base64 = self.embed("A parrot.").data[0].embedding   # the client's own choice, which it decodes
        as_numbers = self.embed("A parrot.", encoding_format="float").data[0].embedding
        self.assertEqual(len(as_base64), len(as_numbers))
        for a, b in zip(as_base64, as_numbers):
            self.assertAlmostEqual(a, b, places=7)

    def test_a_vector_does_not_depend_on_its_neighbours(self):
        alone = self.embed("A parrot.").data[0].embedding
        beside = self.embed(["A parrot.", "word " * 100]).data[0].embedding
        for a, b in zip(alone, beside):
            self.assertAlmostEqual(a, b, places=5)


if __name__ == "__main__":
    unittest.main()
