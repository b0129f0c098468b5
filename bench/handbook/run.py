#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Asks the questions of questions.jsonl of a library that holds Debian's handbook, and counts.

  run.py KINGLET LIBRARY [--model MODEL] [--mode cite|quote] [--set test|tune|all] [--verbose]

Right: the expected words stand in a quote of an answer (white space aside), or an unanswerable question is abstained from.
"""
import argparse
import json
import pathlib
import re
import statistics
import subprocess


def squeeze(text):
    return re.sub(r"\s+", "", text)


def ask(kinglet, library, model, mode, question):
    command = [kinglet, "ask", question, "--library", library, "--mode", mode, "--json"]
    if model:
        command += ["--model", model]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinglet")
    parser.add_argument("library")
    parser.add_argument("--model")
    parser.add_argument("--mode", default="cite", choices=("cite", "quote"))
    parser.add_argument("--set", default="test", choices=("test", "tune", "all"))
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()

    rows = [json.loads(line) for line in open(pathlib.Path(__file__).with_name("questions.jsonl"))]
    rows = [row for row in rows if args.set in ("all", row["set"])]
    found = closest = answered = abstained = unanswerable = carried = 0
    words, quote_words, first_ms, total_ms = [], [], [], []
    for row in rows:
        got = ask(args.kinglet, args.library, args.model, args.mode, row["question"])
        if row["expected"] is None:
            unanswerable += 1
            right = got["abstained"]
            abstained += right
        else:
            answered += 1
            quoted = any(squeeze(row["expected"]) in squeeze(quote["text"]) for quote in got["quotes"])
            right = quoted and not got["abstained"]
            found += right
            closest += quoted and got["abstained"]
            words.append(len((got["answer"] or "").split()))
            quote_words.append(sum(len(quote["text"].split()) for quote in got["quotes"]))
            carried += got["ledger"]["useful_tokens"] > 0
        first_ms.append(got["ledger"]["first_byte_ms"])
        total_ms.append(got["ledger"]["total_ms"])
        if args.verbose or not right:
            print("right" if right else "WRONG", row["id"], "|", got["answer"] or got["reason"])
            for quote in got["quotes"] if args.verbose or not right else []:
                print("    ", quote["heading"], "|", quote["text"][:160].replace("\n", " "))
    print(json.dumps({
        "questions": len(rows), "expected_in_quotes": f"{found}/{answered}", "in_what_comes_closest": closest,
        "abstained_rightly": f"{abstained}/{unanswerable}",
        "answers_in_the_models_words": f"{carried}/{answered}",
        "answer_words_mean": round(statistics.mean(words), 1),
        "quote_words_mean": round(statistics.mean(quote_words), 1),
        "first_byte_ms_median": round(statistics.median(first_ms)),
        "total_ms_median": round(statistics.median(total_ms))}))


if __name__ == "__main__":
    main()
