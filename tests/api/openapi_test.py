#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""/openapi.json is true: its examples are answered as it says, the fields it names are taken, others are not."""
import unittest

import serving


class Document(serving.LibraryTest):
    @classmethod
    def make_server(cls):
        server = super().make_server()
        intents = cls.home / "intents.toml"
        intents.write_text(serving.INTENTS)
        serving.train_intents(intents, cls.environment)
        server.arguments += ["--intents", intents]
        return server

    def setUp(self):
        self.document = self.server.get("/openapi.json").json()
        self.add("a.md", "The kestrel eats voles.")

    def operations(self):
        for path, operations in self.document["paths"].items():
            for method, operation in operations.items():
                yield path, method.upper(), operation

    def bodies(self):
        for path, _, operation in self.operations():
            media = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if media:
                yield path, media["schema"], media["example"]

    def resolve(self, schema):
        while "$ref" in schema:
            schema = self.document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return schema

    def test_every_reference_leads_somewhere(self):
        def walk(node):
            if isinstance(node, dict):
                if "$ref" in node:
                    self.assertTrue(self.resolve(node))
                for value in node.values():
                    walk(value)
            elif isinstance(node, list):
                for value in node:
                    walk(value)
        walk(self.document)

    def test_examples_are_answered_as_described(self):
        count = 0
        for path, method, operation in self.operations():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
            if "{" in path or operation.get("parameters") or (method != "GET" and body is None):
                continue
            reply = self.server.send(method, path, body)
            if path in ("/v1/embeddings", "/api/embed"):   # the tiny model writes
                self.assertEqual(reply.status, 400)
                continue
            if path == "/v1/feedback":   # on an answer that is not there
                self.assertEqual(reply.status, 404)
                continue
            self.assertEqual(reply.status, 200, (path, reply.body))
            (kind, media), *_ = operation["responses"]["200"]["content"].items()
            self.assertTrue(reply.headers["Content-Type"].startswith(kind), path)
            if kind == "application/json":
                schema = self.resolve(media["schema"])
                answer = reply.json()
                self.assertLessEqual(set(schema.get("required", ())), set(answer), path)
                if schema.get("additionalProperties") is False:
                    self.assertLessEqual(set(answer), set(schema["properties"]), path)
            count += 1
        self.assertGreater(count, 18)

    def test_fields_that_are_described_are_taken_and_others_are_not(self):
        for path, schema, example in self.bodies():
            for name in schema["properties"]:
                if name in example:
                    continue
                self.assertNotIn(f"{name} is no field", self.server.post(path, example | {name: None}).body.decode(), path)
            refused = self.server.post(path, example | {"nonesuch": 1})
            self.assertEqual(refused.status, 400, path)
            self.assertIn("nonesuch", refused.body.decode(), path)

    def test_limits_are_those_described(self):
        checked = 0
        for path, schema, example in self.bodies():
            if path in ("/v1/embeddings", "/api/embed"):
                continue
            for name, field in schema["properties"].items():
                for limit, beyond in (("minimum", -1), ("maximum", 1)):
                    if limit not in field or name in ("seed", "max_tokens", "max_output_tokens"):
                        continue
                    reply = self.server.post(path, example | {name: field[limit] + beyond})
                    self.assertEqual(reply.status, 400, (path, name, limit))
                    self.assertIn(name, reply.body.decode(), (path, name))
                    checked += 1
        self.assertGreater(checked, 60)


if __name__ == "__main__":
    unittest.main()
