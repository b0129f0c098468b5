#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small model before a larger one: questions to a library, and answers under a schema."""
import json
import shutil
import struct
import unittest

import serving

CONTEXT = 512   # of the tiny model, in tokens
SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"const": "a text of several tokens"}}}


def write_encoder(path):
    """As much of a model of vectors as tells what it is."""
    def text(value):
        return struct.pack("<Q", len(value)) + value
    keys = {b"block_count": 1, b"context_length": 8, b"embedding_length": 4, b"feed_forward_length": 4, b"attention.head_count": 1}
    values = [text(b"general.architecture") + struct.pack("<I", 8) + text(b"bert")]
    values += [text(b"bert." + name) + struct.pack("<II", 4, value) for name, value in keys.items()]
    values.append(text(b"bert.attention.layer_norm_epsilon") + struct.pack("<If", 6, 1e-12))
    tensor = text(b"token_embd.weight") + struct.pack("<IQQIQ", 2, 4, 8, 0, 0)
    head = struct.pack("<4sIQQ", b"GGUF", 3, 1, len(values)) + b"".join(values) + tensor
    path.write_bytes(head + bytes(-len(head) % serving.ALIGNMENT) + bytes(4 * 4 * 8))
    return path


class Cascade(serving.LibraryTest):
    @classmethod
    def make_server(cls):
        cls.larger = cls.home / "larger.gguf"
        shutil.copy(cls.model, cls.larger)
        # Every answer of the small one is right with a probability of a half, as it has it.
        serving.write_calibration(cls.home / "home", "tiny", bias=0)
        intents = cls.home / "intents.toml"
        intents.write_text(serving.INTENTS.replace(
            'mode = "chat"', 'mode = "cite"\nlibrary = "notes"\nmodel = "tiny"\nthen = "larger"\naccept = 0.6'))
        serving.train_intents(intents, cls.environment)
        broken = cls.home / "broken.gguf"
        broken.write_bytes(b"GGUF")
        # Its prompts are longer than its context.
        wordy = serving.add_to_gguf(serving.STORIES, cls.home / "wordy.gguf", tokenizer__chat_template=serving.TEMPLATE + " word" * 5000)
        brief = serving.add_to_gguf(serving.STORIES, cls.home / "brief.gguf", tokenizer__chat_template="Once upon")
        encoder = write_encoder(cls.home / "encoder.gguf")
        server = super().make_server("--intents", intents)
        server.arguments += [part for model in (cls.larger, broken, wordy, brief, encoder) for part in ("--model", str(model))]
        return server

    def setUp(self):
        self.add("birds.md", "# Birds\n\nThe kestrel hovers over fields. It eats voles and large beetles all year.\n")

    def ask(self, **fields):
        reply = self.server.post("/v1/ask", {"question": "what does a kestrel eat", "library": "notes"} | fields)
        self.assertEqual(reply.status, 200, reply.body)
        return reply.json()

    def row(self):
        return self.server.get("/v1/ledger?limit=1").json()["entries"][0]

    def test_takes_what_is_sure_enough(self):
        answer = self.ask(then="larger", accept=0.5)
        self.assertEqual(answer["cascade"], {"first": "tiny", "confidence": 0.5, "accepted": True})
        self.assertEqual(answer["route"]["model"], "tiny")
        row = self.row()
        self.assertEqual((row["model"], row["first_model"], row["confidence"]), ("tiny", "tiny", 0.5))

    def test_asks_the_larger_one_otherwise(self):
        alone = self.ask(model="larger")
        self.assertIsNone(alone["cascade"])
        answer = self.ask(then="larger", accept=0.6)
        self.assertEqual(answer["cascade"], {"first": "tiny", "confidence": 0.5, "accepted": False})
        self.assertEqual(answer["route"]["model"], "larger")
        self.assertEqual(answer["claims"], alone["claims"])
        row = self.row()
        self.assertEqual((row["model"], row["first_model"], row["confidence"]), ("larger", "tiny", 0.5))
        self.assertGreater(row["ledger"]["prompt_tokens"], alone["ledger"]["prompt_tokens"])

    def test_a_stream_shows_nothing_of_what_is_given_up(self):
        reply = self.server.post("/v1/ask", {"question": "what does a kestrel eat", "library": "notes", "stream": True, "then": "larger",
                                             "accept": 0.6})
        names = [line[7:] for line in reply.body.decode().split("\n") if line.startswith("event: ")]
        self.assertEqual(names.count("passages"), 1)
        quotes = json.loads(reply.body.decode().rsplit("data: ", 1)[1])["quotes"]
        self.assertEqual(names.count("quote"), len(quotes))

    def test_an_intent_has_it(self):
        reply = self.server.post("/v1/chat/completions", {"model": "auto", "messages": [{"role": "user", "content": "what does a kestrel eat"}]})
        self.assertEqual(reply.json()["kinglet"]["answer"]["cascade"], {"first": "tiny", "confidence": 0.5, "accepted": False})
        self.assertEqual(reply.json()["kinglet"]["answer"]["route"]["model"], "larger")

    def extract(self, **fields):
        return self.server.post("/v1/chat/completions", {
            "model": "tiny", "messages": [{"role": "user", "content": "a"}], "response_format": SCHEMA, "kinglet": {"then": "larger"}} | fields)

    def test_takes_what_is_valid(self):
        reply = self.extract().json()
        self.assertEqual(reply["choices"][0]["message"]["content"], '"a text of several tokens"')
        self.assertEqual(reply["model"], "tiny")
        self.assertEqual(reply["kinglet"]["cascade"], {"first": "tiny", "confidence": None, "accepted": True})
        self.assertEqual((self.row()["first_model"], self.row()["ledger"]["valid"]), ("tiny", True))
        stream = self.extract(stream=True)
        text = "".join(event["choices"][0]["delta"].get("content") or "" for event in stream.events() if event["choices"])
        self.assertEqual(text, '"a text of several tokens"')

    def test_asks_the_larger_one_where_it_is_not_whole(self):
        reply = self.extract(max_tokens=3).json()
        self.assertEqual(reply["model"], "larger")
        self.assertEqual(reply["choices"][0]["finish_reason"], "length")
        self.assertEqual(reply["kinglet"]["cascade"], {"first": "tiny", "confidence": None, "accepted": False})
        row = self.row()
        self.assertEqual((row["model"], row["first_model"], row["ledger"]["valid"]), ("larger", "tiny", False))
        self.assertEqual(row["ledger"]["completion_tokens"], 2 * reply["usage"]["completion_tokens"])

    def test_takes_the_larger_ones_answer(self):
        """What the small one reads leaves no room in its context for an answer; the larger one reads less."""
        text = "a" + " a" * 100
        read = self.extract(messages=[{"role": "user", "content": text}]).json()["usage"]["prompt_tokens"]
        text += " a" * (CONTEXT - 3 - read)
        reply = self.extract(messages=[{"role": "user", "content": text}], kinglet={"then": "brief"}).json()
        self.assertEqual((reply["model"], reply["kinglet"]["cascade"]["accepted"]), ("brief", False))
        self.assertEqual(reply["choices"][0]["message"]["content"], '"a text of several tokens"')
        line = self.row()["ledger"]
        self.assertEqual((line["valid"], line["delivered"]), (True, True))
        self.assertGreater(line["useful_tokens"], 0)
        self.assertEqual(line["prompt_tokens"], CONTEXT - 3 + reply["usage"]["prompt_tokens"])

    def test_a_stream_is_the_larger_ones_from_its_begin(self):
        events = self.extract(max_tokens=3, stream=True).events()
        self.assertEqual({event["model"] for event in events}, {"larger"})
        whole = self.extract(max_tokens=3).json()["choices"][0]["message"]["content"]
        self.assertEqual("".join(event["choices"][0]["delta"].get("content") or "" for event in events if event["choices"]), whole)

    def test_what_was_given_up_for_nothing_is_in_the_ledger(self):
        def answers():
            return self.server.get("/v1/ledger").json()["totals"]["answers"]
        for then in "broken", "wordy":
            with self.subTest(then=then):
                before = answers()
                self.expect_error(self.extract(max_tokens=3, kinglet={"then": then}), 400)
                row = self.row()
                self.assertEqual((row["kind"], row["mode"], row["model"], row["first_model"]), ("chat.completions", "format", then, "tiny"))
                line = row["ledger"]
                self.assertEqual((line["delivered"], line["valid"], line["completion_tokens"], line["useful_tokens"]), (False, False, 3, 0))
                self.assertGreater(line["total_ms"], 0)
                reply = self.server.post("/v1/ask", {"question": "what does a kestrel eat", "library": "notes", "then": then, "accept": 0.6})
                self.expect_error(reply, 400)
                row = self.row()
                self.assertEqual((row["kind"], row["model"], row["first_model"], row["confidence"]), ("ask", then, "tiny", 0.5))
                line = row["ledger"]
                self.assertEqual((line["delivered"], line["kept"], line["useful_tokens"]), (False, None, 0))
                self.assertGreater(line["prompt_tokens"], 0)
                self.assertEqual(answers(), before + 2)

    def test_what_was_given_up_is_counted(self):
        def tokens():
            lines = self.server.get("/metrics").body.decode().splitlines()
            return sum(float(line.split()[-1]) for line in lines if line.startswith("kinglet_tokens_total")
                       and 'kind="generated"' in line and 'model="tiny"' in line)
        before = tokens()
        self.extract(max_tokens=3)
        self.assertEqual(tokens(), before + 3)

    def test_refuses_what_does_not_go_together(self):
        def ask(**fields):
            return self.server.post("/v1/ask", {"question": "a kestrel", "library": "notes"} | fields)
        self.expect_error(ask(accept=0.5), 400, "accept")
        before = self.server.get("/v1/ledger").json()["totals"]["answers"]
        self.expect_error(ask(then="nobody"), 400, "then")
        self.expect_error(ask(then="encoder"), 400, "then")
        self.expect_error(ask(then="larger", risk=0.5), 400, "risk")       # the larger one is not calibrated
        self.expect_error(ask(then="tiny", model="larger"), 400, "then")   # not calibrated
        self.expect_error(ask(then="larger", mode="quote"), 400, "then")   # nobody answers first
        self.expect_error(self.extract(response_format={"type": "text"}), 400, "kinglet.then")
        self.expect_error(self.extract(n=2), 400, "kinglet.then")
        self.expect_error(self.extract(kinglet={"then": "nobody"}), 400, "kinglet.then")
        self.expect_error(self.extract(kinglet={"then": "encoder"}), 400, "kinglet.then")
        self.assertEqual(self.server.get("/v1/ledger").json()["totals"]["answers"], before, "the small one has worked")


class RoomForOne(serving.ServerTest):
    arguments = ("--memory-bytes", "1")

    @classmethod
    def make_server(cls):
        cls.larger = cls.home / "larger.gguf"
        shutil.copy(cls.model, cls.larger)
        return serving.Server(*cls.arguments, models=[cls.model, cls.larger], environment=cls.environment)

    def test_the_small_one_goes_before_the_larger_one_comes(self):
        for first, then in ("tiny", "larger"), ("larger", "tiny"):
            reply = self.server.post("/v1/chat/completions", {
                "model": first, "messages": [{"role": "user", "content": "a"}], "response_format": SCHEMA, "max_tokens": 3, "kinglet": {"then": then}})
            self.assertEqual(reply.json()["model"], then)
            self.assertEqual(set(self.server.loaded()), {then})


if __name__ == "__main__":
    unittest.main()
