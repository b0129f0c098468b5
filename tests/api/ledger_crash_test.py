#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the server as soon as an answer has come, again and again: each answer's row is there.

usage: ledger_crash_test.py [KILLS]
"""
import json
import pathlib
import signal
import sqlite3
import sys
import unittest

import serving
from serving import STORY

KILLS = int(sys.argv.pop(1)) if len(sys.argv) > 1 else 100
REQUESTS = [
    ("/v1/completions", {"prompt": STORY, "max_tokens": 2}),
    ("/v1/completions", {"prompt": STORY, "max_tokens": 2, "stream": True}),
    ("/v1/messages", {"messages": [{"role": "user", "content": STORY}], "max_tokens": 2}),
    ("/api/generate", {"prompt": STORY, "options": {"num_predict": 2}}),
]


def row_id(reply):
    """Of the answer, which has it once."""
    _, found, rest = reply.body.decode().rpartition('"kinglet":')
    assert found, reply.body
    return json.JSONDecoder().raw_decode(rest)[0]["id"]


class LedgerCrash(serving.ServerTest):
    def test_no_answer_that_came_is_lost(self):
        came = set()
        for kill in range(KILLS):
            for path, body in REQUESTS[kill % 4:kill % 4 + 1 + kill % 2]:
                came.add(row_id(self.server.post(path, body)))
            self.server.stop(signal.SIGKILL)
            self.server.start()
        ledger = sqlite3.connect(pathlib.Path(self.environment["KINGLET_HOME"]) / "ledger.sqlite")
        self.addCleanup(ledger.close)
        self.assertEqual(came - {id for id, in ledger.execute("SELECT id FROM answers")}, set())
        self.assertGreaterEqual(len(came), KILLS)
        self.assertEqual(ledger.execute("PRAGMA integrity_check").fetchall(), [("ok",)])


if __name__ == "__main__":
    unittest.main()
