#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""/v1/route: which intent a question is of, by files that change while the server runs."""
import unittest

import serving


class Route(serving.ServerTest):
    @classmethod
    def make_server(cls):
        cls.intents = cls.home / "intents.toml"
        cls.intents.write_text(serving.INTENTS)
        serving.train_intents(cls.intents, cls.environment)
        return serving.Server("--intents", cls.intents, models=[cls.model], environment=cls.environment)

    def setUp(self):
        self.intents.write_text(serving.INTENTS)
        serving.train_intents(self.intents, self.environment)

    def route(self, text, **fields):
        reply = self.server.post("/v1/route", {"text": text} | fields)
        self.assertEqual(reply.status, 200, reply.body)
        return reply.json()

    def test_says_the_intent_and_what_it_uses(self):
        decision = self.route("where is the receipt of my payment")
        self.assertEqual((decision["intent"], decision["out_of_scope"]), ("bills", False))
        self.assertEqual((decision["uses"]["mode"], decision["uses"]["message"]), ("refuse", "Ask the office."))
        self.assertEqual([other["intent"] for other in decision["alternatives"]], ["birds"])
        self.assertAlmostEqual(decision["confidence"] + decision["alternatives"][0]["confidence"], 1)
        self.assertNotIn("why", decision)

    def test_explains(self):
        decision = self.route("which bird sings at night: receipt", explain=True)
        self.assertEqual(decision["intent"], "birds")
        why = decision["why"]
        weights = {row["word"]: row["weight"] for row in why["words"]}
        self.assertEqual(set(weights), {"which", "bird", "sings", "at", "night", "receipt"})
        self.assertAlmostEqual(sum(weights.values()), why["signals"]["words"], places=5)
        self.assertEqual(why["signals"]["meaning"], 0)
        self.assertGreater(weights["bird"], weights["receipt"])

    def test_refuses_what_it_cannot_read(self):
        self.expect_error(self.server.post("/v1/route", {}), 400, "text")
        self.expect_error(self.server.post("/v1/route", {"text": "a", "intents": "/etc/passwd"}), 400, "intents")
        self.expect_error(self.server.post("/v1/route", {"text": "a" * 65537}), 400, "text")

    def test_follows_its_files(self):
        # Settings alone: nothing is learnt anew.
        self.intents.write_text(serving.INTENTS.replace("Ask the office.", "Write to us."))
        self.assertEqual(self.route("where is my invoice")["uses"]["message"], "Write to us.")
        # Examples: the old router stays until the new ones are learnt.
        self.intents.write_text(serving.INTENTS.replace("birds", "fowl"))
        self.assertEqual(self.route("do owls hunt")["intent"], "birds")
        self.assertIn("has other examples than it was trained with", self.server.logged())
        serving.train_intents(self.intents, self.environment)
        self.assertEqual(self.route("do owls hunt")["intent"], "fowl")
        # What is broken is told of once, and changes nothing.
        self.intents.write_text("[[intent]]\nnames = 1\n")
        for _ in range(3):
            self.assertEqual(self.route("do owls hunt")["intent"], "fowl")
        self.assertEqual(self.server.logged().count("line 2: an intent has no key"), 1, self.server.logged())


class NoIntents(serving.ServerTest):
    def test_says_how_to_have_some(self):
        self.assertIn("--intents", self.expect_error(self.server.post("/v1/route", {"text": "a"}), 404)["message"])


if __name__ == "__main__":
    unittest.main()
