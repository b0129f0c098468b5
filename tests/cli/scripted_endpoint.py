# SPDX-License-Identifier: Apache-2.0
"""An endpoint of OpenAI's API that answers from a script: for tests of what asks endpoints."""
import contextlib
import http.server
import json
import threading


class Endpoint(http.server.ThreadingHTTPServer):
    """answer(path, body) gives a status and an object; what was asked is kept in order. For `with`."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer
        self.asked = []
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
        self.server.asked.append(body | {"path": self.path, "key": self.headers["Authorization"]})
        status, reply = self.server.answer(self.path, body)
        answer = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        with contextlib.suppress(BrokenPipeError):   # who asked has gone
            self.wfile.write(answer)

    def log_message(self, *_):
        pass


def said(text):
    """A chat's answer."""
    return 200, {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}


def echoed(prompt, logprobs):
    """A completion's echo of a prompt whose last characters are a token each, with these logprobs; all before is one."""
    before = len(prompt) - len(logprobs)
    return 200, {"choices": [{"text": prompt + "!", "logprobs": {
        "tokens": [prompt[:before], *prompt[before:], "!"], "token_logprobs": [None, *logprobs, -1],
        "text_offset": [0, *range(before, len(prompt) + 1)]}}], "usage": {"prompt_tokens": len(logprobs) + 1}}
