# SPDX-License-Identifier: Apache-2.0
"""A server for the tests of one file: its start, its models, its end, and what it says of itself."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request


STORIES = pathlib.Path(os.environ["KINGLET_TEST_DATA"]) / "models/stories-q4_0.gguf"
CHAT = "SmolLM2-135M-Instruct.Q4_1"
VECTORS = "all-MiniLM-L6-v2"
QUESTION = "Name three colours of the rainbow."
TEXT = "The capital of France is"


def real_model(name):
    """A model's path; without it nothing here can be tested, and ctest hears of it."""
    folder = os.environ.get("KINGLET_TEST_MODELS")
    if not folder:
        print("skipped: KINGLET_TEST_MODELS is not set")
        sys.exit(77)
    path = pathlib.Path(folder) / name
    if not path.exists():
        print(f"skipped: {path} is not there")
        sys.exit(77)
    return path


class Server:
    """kinglet serve on a free port, with a home of its own. For `with`."""

    def __init__(self, *models, flags=()):
        self.models, self.flags = models, flags

    @classmethod
    def for_chat(cls, *flags):
        return cls(real_model(CHAT + ".gguf"), flags=flags)

    def __enter__(self):
        self.home = tempfile.TemporaryDirectory()
        models = [argument for model in self.models for argument in ("--model", model)]
        self.errors = open(pathlib.Path(self.home.name, "errors"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [os.environ["KINGLET"], "serve", *models, "--port", "0", "--page-cache-bytes", "0", *self.flags],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.errors, text=True,
            env=os.environ | {"KINGLET_HOME": self.home.name, "XDG_CACHE_HOME": os.environ["KINGLET_CACHE"]})
        line = self.process.stdout.readline()
        if " at http" not in line:
            self.__exit__()
            raise RuntimeError("the server did not start")
        self.url = line.split(" at ")[1].split(",")[0]
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.status = self.process.wait(timeout=60)
        self.process.stdout.close()
        self.errors.seek(0)
        told = [line for line in self.errors if not line.startswith("{")]   # the rest is a line for each request
        sys.stderr.writelines(told)
        self.errors.close()
        self.home.cleanup()

    def call(self, path, body=None, method=None, headers=()):
        """(status, body) of a request without any client: JSON where it is JSON."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json", **dict(headers)},
                                         method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                status, raw, kind = answer.status, answer.read(), answer.headers["Content-Type"]
        except urllib.error.HTTPError as error:
            status, raw, kind = error.code, error.read(), error.headers["Content-Type"]
        return status, json.loads(raw) if raw and kind.startswith("application/json") else raw.decode()

    def answer(self, question, tokens=24):
        """What a chat says to a question, heard without any client."""
        body = {"model": CHAT, "messages": [{"role": "user", "content": question}], "temperature": 0,
                "max_tokens": tokens}
        return self.call("/v1/chat/completions", body)[1]["choices"][0]["message"]["content"]

    def ending(self, text, tokens=8):
        """How a text goes on, heard without any client."""
        body = {"model": CHAT, "prompt": text, "temperature": 0, "max_tokens": tokens}
        return self.call("/v1/completions", body)[1]["choices"][0]["text"]

    def count(self, text, **options):
        """How many tokens a text has."""
        return self.call("/tokenize", {"content": text, **options})[1]["count"]

    def token(self, text):
        """The one token that a text is."""
        (token,) = self.call("/tokenize", {"content": text})[1]["tokens"]
        return token

    def running(self):
        """Requests that the engine computes or keeps waiting."""
        models = self.call("/api/ps")[1]["models"]
        return sum(model.get("running", 0) + model.get("waiting", 0) for model in models)

    def metric(self, name):
        """The sum of a counter over its labels."""
        lines = self.call("/metrics")[1].splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.split("{")[0].split(" ")[0] == name)

    def wait_until(self, holds, seconds=15):
        """Whether it comes to hold in time."""
        end = time.monotonic() + seconds
        while not (held := holds()) and time.monotonic() < end:
            time.sleep(0.02)
        return held
