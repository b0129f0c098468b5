# SPDX-License-Identifier: Apache-2.0
"""Servers that the comparisons of this folder start and end: Kinglet's, and llama.cpp's as the peer."""
import contextlib
import json
import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request


class Failed(Exception):
    """A server or what loads it gave no figure; its text says why."""


def kv_bytes(kinglet, model, tokens):
    """Of as many tokens, in half precision as the peer keeps them."""
    out = subprocess.run([kinglet, "inspect", model, "--json"], capture_output=True, text=True)
    if out.returncode != 0:
        raise Failed(out.stderr.strip())
    config = json.loads(out.stdout)["config"]
    return tokens * 2 * config["block_count"] * config["kv_head_count"] * (config["head_dim"] + config["value_dim"])


def commands(options):
    """What starts each server, without its port: the same threads, and the same memory for keys and values."""
    tokens = options.slots * options.context
    started = {"kinglet": [options.kinglet, "serve", "--model", options.model, "-t", options.threads,
                           "-c", options.context, "--kv-bytes", kv_bytes(options.kinglet, options.model, tokens),
                           "--quiet", *options.kinglet_flags]}
    if options.peer:
        started["peer"] = [options.peer / "llama-server", "-m", options.model, "-t", options.threads,
                           "-tb", options.threads, "-np", options.slots, "-c", tokens, "--cont-batching",
                           "--cache-reuse", 256, "--host", "127.0.0.1", *options.peer_flags]
    return started


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

    def __init__(self, side, command, options, home):
        environment = os.environ | {"KINGLET_HOME": home, "XDG_CACHE_HOME": home}
        if side == "peer":
            environment["LD_LIBRARY_PATH"] = f"{options.peer}:{os.environ.get('LD_LIBRARY_PATH', '')}"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = tempfile.TemporaryFile()
        begun = time.monotonic()
        self.process = subprocess.Popen([str(part) for part in [*command, "--port", self.port]], stdout=self.log,
                                        stderr=self.log, stdin=subprocess.DEVNULL, env=environment)
        try:
            wait_until_ready(self.url, self.process, options.timeout)
        except Failed as error:
            last = self.last_line()
            self.kill()
            raise Failed(f"{error}: {last}") from None
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
def serving(side, command, options, home):
    """A server that is ready; it is ended with the block."""
    server = Server(side, command, options, home)
    try:
        yield server
    except Failed as error:
        raise Failed(f"{error}: {server.last_line()}") from None
    finally:
        server.kill()
