#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""/v1/ask for the model "auto": the intent of the question says what answers it, what the request says stands."""
import json
import unittest

import serving

INTENTS = """
[out_of_scope]
rejection = 0.05
examples = ["sing me a song", "how tall is the moon", "good morning to you", "tell me a joke", "what time is it"]

[[intent]]
name = "birds"
mode = "quote"
library = "notes"
examples = ["what does a kestrel eat", "where do swifts nest", "which bird sings at night", "how fast does a falcon dive", "do owls hunt by day"]

[[intent]]
name = "doors"
mode = "cite"
model = "tiny"
library = "notes"
first_byte_budget_ms = 600000
examples = ["when does the front door open", "who has the key of the door", "is the gate closed", "where is the spare key", "lock the back door"]
[intent.sampling]
max_tokens = 1

[[intent]]
name = "bills"
mode = "refuse"
message = "Ask the office."
examples = ["where is my invoice", "you charged my card twice", "send me the receipt", "how do I pay the bill", "refund my payment"]

[[intent]]
name = "colours"
mode = "extract"
schema = "word.json"
examples = ["which colour is the paint", "paint it in a colour", "name the colour of the wall", "what hue has the window", "tint of the roof"]
"""


class RoutedAsk(serving.LibraryTest):
    @classmethod
    def make_server(cls):
        (cls.home / "word.json").write_text('{"enum": ["red", "blue"]}')
        intents = cls.home / "intents.toml"
        intents.write_text(INTENTS)
        serving.train_intents(intents, cls.environment)
        return super().make_server("--intents", intents)

    def setUp(self):
        self.add("birds.md", "# Birds\n\nThe kestrel hovers over fields. It eats voles and large beetles all year.\n")
        self.add("doors.md", "# Doors\n\nThe front door opens at seven in the morning. Visitors ring the bell twice.\n")

    def ask(self, question, **fields):
        reply = self.server.post("/v1/ask", {"question": question, "model": "auto"} | fields)
        self.assertEqual(reply.status, 200, reply.body)
        return reply.json()

    def row(self):
        return self.server.get("/v1/ledger?limit=1").json()["entries"][0]

    def test_the_intent_says_mode_and_library(self):
        answer = self.ask("what does a kestrel eat")
        self.assertEqual((answer["mode"], answer["abstained"]), ("quote", False))
        self.assertIn("voles", answer["quotes"][0]["text"])
        route = answer["route"]
        self.assertEqual((route["intent"], route["model"], route["library"]), ("birds", None, "notes"))
        self.assertGreater(route["confidence"], 0.3)
        row = self.row()
        self.assertEqual((row["intent"], row["kind"], row["mode"]), ("birds", "ask", "quote"))

    def test_the_intent_says_model_budget_and_length(self):
        answer = self.ask("when does the front door open")
        self.assertEqual((answer["mode"], answer["route"]["model"]), ("cite", "tiny"))
        self.assertIs(answer["ledger"]["in_budget"], True)
        self.assertEqual(self.row()["intent"], "doors")

    def test_what_the_request_says_stands(self):
        self.assertEqual(self.ask("when does the front door open", mode="chat")["mode"], "chat")
        late = self.server.post("/v1/ask", {"question": "when does the front door open", "model": "auto",
                                            "kinglet": {"first_byte_budget_ms": 1e-6}})
        self.expect_error(late, 429)
        self.expect_error(self.server.post("/v1/ask", {"question": "what does a kestrel eat", "model": "auto", "library": "none"}), 404)

    def test_nobody_decides_for_a_model_by_name(self):
        for body in {"model": "tiny"}, {"mode": "quote"}:
            reply = self.server.post("/v1/ask", {"question": "what does a kestrel eat"} | body).json()
            self.assertEqual((reply["route"]["intent"], reply["route"]["confidence"]), (None, None))
            self.assertIsNone(self.row()["intent"])

    def test_a_refusal_is_an_abstention_with_a_message(self):
        answer = self.ask("you charged my card twice")
        self.assertEqual((answer["answer"], answer["abstained"], answer["reason"]), (None, True, "refused"))
        self.assertEqual((answer["message"], answer["mode"], answer["quotes"]), ("Ask the office.", "refuse", []))
        self.assertEqual(answer["route"]["intent"], "bills")
        row = self.row()
        self.assertEqual((row["id"], row["intent"], row["abstained"]), (answer["ledger"]["id"], "bills", "refused"))
        stream = self.server.post("/v1/ask", {"question": "you charged my card twice", "model": "auto", "stream": True})
        self.assertEqual(stream.events()[0]["message"], "Ask the office.")
        self.assertIsNone(self.ask("what does a kestrel eat")["message"])

    def test_a_stream_ends_with_the_route(self):
        stream = self.server.post("/v1/ask", {"question": "what does a kestrel eat", "model": "auto", "stream": True})
        self.assertEqual(stream.events()[-1]["route"]["intent"], "birds")

    def test_tells_what_it_cannot_do(self):
        error = self.expect_error(self.server.post("/v1/ask", {"question": "which colour is the paint", "model": "auto"}), 400)
        self.assertIn("chat completions", error["message"])
        lost = self.server.post("/v1/ask", {"question": "good morning to you", "model": "auto"})
        self.assertEqual(self.expect_error(lost, 404)["code"], "out_of_scope")
        self.expect_error(self.server.post("/v1/ask", {"question": 1, "model": "auto"}), 400, "question")

    def test_a_chat_completion_of_a_library_tells_its_route_too(self):
        reply = self.server.post("/v1/chat/completions", {"model": "auto", "messages": [{"role": "user", "content": "when does the front door open"}]})
        self.assertEqual(reply.json()["kinglet"]["answer"]["route"]["intent"], "doors")


class NoIntents(serving.LibraryTest):
    def test_knows_no_model_auto(self):
        error = self.expect_error(self.server.post("/v1/ask", {"question": "a", "model": "auto"}), 404, "model")
        self.assertEqual(error["code"], "model_not_found")


if __name__ == "__main__":
    unittest.main()
