# SPDX-License-Identifier: Apache-2.0
"""What the API tests share: a tiny model that can chat, a running server, and plain HTTP to it."""
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import signal
import socket
import struct
import subprocess
import tempfile
import unittest
import urllib.parse

DATA = pathlib.Path(os.environ["KINGLET_TEST_DATA"])
STORIES = DATA / "models/stories-q4_0.gguf"
STORY = "Once upon a time, there was a little girl named Lily."
TEMPLATE = "{% for message in messages %}{{ message.content }}{% endfor %}"
ALIGNMENT = 32


def add_to_gguf(source, target, **texts):
    """A copy of a GGUF file with string values added, their names' "__" read as ".". One value more is blanks: what is
    added is as long as a multiple of GGUF's alignment, so that what comes behind needs no move of its own."""
    def entry(name, value):
        key = name.replace("__", ".").encode()
        return struct.pack("<Q", len(key)) + key + struct.pack("<IQ", 8, len(value)) + value

    data = source.read_bytes()
    magic, version, tensor_count, value_count = struct.unpack_from("<4sIQQ", data)
    added = b"".join(entry(name, text.encode()) for name, text in texts.items())
    blanks = f"blanks__{value_count}"   # another name in a copy of a copy
    added += entry(blanks, b" " * (-len(added + entry(blanks, b"")) % ALIGNMENT))
    target.write_bytes(struct.pack("<4sIQQ", magic, version, tensor_count, value_count + len(texts) + 1) + added + data[24:])
    return target


def key_row(name, secret, role, **limits):
    """A table of a file of keys."""
    lines = ["[[key]]", f'name = "{name}"', f'role = "{role}"', f'sha256 = "{hashlib.sha256(secret.encode()).hexdigest()}"']
    return "\n".join(lines + [f"{limit} = {value}" for limit, value in limits.items()]) + "\n"


class Reply:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.body = response.read()

    def json(self):
        return json.loads(self.body)

    def error(self):
        return self.json()["error"]

    def events(self):
        """The data of server-sent events, without the [DONE] that must stand at the end where there is one."""
        lines = [line[6:] for line in self.body.decode().split("\n") if line.startswith("data: ")]
        if lines[-1] == "[DONE]":
            lines.pop()
        return [json.loads(line) for line in lines]


class Server:
    """kinglet serve on a port of its own, with files of its own."""

    def __init__(self, *arguments, models=(), environment=None):
        self.arguments = [*arguments, *(part for model in models for part in ("--model", str(model)))]
        self.environment = environment or {}
        self.log = tempfile.TemporaryFile()
        self.process = None
        self.port = None

    def start(self):
        self.process = subprocess.Popen(
            [os.environ["KINGLET"], "serve", "--port", "0", *map(str, self.arguments)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=self.log, env=os.environ | self.environment)
        first = self.process.stdout.readline().decode()
        assert " at http" in first, f"the server did not start: {first!r} {self.logged()!r}"
        self.port = int(first.split(",")[0].rsplit(":", 1)[1])
        return self

    def logged(self):
        self.log.seek(0)
        return self.log.read().decode()

    def stop(self, signal_number=signal.SIGTERM):
        if self.process is None:
            return None
        self.process.send_signal(signal_number)
        status = self.process.wait(timeout=60)
        self.process.stdout.close()
        self.process = None
        return status

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop(signal.SIGKILL)
        self.log.close()

    def connect(self):
        return contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60))

    def send(self, method, path, body=None, **headers):
        """One request. Names of headers have "_" for "-"; a body that is no text is sent as JSON."""
        if body is not None and not isinstance(body, (bytes, str)):
            headers = {"Content_Type": "application/json"} | headers
            body = json.dumps(body)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        with self.connect() as connection:
            connection.request(method, path, body, names)
            return Reply(connection.getresponse())

    def get(self, path, **headers):
        return self.send("GET", path, **headers)

    def post(self, path, body, **headers):
        return self.send("POST", path, body, **headers)

    def raw(self, data, seconds=10):
        """Bytes as they are, and all that comes back until the server closes or the time is over."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=seconds) as link:
            answer = b""
            with contextlib.suppress(TimeoutError, ConnectionError):
                link.sendall(data)
                while piece := link.recv(65536):
                    answer += piece
            return answer

    def loaded(self):
        return {model["name"]: model for model in self.get("/api/ps").json()["models"]}


class ServerTest(unittest.TestCase):
    """A server with one tiny model for all tests of a class; `arguments` are its flags."""
    arguments = ()

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.home = pathlib.Path(folder.name)
        cls.environment = {"KINGLET_HOME": str(cls.home / "home"), "KINGLET_CACHE": str(cls.home / "cache")}
        cls.model = add_to_gguf(STORIES, cls.home / "tiny.gguf", tokenizer__chat_template=TEMPLATE)
        cls.server = cls.make_server()
        cls.server.start()
        cls.addClassCleanup(cls.server.__exit__)

    @classmethod
    def make_server(cls):
        return Server(*cls.arguments, models=[cls.model], environment=cls.environment)

    def expect_error(self, reply, status, field=None):
        self.assertEqual(reply.status, status, reply.body)
        error = reply.error()
        self.assertTrue(error["message"], error)
        if field is not None:
            self.assertEqual(error["param"], field, error)
        return error


INTENTS = """
default = "birds"

[out_of_scope]
rejection = 0

[[intent]]
name = "birds"
mode = "chat"
examples = ["what does a kestrel eat", "where do swifts nest", "which bird sings at night", "how fast does a falcon dive", "do owls hunt by day"]

[[intent]]
name = "bills"
mode = "refuse"
message = "Ask the office."
examples = ["where is my invoice", "you charged my card twice", "send me the receipt", "how do I pay the bill", "refund my payment"]
"""


def write_calibration(home, model, bias):
    """One by which the model's answers are all as likely right: sigmoid(bias)."""
    features = {name: {"mean": 0, "scale": 1, "weight": 0} for name in ("gate", "span", "coverage", "probe")}
    regression = {"bias": bias, "features": features}
    calibration = {"model": model, "data": "", "questions": 1, "probe": {"bias": 0, "weights": []}, "answerable": regression, "quoted": regression}
    folder = home / "calibrations"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{model}.json").write_text(json.dumps(calibration))


def train_intents(file, environment):
    """A router, learnt from a file of intents by words alone."""
    return subprocess.run([os.environ["KINGLET"], "intents", "train", str(file)], env=os.environ | environment, check=True, capture_output=True)


class LibraryTest(ServerTest):
    """Its server has a library, "notes"."""

    @classmethod
    def make_server(cls, *flags):
        folder = cls.home / "notes"
        folder.mkdir()
        return Server("--library", f"notes={folder}", *flags, models=[cls.model], environment=cls.environment)

    def add(self, name, text, **headers):
        return self.server.send("POST", "/v1/library/documents?name=" + urllib.parse.quote(name), text,
                                **{"Content_Type": "application/octet-stream"} | headers)
