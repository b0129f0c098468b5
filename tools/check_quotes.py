#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks the sample questions and checks each quote, byte for byte, against the library and the original document.

usage: tools/check_quotes.py KINGLET LIBRARY
"""
import html.parser
import json
import pathlib
import subprocess
import sys
import urllib.parse

QUESTIONS = pathlib.Path(__file__).parent / "sample_questions"


class Words(html.parser.HTMLParser):
    """The characters of an HTML page without tags and without spaces."""

    def __init__(self, page):
        super().__init__()
        self.pieces = []
        self.feed(page)

    def handle_data(self, data):
        self.pieces.append("".join(data.split()))

    def text(self):
        return "".join(self.pieces)


def run(*command):
    return json.loads(subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout)


def original(uri):
    path = urllib.parse.unquote(urllib.parse.urlparse(uri).path) if uri.startswith("file:") else uri
    return Words(pathlib.Path(path).read_text(encoding="utf-8")).text()


def faults_of(answer, kinglet, library):
    for number, quote in enumerate(answer["quotes"], start=1):
        shown = run(kinglet, "library", "show", quote["document"], "--library", library, "--text", "--json")
        kept = shown["text"].encode()[quote["start_byte"] : quote["end_byte"]]
        if kept != quote["text"].encode():
            yield f"quote {number} is not the kept text at its byte range"
        if "".join(quote["text"].split()) not in original(quote["document"]):
            yield f"quote {number} is not in {quote['document']}"
    for claim in answer["claims"]:
        if not claim["quotes"] or not all(0 <= k < len(answer["quotes"]) for k in claim["quotes"]):
            yield f"no quote carries: {claim['text']}"


def main():
    kinglet, library = sys.argv[1:]
    failed = 0
    lines = QUESTIONS.read_text(encoding="utf-8").splitlines()
    for line in lines:
        answerable = not line.startswith("! ")
        question = line.removeprefix("! ")
        answer = run(kinglet, "ask", question, "--library", library, "--json")
        faults = list(faults_of(answer, kinglet, library))
        if answer["abstained"] == answerable:
            faults.append("abstained" if answerable else "answered what the library does not say")
        if answerable and not answer["quotes"]:
            faults.append("no quotes")
        print(f"{'FAIL' if faults else 'ok'}: {question} ({len(answer['quotes'])} quotes)")
        for fault in faults:
            print(f"  {fault}")
        failed += bool(faults)
    print(f"{len(lines) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
