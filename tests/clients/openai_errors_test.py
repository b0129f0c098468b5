#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is refused, and the exceptions that OpenAI's client makes of it."""
import hashlib
import pathlib
import tempfile
import unittest

import openai

from kinglet_server import CHAT, QUESTION, STORIES, Server

MESSAGES = [{"role": "user", "content": QUESTION}]
SCHEMA = {"type": "json_schema", "json_schema": {"name": "one", "schema": {"type": "array", "uniqueItems": True}}}
TOOL = {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}}
KEYS = {"reader": "read", "writer": "write"}


def client_of(server, key="none", **options):
    client = openai.OpenAI(base_url=server.url + "/v1", api_key=key, max_retries=0, **options)
    unittest.addModuleCleanup(client.close)
    return client


def setUpModule():
    global server, client
    server = unittest.enterModuleContext(Server.for_chat("--context", "2048"))
    client = client_of(server)


def chat(**options):
    return client.chat.completions.create(**{"model": CHAT, "messages": MESSAGES, "max_tokens": 4} | options)


class Refusals(unittest.TestCase):
    def refused(self, kind, status, call, *arguments, **options):
        with self.assertRaises(kind) as caught:
            call(*arguments, **options)
        error = caught.exception
        self.assertEqual((type(error), error.status_code), (kind, status))
        self.assertTrue(error.body["message"])
        self.assertTrue(error.request_id.startswith("req_"))
        return error

    def test_an_unknown_field_is_named(self):
        for call, body in ((chat, {}), (client.completions.create, {"model": CHAT, "prompt": "a"}),
                           (client.embeddings.create, {"model": CHAT, "input": "a"}),
                           (client.responses.create, {"model": CHAT, "input": "a"})):
            error = self.refused(openai.BadRequestError, 400, call, **body, extra_body={"temprature": 0})
            self.assertEqual((error.param, error.type), ("temprature", "invalid_request_error"))
            self.assertIn("temprature", error.message)

    def test_what_this_version_does_not_do_is_refused(self):
        for name, value in (("tools", [TOOL, TOOL]), ("tool_choice", "required"), ("functions", [TOOL["function"]]),
                            ("response_format", SCHEMA), ("modalities", ["audio"])):
            error = self.refused(openai.BadRequestError, 400, chat, **{name: value})
            self.assertTrue(error.param.startswith(name), error.param)
        image = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,"}}]}]
        error = self.refused(openai.BadRequestError, 400, chat, messages=image)
        self.assertEqual(error.param, "messages[0].content[0]")

    def test_a_value_out_of_range_is_named(self):
        for name, value in (("temperature", 3), ("top_p", -1), ("n", 0), ("max_tokens", 0), ("top_logprobs", 2),
                            ("logit_bias", {"x": 1}), ("logit_bias", {"1": 101}), ("stop", [""]), ("seed", "x"),
                            ("presence_penalty", 2.1), ("stream_options", {"include_usage": True}), ("messages", [])):
            error = self.refused(openai.BadRequestError, 400, chat, **{name: value})
            self.assertEqual(error.param, name)

    def test_a_model_that_is_not_there(self):
        for call in (lambda: chat(model="gpt-4o"), lambda: client.models.retrieve("gpt-4o")):
            error = self.refused(openai.NotFoundError, 404, call)
            self.assertEqual((error.code, error.param), ("model_not_found", "model"))
        self.assertIn(CHAT, self.refused(openai.NotFoundError, 404, chat, model="gpt-4o").message)

    def test_a_path_that_is_not_there(self):
        self.refused(openai.NotFoundError, 404, client.images.generate, prompt="a parrot")
        self.assertEqual(server.call("/v1/chat/completions")[0], 405)

    def test_a_prompt_longer_than_the_context(self):
        long = [{"role": "user", "content": "word " * 3000}]
        for call, options in ((chat, {"messages": long}), (chat, {"messages": long, "stream": True}),
                              (client.completions.create, {"model": CHAT, "prompt": "word " * 3000}),
                              (client.responses.create, {"model": CHAT, "input": "word " * 3000})):
            error = self.refused(openai.BadRequestError, 400, call, **options)
            self.assertEqual(error.code, "context_length_exceeded")
            self.assertIn("maximum context length is 2048 tokens", error.message)   # what programs look for

    def test_a_budget_that_cannot_be_kept(self):
        error = self.refused(openai.RateLimitError, 429, chat, extra_body={"kinglet": {"first_byte_budget_ms": 0.001}})
        self.assertEqual((error.code, error.type), ("first_byte_budget", "rate_limit_error"))
        self.assertGreaterEqual(int(error.response.headers["retry-after"]), 1)
        self.assertGreater(error.body["predicted_first_byte_ms"], 0)

    def test_a_body_that_is_no_json(self):
        for body in (b"", b"{", b"[]", b'{"a": 1} b', b"\xff"):
            error = self.refused(openai.BadRequestError, 400, client.post, "/chat/completions", cast_to=object,
                                 content=body)
            self.assertEqual(error.code, "invalid_json")

    def test_a_writer_makes_no_vectors(self):
        error = self.refused(openai.BadRequestError, 400, client.embeddings.create, model=CHAT, input="a")
        self.assertEqual(error.param, "model")


class Keys(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = cls.enterClassContext(tempfile.TemporaryDirectory())
        file = pathlib.Path(folder, "keys.toml")
        file.write_text("".join(f'[[key]]\nname = "{name}"\nrole = "{role}"\n'
                                f'sha256 = "{hashlib.sha256(name.encode()).hexdigest()}"\n'
                                for name, role in KEYS.items()))
        cls.server = cls.enterClassContext(Server(STORIES, flags=("--api-key-file", file, "--max-body-bytes", "4096")))

    def test_a_wrong_key_is_refused(self):
        with self.assertRaises(openai.AuthenticationError) as caught:
            client_of(self.server, "wrong").models.list()
        self.assertEqual((caught.exception.status_code, caught.exception.code), (401, "invalid_api_key"))

    def test_a_right_key_opens_what_its_role_may_do(self):
        reader = client_of(self.server, "reader")
        self.assertEqual([model.id for model in reader.models.list()], ["stories-q4_0"])
        with self.assertRaises(openai.PermissionDeniedError) as caught:
            reader.get("/ledger", cast_to=object)
        self.assertEqual(caught.exception.status_code, 403)

    def test_a_body_that_is_too_long_is_refused(self):
        with self.assertRaises(openai.APIStatusError) as caught:
            client_of(self.server, "reader").completions.create(model="", prompt="a" * 5000)
        self.assertEqual(caught.exception.status_code, 413)

    def test_nobody_there_is_an_error_of_connection(self):
        with self.assertRaises(openai.APIConnectionError):
            openai.OpenAI(base_url="http://127.0.0.1:9", api_key="none", max_retries=0).models.list()


if __name__ == "__main__":
    unittest.main()
