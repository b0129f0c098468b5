#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`kinglet eval tools` against an endpoint that answers from a script."""
import http.server
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import unittest


def function(name):
    return {"name": name, "description": "", "parameters": {
        "type": "dict", "properties": {"n": {"type": "float"}}, "required": ["n"]}}


def call(name, arguments):
    return {"id": "1", "type": "function", "function": {"name": name, "arguments": arguments}}


class Endpoint(http.server.ThreadingHTTPServer):
    """Answers a question by its text; keeps what it was asked."""

    def __init__(self, answers):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = answers
        self.asked = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def __exit__(self, *_):
        self.shutdown()
        self.server_close()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = body["messages"][-1]["content"]
        self.server.asked[text] = body | {"path": self.path, "key": self.headers["Authorization"]}
        status, message = self.server.answers[text]
        answer = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


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
                "failed": (500, {}),
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
            asked = endpoint.asked["right"]
            self.assertEqual((asked["path"], asked["key"], asked["model"]), ("/v1/chat/completions", "Bearer secret", "m"))
            self.assertEqual((asked["temperature"], asked["tool_choice"]), (0, "auto"))
            self.assertEqual(asked["tools"], [{"type": "function", "function": {
                "name": "f_g", "description": "", "parameters": {
                    "type": "object", "properties": {"n": {"type": "number"}}, "required": ["n"]}}}])
            lines = [json.loads(line) for line in outcomes.read_text().splitlines()]
            self.assertEqual([line["right"] for line in lines], [True, False, False, False, False, True, True, False])
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
                asked = endpoint.asked["right"]
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
