#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Schemathesis: what /openapi.json promises of each route holds for requests made up from it, right and wrong ones."""
import unittest

import hypothesis
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (content_type_conformance, response_schema_conformance,
                                               status_code_conformance)

from kinglet_server import STORIES, Server

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 5   # requests for each route and kind
# A small context keeps each answer short.
FLAGS = ("--context", "64", "--request-timeout-s", "5")


def setUpModule():
    global document
    with Server(STORIES) as server:
        document = server.call("/openapi.json")[1]


class OpenApi(unittest.TestCase):
    def setUp(self):
        self.server = self.enterContext(Server(STORIES, flags=FLAGS))

    def try_out(self, operation, mode):
        settings = hypothesis.settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None,
                                       suppress_health_check=list(hypothesis.HealthCheck))

        @settings
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
        def hold(case):
            case.call_and_validate(checks=CHECKS, timeout=30)
        hold()

    def test_each_route_keeps_its_promises(self):
        schema = schemathesis.openapi.from_url(self.server.url + "/openapi.json")
        operations = [result.ok() for result in schema.get_all_operations()]
        described = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
        # It does not ask for the description once more.
        self.assertEqual({operation.label for operation in operations}, described - {"GET /openapi.json"})
        for operation in operations:
            for mode in schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE:
                with self.subTest(operation=operation.label, mode=mode.value):
                    try:
                        self.try_out(operation, mode)
                    except hypothesis.errors.Unsatisfiable:   # it takes nothing that could be wrong
                        self.assertEqual(mode, schemathesis.GenerationMode.NEGATIVE)
        self.assertEqual(self.server.running(), 0)


if __name__ == "__main__":
    unittest.main()
