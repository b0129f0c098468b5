#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""/v1/route: which intent a question is of, by files that change while the server runs."""
import http.server
import json
import os
import threading
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
        for blank in "", " \n":
            self.assertIn("empty", self.expect_error(self.server.post("/v1/route", {"text": blank}), 400)["message"])
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
        # So is what the server does not offer, and one that could be followed says nothing.
        self.assertNotIn("cannot be followed", self.server.logged())
        self.intents.write_text(serving.INTENTS.replace('mode = "chat"', 'mode = "cite"\nmodel = "nobody"\nlibrary = "notes"')
                                .replace("birds", "fowl"))
        self.route("do owls hunt")
        said = [line for line in self.server.logged().splitlines() if "cannot be followed" in line]
        self.assertEqual([line.split("followed: ")[0] for line in said], ['kinglet: the intent "fowl" cannot be '] * 2)
        self.assertTrue(said[0].endswith('there is no model "nobody"'), said)
        self.assertIn("no library", said[1])
        # What is broken is told of once, and changes nothing.
        self.intents.write_text("[[intent]]\nnames = 1\n")
        for _ in range(3):
            self.assertEqual(self.route("do owls hunt")["intent"], "fowl")
        self.assertEqual(self.server.logged().count("line 2: an intent has no key"), 1, self.server.logged())


class Elsewhere(http.server.BaseHTTPRequestHandler):
    """Another server, which says what it was sent."""

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        seen = json.dumps([self.path, body["model"], self.headers["Authorization"], sorted(body)])
        reply = {"choices": [{"message": {"content": seen}}], "usage": {"prompt_tokens": 5, "completion_tokens": 7}}
        text = json.dumps(reply) if not body.get("stream") else f"data: {json.dumps(reply)}\n\ndata: [DONE]\n\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass

    @classmethod
    def start(cls):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), cls)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server


