# SPDX-License-Identifier: Apache-2.0
"""Programs that the comparisons of this folder run, and servers that they start and end: Kinglet's, and llama.cpp's as the
peer."""
import contextlib
import json
import os
import pathlib
import shlex
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request


class Failed(Exception):
    """A program gave no figure; its text says why."""


def run(arguments, environment, seconds, accept=(0,)):
    """What the program prints to standard output where it ends with a status that is accepted."""
    name = pathlib.Path(arguments[0]).name
    try:
        done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, timeout=seconds,
                              env=environment, stdin=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise Failed(f"{name} took longer than {seconds} s") from None
    except OSError as error:
        raise Failed(f"{name} cannot be started: {error.strerror}") from None
    if done.returncode < 0:
        raise Failed(f"{name} died of {signal.Signals(-done.returncode).name}")
    if done.returncode not in accept or not done.stdout:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise Failed(f"{name} failed: {lines[-1][:200]}")
    return done.stdout


def of_kinglet(home):
    """An environment in which Kinglet's files are in a folder of their own."""
    return os.environ | {"KINGLET_HOME": str(home), "XDG_CACHE_HOME": str(home)}


def of_peer(folder):
    """An environment in which llama.cpp's programs find their libraries."""
    return os.environ | {"LD_LIBRARY_PATH": f"{folder}:{os.environ.get('LD_LIBRARY_PATH', '')}"}


def kv_bytes(options, tokens):
    """Of as many tokens, in half precision as the peer keeps them."""
    config = json.loads(run([options.kinglet, "inspect", options.model, "--json"], os.environ, options.timeout))["config"]
    return tokens * 2 * config["block_count"] * config["kv_head_count"] * (config["head_dim"] + config["value_dim"])


def commands(options):
    """What starts each server, without its port: the same threads, and the same memory for keys and values."""
    tokens = options.slots * options.context
    started = {"kinglet": [options.kinglet, "serve", "--model", options.model, "-t", options.threads,
                           "-c", options.context, "--kv-bytes", kv_bytes(options, tokens),
                           "--quiet", *options.kinglet_flags]}
    if options.peer:
        started["peer"] = [options.peer / "llama-server", "-m", options.model, "-t", options.threads,
                           "-tb", options.threads, "-np", options.slots, "-c", tokens, "--cont-batching",
                           "--cache-reuse", 256, "--host", "127.0.0.1", *options.peer_flags]
    return started


def shown(started):
    """The commands as one would type them, without the folders of the programs."""
    return {side: shlex.join([pathlib.Path(command[0]).name, *map(str, command[1:])])
            for side, command in started.items()}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_ready(url, process, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise Failed(f"the server ended with {process.returncode}")
        try:
            with urllib.request.urlopen(url + "/health", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.01)
    raise Failed("the server was never ready")


class Server:
    """A server that is ready at `port`; `ready_s` after its start."""

    def __init__(self, command, environment, seconds):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = tempfile.TemporaryFile()
        begun = time.monotonic()
        self.process = subprocess.Popen([str(part) for part in [*command, "--port", self.port]], stdout=self.log,
                                        stderr=self.log, stdin=subprocess.DEVNULL, env=environment)
        try:
            wait_until_ready(self.url, self.process, seconds)
        except BaseException as error:   # an interruption, too, must leave no server behind
            last = self.last_line()
            self.kill()
            if isinstance(error, Failed):
                raise Failed(f"{error}: {last}") from None
            raise
        self.ready_s = time.monotonic() - begun

    def last_line(self):
        self.log.seek(0)
        lines = self.log.read().decode(errors="replace").strip().splitlines() or ["nothing in its log"]
        return lines[-1][:200]

    def end(self, seconds=60):
        """Asks the server to end, and waits for it."""
        self.process.terminate()
        self.process.wait(timeout=seconds)

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


@contextlib.contextmanager
def serving(command, environment, seconds):
    """A server that is ready; it is ended with the block."""
    server = Server(command, environment, seconds)
    try:
        yield server
    except Failed as error:
        raise Failed(f"{error}: {server.last_line()}") from None
    finally:
        server.kill()
