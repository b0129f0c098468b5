#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A small model before a larger one: questions to a library, and answers under a schema."""
import json
import shutil
import unittest

import serving

SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"const": "a text of several tokens"}}}


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
        server = super().make_server("--intents", intents)
        server.arguments += ["--model", str(cls.larger)]
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

    def test_refuses_what_does_not_go_together(self):
        def ask(**fields):
            return self.server.post("/v1/ask", {"question": "a kestrel", "library": "notes"} | fields)
        self.expect_error(ask(accept=0.5), 400, "accept")
        self.expect_error(ask(then="nobody"), 400, "then")
        self.expect_error(ask(then="tiny", model="larger"), 400, "then")   # not calibrated
        self.expect_error(ask(then="larger", mode="quote"), 400, "then")   # nobody answers first
        self.expect_error(self.extract(response_format={"type": "text"}), 400, "kinglet.then")
        self.expect_error(self.extract(n=2), 400, "kinglet.then")
        self.expect_error(self.extract(kinglet={"then": "nobody"}), 400, "kinglet.then")


if __name__ == "__main__":
    unittest.main()