class RoutedChat(serving.LibraryTest):
    """Chat completions for the model "auto"."""

    @classmethod
    def make_server(cls):
        cls.elsewhere = Elsewhere.start()
        schema = cls.home / "word.json"
        schema.write_text('{"enum": ["red", "blue"]}')
        intents = cls.home / "intents.toml"
        os.environ["ELSEWHERE_KEY"] = "sesame"
        intents.write_text(serving.INTENTS.replace('mode = "chat"', 'mode = "cite"\nlibrary = "notes"') + """
[[intent]]
name = "colours"
mode = "extract"
schema = "word.json"
examples = ["which colour is the paint", "paint it in a colour", "name the colour of the wall", "what hue has the door", "tint of the roof"]
[intent.sampling]
max_tokens = 20

[[intent]]
name = "fish"
mode = "quote"
library = "notes"
examples = ["what does a pike eat", "where do salmon spawn", "how heavy is a carp", "do trout sleep", "which fish lives in the pond"]

[[intent]]
name = "lawyers"
mode = "hand_over"
endpoint = "elsewhere"
examples = ["sue my landlord", "is this contract void", "draft a lawsuit", "what does the court say", "legal notice for the tenant"]

[[endpoint]]
name = "elsewhere"
url = "http://127.0.0.1:PORT/v1"
model = "large"
api_key_env = "ELSEWHERE_KEY"

[[intent]]
name = "doctors"
mode = "hand_over"
endpoint = "nobody"
examples = ["my head hurts", "is this rash serious", "a pill against fever", "what dose of aspirin", "I broke my leg"]

[[endpoint]]
name = "nobody"
url = "http://127.0.0.1:9/v1"
model = "none"
""".replace("PORT", str(cls.elsewhere.server_port)))
        serving.train_intents(intents, cls.environment)
        return super().make_server("--intents", intents)

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls.elsewhere.shutdown()
        cls.elsewhere.server_close()

    def chat(self, text, **fields):
        return self.server.post("/v1/chat/completions", {"model": "auto", "messages": [{"role": "user", "content": text}]} | fields)

    def test_a_library_answers_what_is_routed_to_it(self):
        self.add("birds.md", "# Birds\n\nThe kestrel hovers over fields. It eats voles and large beetles all year.\n")
        reply = self.chat("what does a kestrel eat").json()
        self.assertIn("> The kestrel", reply["choices"][0]["message"]["content"])
        self.assertEqual(reply["kinglet"]["route"]["intent"], "birds")
        self.assertEqual(reply["kinglet"]["answer"]["route"]["library"], "notes")
        rows = self.server.get("/v1/ledger?limit=1").json()["entries"]
        self.assertEqual(rows[0]["intent"], "birds")

    def test_quotes_alone_ask_no_model(self):
        self.add("fish.md", "# Fish\n\nThe pike lurks in weeds. It eats roach and small ducks.\n")
        reply = self.chat("what does a pike eat", temperature=0.5).json()
        text = reply["choices"][0]["message"]["content"]
        self.assertTrue(text.startswith("[1] Fish, Fish\n> The pike"), text)
        self.assertEqual((reply["model"], reply["usage"]["total_tokens"]), ("auto", 0))
        answer = reply["kinglet"]["answer"]
        self.assertEqual((answer["mode"], answer["route"]["intent"], answer["route"]["model"]), ("quote", "fish", None))
        asked = self.server.post("/v1/ask", {"model": "auto", "question": "what does a pike eat"}).json()
        self.assertEqual(answer["quotes"], asked["quotes"])
        stream = self.chat("what does a pike eat", stream=True)
        self.assertEqual("".join(event["choices"][0]["delta"].get("content") or "" for event in stream.events()), text)
        row = self.server.get("/v1/ledger?limit=1").json()["entries"][0]
        self.assertEqual((row["mode"], row["model"], row["ledger"]["prompt_tokens"]), ("quote", None, 0))

    def test_a_schema_holds_for_what_is_routed_to_it(self):
        reply = self.chat("which colour is the paint").json()
        self.assertIn(json.loads(reply["choices"][0]["message"]["content"]), ["red", "blue"])
        self.assertEqual(reply["kinglet"]["route"]["intent"], "colours")
        self.assertGreater(reply["kinglet"]["route"]["confidence"], 0.3)

    def test_what_the_request_says_stands(self):
        own = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"const": 7}}}
        reply = self.chat("which colour is the paint", response_format=own).json()
        self.assertEqual(reply["choices"][0]["message"]["content"], "7")

    def test_a_refusal_asks_no_model(self):
        reply = self.chat("you charged my card twice").json()
        self.assertEqual(reply["choices"][0]["message"]["content"], "Ask the office.")
        self.assertEqual(reply["usage"]["total_tokens"], 0)
        self.assertEqual(reply["kinglet"]["route"]["intent"], "bills")
        stream = self.chat("you charged my card twice", stream=True).body.decode()
        self.assertIn("Ask the office.", stream)
        self.assertTrue(stream.endswith("data: [DONE]\n\n"), stream[-80:])

    def test_hands_over(self):
        reply = self.chat("sue my landlord", kinglet={"batch": True}).json()
        seen = json.loads(reply["choices"][0]["message"]["content"])
        self.assertEqual(seen, ["/v1/chat/completions", "large", "Bearer sesame", ["messages", "model"]])
        row = self.server.get("/v1/ledger?limit=1").json()["entries"][0]
        self.assertEqual((row["intent"], row["mode"], row["model"]), ("lawyers", "hand_over", "large"))
        stream = self.chat("sue my landlord", stream=True)
        self.assertEqual(stream.headers["Content-Type"], "text/event-stream")
        self.assertTrue(stream.body.decode().endswith("data: [DONE]\n\n"))

    def test_tells_what_it_cannot_do(self):
        self.expect_error(self.chat("my head hurts"), 502)
        self.expect_error(self.server.post("/v1/chat/completions", {"model": "auto", "messages": []}), 400, "messages")
        self.expect_error(self.server.post("/v1/chat/completions", {"model": "auto", "messages": [
            {"role": "assistant", "content": "hm"}]}), 400, "messages")


class NoIntents(serving.ServerTest):
    def test_says_how_to_have_some(self):
        self.assertIn("--intents", self.expect_error(self.server.post("/v1/route", {"text": "a"}), 404)["message"])


if __name__ == "__main__":
    unittest.main()
