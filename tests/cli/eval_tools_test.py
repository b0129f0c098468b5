#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`kinglet eval tools` against an endpoint that answers from a script."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

import scripted_endpoint


def function(name):
    return {"name": name, "description": "", "parameters": {
        "type": "dict", "properties": {"n": {"type": "float"}}, "required": ["n"]}}


def call(name, arguments):
    return {"id": "1", "type": "function", "function": {"name": name, "arguments": arguments}}


class Endpoint(scripted_endpoint.Endpoint):
    """Answers a question by its text; keeps what it was asked."""

    def __init__(self, answers):
        super().__init__(self.answer_to)
        self.answers = answers

    def answer_to(self, _, body):
        status, message = self.answers[body["messages"][-1]["content"]]
        return status, {"choices": [{"message": message, "finish_reason": "stop"}]}

    def asked_for(self, text):
        """The last request with this text."""
        return next(body for body in reversed(self.asked) if body["messages"][-1]["content"] == text)


class EvalTools(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.data = pathlib.Path(folder.name)
        (self.data / "possible_answer").mkdir()

    def write(self, name, rows):
        """Questions of a file, and their answers where there are any: (text, functions, expected)."""
        def lines(path, objects):
            path.write_text("".join(json.dumps(one) + "\n" for one in objects))
        lines(self.data / f"BFCL_v4_{name}.json",
              [{"id": f"{name}_{i}", "question": [[{"role": "user", "content": text}]], "function": functions}
               for i, (text, functions, _) in enumerate(rows)])
        lines(self.data / "possible_answer" / f"BFCL_v4_{name}.json",
              [{"id": f"{name}_{i}", "ground_truth": expected} for i, (_, _, expected) in enumerate(rows) if expected])

    def write_all(self):
        one = [{"f.g": {"n": [1.0]}}]
        self.write("simple_python", [(text, [function("f.g")], one) for text in ("right", "wrong", "silent", "broken")])
        self.write("live_simple", [("failed", [function("f.g")], one)])
        self.write("parallel", [("two", [function("f.g")], one + [{"f.g": {"n": [2.0]}}])])
        self.write("irrelevance", [("quiet", [function("f.g")], None), ("loud", [function("f.g")], None)])
        return {"right": (200, {"content": None, "tool_calls": [call("f_g", '{"n": 1}')]}),
                "wrong": (200, {"content": None, "tool_calls": [call("f_g", '{"n": "1"}')]}),
                "silent": (200, {"content": "1"}),
                "broken": (200, {"content": None, "tool_calls": [call("f_g", '{"n": ')]}),
                "failed": (400, {}),
                "two": (200, {"content": None, "tool_calls": [call("f_g", '{"n": 2}'), call("f_g", '{"n": 1}')]}),
                "quiet": (200, {"content": "No."}),
                "loud": (200, {"content": None, "tool_calls": [call("f_g", '{"n": 1}')]})}

    def eval_tools(self, url, *arguments):
        done = subprocess.run([os.environ["KINGLET"], "eval", "tools", "--url", url, "--data", self.data, *arguments],
                              capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout, done.stderr

    def test_counts_by_category(self):
        categories = ("--category", "simple", "--category", "live_simple", "--category", "parallel",
                      "--category", "irrelevance")
        with Endpoint(self.write_all()) as endpoint:
            outcomes = self.data / "outcomes.jsonl"
            status, out, err = self.eval_tools(endpoint.url, "--json", "--key", "secret", "--model", "m",
                                               "--outcomes", outcomes, *categories)
            self.assertEqual(status, 0, err)
            result = json.loads(out)
            counts = {name: tuple(of[key] for key in ("questions", "right", "calls", "calls_unparsed", "calls_invalid", "errors"))
                      for name, of in result["categories"].items()}
            self.assertEqual(counts, {"simple": (4, 1, 3, 1, 1, 0), "live_simple": (1, 0, 0, 0, 0, 1),
                                      "parallel": (1, 1, 2, 0, 0, 0), "irrelevance": (2, 1, 1, 0, 0, 0)})
            self.assertEqual(result["all"]["right"], 3)
            low, high = result["all"]["ci95"]
            self.assertTrue(0 < low < 3 / 8 < high < 1)
            asked = endpoint.asked_for("right")
            self.assertEqual((asked["path"], asked["key"], asked["model"]), ("/v1/chat/completions", "Bearer secret", "m"))
            self.assertEqual((asked["temperature"], asked["tool_choice"]), (0, "auto"))
            self.assertEqual(asked["tools"], [{"type": "function", "function": {
                "name": "f_g", "description": "", "parameters": {
                    "type": "object", "properties": {"n": {"type": "number"}}, "required": ["n"]}}}])
            run, *lines = [json.loads(line) for line in outcomes.read_text().splitlines()]
            self.assertEqual((run["task"], run["ask"]), ("tools", "tools"))
            self.assertEqual([line["scores"]["right"] for line in lines], [1, 0, 0, 0, 0, 1, 1, 0])
            self.assertEqual([line["id"] for line in lines if "error" in line], [lines[4]["id"]])
            self.assertEqual(lines[7]["fault"], "1 calls, where 0 are expected")
            status, out, _ = self.eval_tools(endpoint.url, *categories)
            self.assertEqual(status, 0)
            self.assertRegex(out, r"(?m)^simple +4 +1 +25\.0 ")
            self.assertRegex(out, r"(?m)^all +8 +3 +37\.5 ")

    def test_asks_for_arguments_alone(self):
        self.write_all()
        answers = {"right": (200, {"content": '{"n":1}'}), "wrong": (200, {"content": '{"n":2}'}),
                   "silent": (200, {"content": '{"n":'}), "broken": (200, {"content": '{"n":"1"}'})}
        with Endpoint(answers) as endpoint:
            for asking, own in ("schema", None), ("hidden-schema", {"show_schema": False}):
                status, out, err = self.eval_tools(endpoint.url, "--json", "--ask", asking, "--category", "simple")
                self.assertEqual(status, 0, err)
                counts = json.loads(out)["all"]
                self.assertEqual([counts[key] for key in ("right", "calls", "calls_unparsed", "calls_invalid")], [1, 4, 1, 1])
                asked = endpoint.asked_for("right")
                self.assertNotIn("tools", asked)
                self.assertEqual(asked.get("kinglet"), own)
                self.assertEqual(asked["response_format"]["json_schema"]["schema"]["required"], ["n"])
            self.assertEqual(self.eval_tools(endpoint.url, "--ask", "nicely", "--category", "simple")[0], 2)

    def test_says_what_is_missing(self):
        with Endpoint({}) as endpoint:
            status, _, err = self.eval_tools(endpoint.url, "--category", "simple")
            self.assertEqual((status, "BFCL_v4_simple_python.json" in err), (1, True), err)
            (self.data / "BFCL_v4_multiple.json").write_text("{}\n")
            (self.data / "possible_answer/BFCL_v4_multiple.json").touch()
            status, _, err = self.eval_tools(endpoint.url, "--category", "multiple")
            self.assertEqual((status, "BFCL_v4_multiple.json: line 1" in err), (3, True), err)
        self.assertEqual(self.eval_tools("nonsense", "--category", "simple")[0], 1)
        self.assertEqual(self.eval_tools(endpoint.url, "--category", "nonsense")[0], 2)

    def test_says_when_nobody_answers(self):
        self.write_all()
        status, _, err = self.eval_tools("http://127.0.0.1:1", "--category", "simple")
        self.assertEqual((status, "nobody answers" in err), (1, True), err)
        self.assertEqual(self.eval_tools("nonsense", "--category", "simple")[0], 2)


if __name__ == "__main__":
    unittest.main()
